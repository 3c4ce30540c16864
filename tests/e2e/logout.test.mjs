// The ways out: POST /.edge-session/logout, and the application's `destroy`, with clients that do not wait for the answer.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, cookieIn, eventually, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request, send } from "./harness/raw.mjs";

const LOGOUT = "/.edge-session/logout";
const config = {
  default_access: "optional",
  logout_url: "/bye",
  paths: [{ path: "/private/*", access: "required" }],
  csrf: { trusted_origins: ["https://partner.example"], insecure_exempt_paths: ["/webhook"], insecure_report_only: true },
};

let gate;
let app;
test.before(async () => {
  gate = await startGate({ config });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.clearFaults();
  await gate.forgetCalls();
  gate.origin.forget();
  app = application(gate);
});

const signedIn = (sub = newUser(), more) => new Browser(gate).login(sub, more);

test("a form is sent on to logout_url, a script is answered 204, and both are logged out", async () => {
  for (const [headers, status] of [[BROWSER.submit, 303], [BROWSER.fetch, 204]]) {
    const alice = await signedIn();
    const thief = alice.copy();
    gate.origin.forget();
    const answer = await alice.send("POST", LOGOUT, headers, "");
    assert.equal(answer.status, status);
    assert.equal(answer.header("location"), status === 303 ? "/bye" : undefined);
    assert.deepEqual(cookieIn(answer).attributes, { path: "/", secure: true, httponly: true, samesite: "Lax", "max-age": "0" });
    assert.equal(answer.header("clear-site-data"), '"cache"');
    assert.equal(answer.header("cache-control"), "no-store");
    assert.equal(gate.origin.requests.length, 0, "the application has no part in it");
    assert.equal(alice.id, undefined);
    assert.equal(await thief.who(), undefined);
    assert.equal((await thief.read("/private/x")).status, 401);
  }
});

test("without a session the answer is the same, but nothing is cleared: it tells nobody whether there was one", async () => {
  const dead = await signedIn();
  await dead.copy().send("POST", LOGOUT);
  const forged = new Browser(gate);
  forged.jar.set(SESSION, "forged");
  for (const browser of [new Browser(gate), forged, dead]) {
    for (const [headers, status] of [[BROWSER.submit, 303], [BROWSER.fetch, 204]]) {
      const answer = await browser.send("POST", LOGOUT, headers, "");
      assert.deepEqual([answer.status, answer.header("clear-site-data"), answer.all("set-cookie")], [status, '"cache"', []]);
    }
  }
});

test("only a POST logs out, so that an image or a link cannot", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await alice.send(method, LOGOUT, BROWSER.submit);
    assert.equal(answer.status, 405, method);
    assert.equal(answer.header("allow"), "POST");
  }
  assert.equal(await alice.who(), sub);
});

test("another site cannot log anyone out, whatever is trusted, exempt or only reported", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const cookie = ["Cookie", alice.jar.header];
  await gate.forgetCalls();
  for (const headers of [
    BROWSER.attack,
    [["Origin", "https://partner.example"]],
    [["Origin", "null"]],
    [["Sec-Fetch-Site", "same-site"]],
    [["Sec-Fetch-Site", "cross-site"]],
    [],
  ]) {
    const answer = await send(gate, "POST", LOGOUT, [...headers, cookie], "");
    const refusal = headers === BROWSER.attack ? [303, undefined, []] : [403, "cross_site", []];
    assert.deepEqual([answer.status, answer.code, answer.all("set-cookie")], refusal, JSON.stringify(headers));
  }
  assert.deepEqual(await gate.storeCalls(), [], "no store was asked");
  assert.equal(await alice.who(), sub);
});

test("a superseded ID may still log its session out", async () => {
  const alice = await signedIn();
  const old = alice.copy();
  await alice.does({ op: "rotate" });
  const answer = await old.send("POST", LOGOUT);
  assert.equal(answer.status, 204);
  assert.equal(cookieIn(answer)?.attributes["max-age"], "0");
  assert.equal(await alice.who(), undefined);
});

test("while the store is down a logout is 503, says that the session is alive, and keeps the cookie", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  for (const kind of ["throw", "overloaded", "null", "garbage"]) {
    await gate.fault(kind);
    const answer = await alice.send("POST", LOGOUT, BROWSER.submit, "");
    assert.deepEqual([answer.status, answer.code, answer.all("set-cookie")], [503, "store_unavailable", []], kind);
    assert.match(answer.json().detail, /still logged in/);
    assert.ok(answer.header("retry-after"));
    assert.equal(answer.header("clear-site-data"), undefined);
    assert.equal(await alice.who(), sub, "and that is true");
  }
  assert.equal((await alice.send("POST", LOGOUT)).status, 204);
  assert.equal(alice.id, undefined);
});

test("a logout whose confirmation was lost can be repeated", async () => {
  const alice = await signedIn();
  await gate.fault("lost");
  assert.equal((await alice.send("POST", LOGOUT)).status, 503);
  assert.equal((await alice.send("POST", LOGOUT)).status, 204);
  assert.equal(await alice.who(), undefined);
});

// Sends a request on a connection of its own and leaves it open.
async function begin(browser, path, body) {
  const connection = await connect(gate);
  connection.send(request(gate, "POST", path, [...BROWSER.fetch, ["Cookie", browser.jar.header]], body));
  return connection;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (const way of ["abort", "close"]) {
  test(`a client that vanishes (${way}) while its logout is under way is logged out`, async () => {
    const alice = await signedIn();
    await gate.fault("slow", { ms: 400 }); // the object does not even see it while the client is there
    const connection = await begin(alice, LOGOUT, "");
    assert.ok(await eventually(async () => (await gate.storeCalls()).length === 2), "the store has been asked");
    connection[way]();
    assert.ok(await eventually(async () => (await alice.who()) === undefined));
  });

  test(`a client that vanishes (${way}) while the application answers its logout is logged out`, async () => {
    const alice = await signedIn();
    const hold = app.hold("/do");
    const connection = await begin(alice, "/do", JSON.stringify({ op: "destroy" }));
    await hold.arrived;
    connection[way]();
    await pause(300); // until the runtime has noticed
    hold.release();
    assert.ok(await eventually(async () => (await alice.who()) === undefined));
  });

  test(`a client that vanishes (${way}) between the application's answer and the store's has logged out everywhere`, async () => {
    const sub = newUser();
    const [alice, phone] = [await signedIn(sub), await signedIn(sub)];
    await gate.forgetCalls();
    await gate.fault("slow", { ms: 400, skip: 1 }); // the validation passes, the destroy_all is slow
    const connection = await begin(alice, "/do", JSON.stringify({ op: "destroy_all" }));
    assert.ok(await eventually(async () => (await gate.storeCalls()).length === 2));
    connection[way]();
    assert.ok(await eventually(async () => (await phone.who()) === undefined));
  });
}

test("a client that vanishes before its login is answered has no session that anybody knows", async () => {
  const sub = newUser();
  const browser = new Browser(gate);
  const hold = app.hold("/do");
  const connection = await begin(browser, "/do", JSON.stringify({ op: "create", sub }));
  await hold.arrived;
  connection.abort();
  hold.release();
  await pause(200);
  assert.equal(await browser.who(), undefined);
  assert.equal(await (await signedIn(sub)).who(), sub);
});
