// Two clicks, two tabs, and answers that come late.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, cookieIn, eventually, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const MINUTE = 60_000;

let gate;
let app;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", paths: [{ path: "/private/*", access: "required" }] } });
});
test.after(() => gate.stop());
test.beforeEach(() => {
  gate.origin.forget();
  app = application(gate);
});

const signedIn = (sub = newUser(), more) => new Browser(gate).login(sub, more);

// Both requests are at the application, with the same cookies, before either is answered.
async function doubleClick(browser, operation) {
  const holds = [app.hold("/do"), app.hold("/do")];
  const clicks = [browser.does(operation), browser.does(operation)];
  await Promise.all(holds.map((hold) => hold.arrived));
  for (const hold of holds) hold.release();
  return Promise.all(clicks);
}

for (const [from, prepare] of [
  ["nothing", async () => new Browser(gate)],
  ["an anonymous session", async () => { const visitor = new Browser(gate); await visitor.does({ op: "create", data: { cart: 1 } }); return visitor; }],
  ["a session of the same user", async (sub) => signedIn(sub)],
  ["a session of another user", async () => signedIn()],
]) {
  test(`a double-clicked login from ${from} ends in a working session, whichever answer comes last`, async () => {
    const sub = newUser();
    const browser = await prepare(sub);
    const before = browser.copy();
    const answers = await doubleClick(browser, { op: "create", sub });
    assert.deepEqual(answers.map((answer) => answer.status), [200, 200]);
    assert.equal(await browser.who(), sub);
    for (const answer of answers) {
      const either = new Browser(gate).jar.set(SESSION, cookieIn(answer).value);
      assert.equal(await new Browser(gate, either).who(), sub);
    }
    if (before.id) assert.equal((await before.claims()).sid, undefined, "what was before the login is dead");
  });
}

test("a double-clicked rotate ends in a working session: both answers give the same new ID", async () => {
  const sub = newUser();
  const alice = await signedIn(sub, { data: { clicks: 0 } });
  const before = alice.copy();
  const answers = await doubleClick(alice, { op: "rotate", set: { clicks: 1 } });
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200]);
  assert.equal(cookieIn(answers[0]).value, cookieIn(answers[1]).value);
  const claims = await alice.claims();
  assert.deepEqual([claims.sub, claims.data], [sub, { clicks: 1 }]);
  assert.equal(await before.who(), undefined);
});

test("of two parallel rotates that change different data nothing is lost", async () => {
  const alice = await signedIn();
  const holds = [app.hold("/do"), app.hold("/do")];
  const clicks = [alice.does({ op: "rotate", set: { a: 1 } }), alice.does({ op: "rotate", set: { b: 2 } })];
  await Promise.all(holds.map((hold) => hold.arrived));
  for (const hold of holds) hold.release();
  await Promise.all(clicks);
  assert.deepEqual((await alice.claims()).data, { a: 1, b: 2 });
});

test("a second click on rotate after the first was answered leaves the new session alone", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const before = alice.copy();
  await alice.does({ op: "rotate" });
  const late = await before.does({ op: "rotate" }); // no session any more, so nothing to rotate
  assert.equal(late.code, "control_invalid");
  assert.deepEqual(late.all("set-cookie"), []);
  assert.equal(await alice.who(), sub);
});

test("a double-clicked logout logs out, and both answers say so", async () => {
  const alice = await signedIn();
  const thief = alice.copy();
  const answers = await doubleClick(alice, { op: "destroy" });
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200]);
  assert.equal(alice.id, undefined);
  assert.equal(await thief.who(), undefined);
});

test("logout in one tab ends the other", async () => {
  const alice = await signedIn();
  const tab = alice.copy();
  assert.equal((await tab.read("/private/x")).status, 200);
  assert.equal((await alice.send("POST", "/.edge-session/logout")).status, 204);
  tab.jar.delete("__Host-session-fresh");
  for (const method of ["GET", "POST"]) assert.equal((await tab.send(method, "/private/x")).code, "session_required", method);
});

// A request that waits at the application while its browser does something else; the answer is given to that browser afterwards.
async function overtaken(browser, operation, meanwhile) {
  const hold = app.hold("/do");
  const body = JSON.stringify(operation);
  const old = browser.jar.header;
  const late = send(gate, "POST", "/do", [...BROWSER.fetch, ["Cookie", old]], body);
  await hold.arrived;
  await meanwhile();
  hold.release();
  return late;
}

for (const operation of [{ op: "update", set: { late: true } }, { op: "rotate" }, { op: "destroy" }, { op: "destroy_all" }]) {
  test(`the late answer to a request from before the login leaves the new cookie alone (${operation.op})`, async () => {
    const sub = newUser();
    const alice = await signedIn(newUser());
    const answer = await overtaken(alice, operation, () => alice.login(sub));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(cookieIn(answer), undefined, "no cookie of ours is set or cleared");
    assert.equal(await alice.who(), sub);
  });
}

test("a late logout of the same user's former session leaves the new cookie alone", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const answer = await overtaken(alice, { op: "destroy" }, () => alice.login(sub));
  assert.equal(cookieIn(answer), undefined);
  assert.equal(await alice.who(), sub);
});

test("a late plain answer to a request from before the login leaves the new cookie alone, rotation or not", async () => {
  const alice = await signedIn();
  await gate.advance(16 * MINUTE); // a navigation would rotate
  const hold = app.hold("/slow");
  const late = send(gate, "GET", "/slow", [...BROWSER.navigate, ["Cookie", alice.jar.header]]);
  await hold.arrived;
  const sub = newUser();
  await alice.login(sub);
  hold.release();
  assert.deepEqual((await late).all("set-cookie"), []);
  assert.equal(await alice.who(), sub);
});

test("a late login from before another login is itself a login, and works", async () => {
  const [first, second] = [newUser(), newUser()];
  const browser = new Browser(gate);
  const answer = await overtaken(browser, { op: "create", sub: first }, () => browser.login(second));
  browser.jar.take(answer);
  assert.equal(await browser.who(), first);
});

for (const operation of [{ op: "update", set: { late: true } }, { op: "rotate", set: { late: true } }]) {
  test(`an answer that finishes after the logout does not bring the session back (${operation.op})`, async () => {
    const alice = await signedIn();
    const thief = alice.copy();
    const answer = await overtaken(alice, operation, () => alice.send("POST", "/.edge-session/logout"));
    assert.equal(answer.status, 200, "the application's answer passes");
    assert.equal(cookieIn(answer), undefined);
    assert.equal((await thief.claims()).sid, undefined);
  });
}

test("a rotation that is due is not handed out after the logout", async () => {
  const alice = await signedIn();
  const thief = alice.copy();
  await gate.advance(16 * MINUTE);
  const hold = app.hold("/slow");
  const late = send(gate, "GET", "/slow", [...BROWSER.navigate, ["Cookie", alice.jar.header]]);
  await hold.arrived;
  await alice.send("POST", "/.edge-session/logout");
  hold.release();
  assert.deepEqual((await late).all("set-cookie"), []);
  assert.equal(await thief.who(), undefined);
});

test("a read that was under way while the session ended is not remembered as alive", async () => {
  const alice = await signedIn();
  alice.jar.delete("__Host-session-fresh");
  const tab = alice.copy();
  await gate.advance(11_000);
  await gate.fault("late", { held: true }); // the store says "alive", and its answer is under way
  await gate.forgetCalls();
  const slow = tab.read("/private/x");
  assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
  await alice.send("POST", "/.edge-session/logout");
  await gate.release();
  await slow;
  assert.equal((await tab.read("/private/x")).code, "session_required");
});

test("a login that was under way while all sessions of the account were ended is refused", async () => {
  for (const operation of [{ op: "destroy_all" }, { op: "rotate", end_others: true }]) {
    const sub = newUser();
    const owner = await signedIn(sub);
    const intruder = new Browser(gate);
    const answer = await overtaken(intruder, { op: "create", sub }, () => owner.does(operation));
    assert.equal(answer.status, 503);
    assert.equal(answer.code, "session_raced");
    assert.deepEqual(answer.all("set-cookie"), []);
    await gate.advance(1000);
    assert.equal(await (await signedIn(sub)).who(), sub, "the next login works");
  }
});
