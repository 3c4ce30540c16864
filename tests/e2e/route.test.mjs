// The Worker on a route, in front of the server that is behind the same host: requests go on to where they were going.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, cookieIn } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, get, send, webSocket } from "./harness/raw.mjs";

let gate;
let app;
test.before(async () => {
  gate = await startGate({ route: true, config: { default_access: "optional", paths: [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }] } });
  app = application(gate);
});
test.after(() => gate.stop());

test("a login, a session and a logout work on a route, and the server is asked under its own name", async () => {
  const alice = await new Browser(gate).login("alice");
  assert.equal(await alice.who(), "alice");
  const answer = await alice.open("/private/page?x=%2f");
  assert.equal(answer.status, 200);
  const { last } = gate.origin;
  assert.deepEqual([last.url, last.header("host"), last.header("x-forwarded-host"), last.header("x-forwarded-proto")], ["/private/page?x=%2f", "app.example.com", "app.example.com", "https"]);
  const thief = alice.copy();
  assert.ok(cookieIn(await alice.does({ op: "destroy" })));
  assert.equal((await thief.send("POST", "/private/page")).code, "session_required");
});

test("on a route nothing is sent to another host, whatever the path", async () => {
  for (const path of ["//evil.example/x", "/\\evil.example/x", "/@evil.example", "/public/../x"]) {
    gate.origin.forget();
    const answer = await get(gate, path, BROWSER.fetch);
    const hosts = gate.origin.requests.map((request) => request.header("host"));
    assert.ok(hosts.every((host) => host === "app.example.com"), `${path} ${answer.status} ${hosts}`);
  }
});

test("on a route redirects, statuses and WebSockets pass, and another site's handshake does not", async () => {
  app.on("/go", (recorded, response) => response.writeHead(302, { Location: "/there", "Set-Cookie": ["a=1", "b=2"] }).end());
  const away = await get(gate, "/go", BROWSER.navigate);
  assert.deepEqual([away.status, away.header("location"), away.all("set-cookie")], [302, "/there", ["a=1", "b=2"]]);
  app.on("/same", (recorded, response) => response.writeHead(304, { ETag: '"1"' }).end());
  assert.equal((await get(gate, "/same", [...BROWSER.fetch, ["If-None-Match", '"1"']])).status, 304);
  const own = await webSocket(gate, "/ws", [["Origin", gate.issuer]]);
  assert.equal(own.response.status, 101);
  own.socket.send("hello");
  assert.equal((await own.socket.receive()).data.toString(), "hello");
  own.socket.connection.socket.destroy();
  assert.equal((await webSocket(gate, "/ws", [["Origin", "https://evil.example"]])).response.status, 403);
});

test("on a route a forged cookie, a cross-site change and a protected path without a session end at the gate", async () => {
  gate.origin.forget();
  assert.equal((await send(gate, "POST", "/private/x", [...BROWSER.fetch, ["Cookie", `${SESSION}=${"A".repeat(138)}`]])).code, "session_required");
  assert.equal((await send(gate, "POST", "/x", [["Origin", "https://evil.example"]])).code, "cross_site");
  assert.equal((await get(gate, "/private/x", BROWSER.fetch)).code, "session_required");
  assert.deepEqual(gate.origin.requests, []);
});
