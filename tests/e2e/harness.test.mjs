// The harness itself: that raw bytes, clock, faults and traps do what the other end-to-end tests rely on.
import assert from "node:assert/strict";
import test from "node:test";
import { logged } from "./harness/app.mjs";
import { Jar, parseSetCookie } from "./harness/cookies.mjs";
import { startGate } from "./harness/gate.mjs";
import { control, verifyAssertion } from "./harness/jws.mjs";
import { BROWSER, connect, get, request, send, webSocket } from "./harness/raw.mjs";

let gate;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", paths: [{ path: "/public/*", access: "public" }] } });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  gate.origin.forget();
  await gate.forgetLogs();
  gate.origin.handler = (request, response) => response.end("ok");
});

// Logs in as the application would.
async function login(jar = new Jar(), sub = "alice") {
  gate.origin.handler = (recorded, response) => {
    response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "create", sub }));
    response.end("welcome");
  };
  const answer = jar.take(await send(gate, "POST", "/login", [...BROWSER.fetch, ["Cookie", jar.header]], "user=alice"));
  assert.equal(answer.status, 200, answer.text);
  gate.origin.handler = (recorded, response) => response.end("ok");
  return jar;
}

test("a request reaches the origin with an assertion that another library accepts", async () => {
  const answer = await get(gate, "/public/page?q=1", BROWSER.navigate);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(gate.origin.last.url, "/public/page?q=1");
  const claims = await verifyAssertion(gate, gate.origin.last.assertion);
  assert.equal(claims.sub, undefined);
});

test("several requests on one connection, and a body with its length and hash", async () => {
  const connection = await connect(gate);
  for (let i = 0; i < 3; i += 1) assert.equal((await connection.send(request(gate, "GET", "/")).read()).status, 200);
  const answer = await connection.send(request(gate, "POST", "/", BROWSER.fetch, "x".repeat(100_000))).read();
  assert.equal(answer.status, 200, answer.text);
  assert.equal(gate.origin.last.length, 100_000);
  connection.close();
});

test("a login sets a cookie, and the jar brings it back", async () => {
  const jar = await login();
  assert.ok(jar.get("__Host-session"));
  await get(gate, "/", [...BROWSER.navigate, ["Cookie", jar.header]]);
  assert.equal(gate.origin.last.claims.sub, "alice");
  assert.deepEqual(parseSetCookie("a=b; Path=/; Secure").attributes, { path: "/", secure: true });
});

test("the clock can be moved and objects can be looked into", async () => {
  const jar = await login();
  const names = await gate.objects.names();
  assert.equal(names.length, 1);
  const tables = await gate.objects.sql(names[0], "SELECT name FROM sqlite_master WHERE type = 'table'");
  assert.ok(tables.length > 0);
  await gate.advance(31 * 60_000);
  await get(gate, "/", [...BROWSER.navigate, ["Cookie", jar.header]]);
  assert.equal(gate.origin.last.claims.sub, undefined, "31 minutes later the session is over");
  await gate.advance(-31 * 60_000);
});

for (const kind of ["throw", "overloaded", "null", "lost", "garbage", "reset"]) {
  test(`a store that fails (${kind}) is a 503, and the next request is served`, async () => {
    const jar = await login();
    await gate.fault(kind, { times: 9 });
    const answer = await send(gate, "POST", "/", [...BROWSER.fetch, ["Cookie", jar.header]], "");
    await gate.clearFaults();
    assert.equal(answer.status, 503, answer.text);
    assert.equal((await send(gate, "POST", "/", [...BROWSER.fetch, ["Cookie", jar.header]], "")).status, 200);
  });
}

for (const place of ["gate", "object"]) {
  for (const kind of ["trap", "panic", "throw"]) {
    test(`an instance that dies (${kind}, in the ${place}) answers every request in flight`, async () => {
      const jar = await login();
      const cookie = ["Cookie", jar.header];
      let release;
      const held = new Promise((resolve) => {
        release = resolve;
      });
      gate.origin.handler = async (recorded, response) => {
        if (recorded.url === "/held") await held;
        response.end("ok");
      };
      const waiting = [get(gate, "/held", [cookie]), get(gate, "/held")];
      while (gate.origin.requests.filter((r) => r.url === "/held").length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      await gate.trap(kind, { place });
      const started = performance.now();
      const victim = send(gate, "POST", "/victim", [...BROWSER.fetch, cookie], "");
      for (const answer of await Promise.all([...waiting, victim])) {
        assert.equal(answer.status, 500, answer.text);
        assert.equal(answer.code, "internal");
        assert.equal(answer.header("cache-control"), "no-store");
      }
      assert.ok(performance.now() - started < 10_000, "long before the store's deadline");
      assert.ok((await logged(gate, "instance.died")).length > 0);
      release();
      assert.equal((await send(gate, "POST", "/", [...BROWSER.fetch, cookie], "")).status, 200);
    });
  }
}

test("a WebSocket goes through", async () => {
  const { response, socket, accepted } = await webSocket(gate, "/public/socket", [["Origin", gate.issuer]]);
  assert.equal(response.status, 101, response.text);
  assert.ok(accepted);
  socket.send("hello");
  assert.equal((await socket.receive()).data, "hello");
  socket.close(4321, "bye");
  assert.equal((await socket.receive()).code, 4321);
});
