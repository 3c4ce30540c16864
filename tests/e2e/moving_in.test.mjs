// An application that kept its sessions itself moves in behind the gate, and nobody has to sign in again: as the README tells it.
import assert from "node:assert/strict";
import test from "node:test";
import { application, Browser, cookieIn } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";

const OLD = { id: "old=0123456789", sub: "alice", auth_time: 1_700_000_000, left: 600 };

let gate;
test.before(async () => {
  gate = await startGate({ config: { login_url: "/login", paths: [{ path: "/login", access: "optional" }] } });
  const app = application(gate);
  const sessions = new Map([[OLD.id, OLD]]);
  app.on("/login", (request, response) => {
    const old = sessions.get(request.header("cookie")?.split("; ").find(pair => sessions.has(pair)));
    if (!old) return response.end("a form");
    sessions.delete(old.id);
    response.setHeader("Edge-Session-Control", control(gate, request, { op: "create", sub: old.sub, auth_time: old.auth_time, absolute: old.left }));
    const back = new URL(request.url, gate.issuer).searchParams.get("return_to");
    return response.writeHead(303, { Location: back }).end();
  });
});
test.after(() => gate.stop());

test("who has an old session comes by the login page once, and stays signed in with what the old session had left", async () => {
  const alice = new Browser(gate);
  alice.jar.set(...OLD.id.split("="));
  assert.equal((await alice.read("/page?a=1")).status, 401, "a script does not come by there");
  const away = await alice.open("/page?a=1");
  const answer = await alice.open(away.header("location"));
  assert.deepEqual([answer.status, answer.header("location")], [303, "/page?a=1"]);
  assert.ok(cookieIn(answer).value);
  assert.equal((await alice.open("/page?a=1")).status, 200);
  assert.match(gate.origin.last.header("cookie"), /^old=0123456789; /, "the old cookie arrives as it was");
  const { sub, auth_time, session } = await alice.claims();
  assert.deepEqual([sub, auth_time, session.absolute - session.created], [OLD.sub, OLD.auth_time, OLD.left]);
});

test("an old session is good for one new one, and who has none sees the form", async () => {
  for (const cookie of [OLD.id, "old=9876543210"]) {
    const browser = new Browser(gate);
    browser.jar.set(...cookie.split("="));
    const away = await browser.open("/page");
    assert.equal((await browser.open(away.header("location"))).text, "a form");
  }
});
