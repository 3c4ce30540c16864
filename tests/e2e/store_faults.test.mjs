// A store that throws, hangs, is overloaded, loses replies or answers nonsense lets nobody in, logs nobody out and loses no write.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, cookieIn, eventually, logged, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const LATE = 15_000; // far beyond the deadline
const config = { default_access: "optional", store_deadline: "3s", paths: [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }] };

let gate;
let app;
test.before(async () => {
  gate = await startGate({ config });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(1100); // what faults give is logged once a second
  await gate.clearFaults();
  gate.origin.forget();
  await gate.forgetLogs();
  app = application(gate);
});

const signedIn = (sub = newUser(), more) => new Browser(gate).login(sub, more);

// The store's answer to every kind of fault, and what the log calls it.
const FAULTS = { throw: "failed", overloaded: "overloaded", hang: "deadline", null: "failed", garbage: "unreadable", reset: "failed", late: "deadline", lost: "failed" };

function isUnavailable(answer, what) {
  assert.deepEqual([answer.status, answer.code, answer.all("set-cookie")], [503, "store_unavailable", []], what);
  assert.match(answer.header("retry-after"), /^\d+$/);
  assert.equal(answer.header("cache-control"), "no-store");
}

for (const [kind, name] of Object.entries(FAULTS)) {
  test(`a store fault (${kind}) is 503 within the deadline; nothing is forwarded, and the cookie and the session are kept`, async () => {
    const sub = newUser();
    const alice = await (await signedIn(sub, { data: { n: 1 } })).forgotten();
    const id = alice.id;
    gate.origin.forget();
    await gate.fault(kind, kind === "late" ? { times: 4, ms: LATE } : { times: 4 });
    const started = performance.now();
    const answers = await Promise.all(
      [["GET", "/private/x", BROWSER.navigate], ["POST", "/private/x", BROWSER.fetch], ["GET", "/open", BROWSER.navigate], ["POST", "/open", BROWSER.fetch]].map(
        ([method, path, headers]) => alice.send(method, path, headers),
      ),
    );
    assert.ok(performance.now() - started < LATE);
    await gate.clearFaults();
    for (const answer of answers) isUnavailable(answer, kind);
    assert.equal(gate.origin.requests.length, 0, "not even as nobody");
    assert.deepEqual(new Set((await logged(gate, "store.fault")).map((event) => event.fault)), new Set([name]));
    assert.equal(alice.id, id);
    const claims = await alice.claims();
    assert.deepEqual([claims.sub, claims.data], [sub, { n: 1 }]);
  });
}

test("a platform that refuses the question at once is a fault like any other", async () => {
  const sub = newUser();
  const alice = await (await signedIn(sub)).forgotten();
  gate.origin.forget();
  for (const ask of [() => alice.read("/private/x"), () => alice.send("POST", "/private/x", BROWSER.fetch, ""), () => alice.send("POST", "/.edge-session/logout")]) {
    await gate.refuse(9);
    isUnavailable(await ask());
    await gate.clearFaults();
  }
  assert.equal(gate.origin.requests.length, 0);
  assert.deepEqual(new Set((await logged(gate, "store.fault")).map((event) => event.fault)), new Set(["failed"]));
  assert.deepEqual(gate.events("internal"), []);
  assert.equal(await alice.who(), sub);
});

test("a logout whose object cannot delete what it stored is not confirmed", async () => {
  const alice = await signedIn();
  const id = alice.id;
  await gate.fault("undeleted");
  isUnavailable(await alice.send("POST", "/.edge-session/logout"));
  assert.equal(alice.id, id);
});

test("a fault concerns nobody who needs no store: public paths, visitors without a cookie, forged cookies", async () => {
  const alice = await signedIn();
  const forged = new Browser(gate);
  forged.jar.set(SESSION, `${alice.id.slice(0, -2)}AA`);
  await gate.fault("throw", { times: 9 });
  assert.equal((await alice.open("/public/x")).status, 200);
  assert.equal((await new Browser(gate).open("/")).status, 200);
  assert.equal((await forged.open("/")).status, 200);
  assert.equal((await forged.open("/private/x")).status, 401);
});

test("what a fault has hidden may have been an activity, but not a way past a deadline", async () => {
  const alice = await signedIn();
  await gate.advance(31 * 60_000);
  for (const kind of ["throw", "lost"]) {
    await gate.fault(kind);
    isUnavailable(await alice.open("/private/x"), kind);
  }
  assert.equal((await alice.open("/private/x")).status, 401);
});

const AGAIN = 2; // a command that issues an ID is tried once more where the store breaks

for (const kind of ["throw", "hang", "lost"]) {
  test(`a login that the store does not confirm (${kind}) shows no login: 503, no cookie, nothing of the application's page`, async () => {
    const sub = newUser();
    const browser = new Browser(gate);
    await gate.fault(kind, { times: kind === "hang" ? 1 : AGAIN });
    const answer = await browser.does({ op: "create", sub, headers: { "X-Welcome": "alice", "Set-Cookie": "theme=dark" } });
    isUnavailable(answer, kind);
    assert.doesNotMatch(answer.text, /done/);
    assert.equal(answer.header("x-welcome"), undefined);
    assert.equal(await browser.who(), undefined);
    await browser.login(sub);
    assert.equal(await browser.who(), sub, "and can be tried again");
  });

  test(`a logout that the store does not confirm (${kind}) shows no logout: 503, cookie kept; again works`, async () => {
    const alice = await signedIn();
    const id = alice.id;
    const thief = alice.copy();
    await gate.fault(kind, { skip: 1 });
    isUnavailable(await alice.does({ op: "destroy" }), kind);
    assert.equal(alice.id, id);
    const again = await alice.does({ op: "destroy" });
    assert.equal(again.status, 200);
    assert.equal(cookieIn(again) === undefined, kind === "lost", "where the first try has landed nothing is left to end");
    assert.equal(await thief.who(), undefined);
  });

  test(`a change that the store does not confirm (${kind}) is 503, and acknowledged ones are kept`, async () => {
    const alice = await signedIn(newUser(), { data: { kept: 1 } });
    await alice.does({ op: "update", set: { also: 2 } });
    await gate.fault(kind, { skip: 1 });
    isUnavailable(await alice.does({ op: "update", set: { tried: 3 } }), kind);
    assert.deepEqual((await alice.claims()).data, kind === "lost" ? { kept: 1, also: 2, tried: 3 } : { kept: 1, also: 2 });
    await alice.does({ op: "update", set: { tried: 4 } });
    assert.deepEqual((await alice.claims()).data, { kept: 1, also: 2, tried: 4 });
  });
}

test("a login that is tried once more has no more time for both than the deadline", async () => {
  const browser = new Browser(gate);
  await gate.fault("lost", { ms: 2500 });
  await gate.fault("hang");
  const started = performance.now();
  isUnavailable(await browser.does({ op: "create", sub: newUser() }));
  assert.ok(performance.now() - started < 5000, `${performance.now() - started} ms`);
});

test("a login or a rotate whose confirmation was lost once is confirmed, with an ID that works", async () => {
  for (const operation of [{ op: "rotate" }, { op: "create", sub: newUser() }]) {
    const alice = await signedIn();
    const old = alice.id;
    await gate.fault("lost", { skip: 1 });
    assert.equal((await alice.does(operation)).status, 200);
    assert.notEqual(alice.id, old);
    assert.notEqual(await alice.who(), undefined);
  }
});

test("a rotate whose confirmation was lost twice leaves the old ID dead and gives no cookie: fail closed", async () => {
  const alice = await signedIn();
  await gate.fault("lost", { skip: 1, times: AGAIN });
  isUnavailable(await alice.does({ op: "rotate" }), "rotate");
  assert.equal(await alice.who(), undefined);
});

test("when the session from before a login cannot be ended, no cookie is set", async () => {
  const visitor = new Browser(gate);
  await visitor.does({ op: "create", data: { cart: 1 } });
  const id = visitor.id;
  await gate.fault("throw", { skip: 2 }); // validated, created, and then
  isUnavailable(await visitor.does({ op: "create", sub: newUser() }), "create");
  assert.equal(visitor.id, id);
  assert.deepEqual((await visitor.claims()).data, { cart: 1 });
  const sub = newUser();
  await visitor.login(sub);
  assert.equal(await visitor.who(), sub);
});

test("a login that lands after its deadline is a session that nobody holds, and ends with the others", async () => {
  const sub = newUser();
  const list = async () => {
    const answer = await send(gate, "POST", "/.edge-session/control", [], control(gate, undefined, { op: "list", sub }, Math.floor((await gate.now()) / 1000)));
    return answer.json().sessions.length;
  };
  const browser = new Browser(gate);
  await gate.fault("late", { ms: LATE });
  isUnavailable(await browser.does({ op: "create", sub }), "late");
  assert.equal(await list(), 1);
  await browser.login(sub);
  assert.equal(await list(), 2);
  await gate.advance(1000);
  await browser.does({ op: "destroy_all" });
  assert.equal(await list(), 0);
});

test("while the store is down, a page that was just read can still be read, and nothing can be changed", async () => {
  const alice = await signedIn();
  alice.jar.delete("__Host-session-fresh");
  assert.equal((await alice.read("/private/x")).status, 200);
  await gate.fault("throw", { times: 9 });
  assert.equal((await alice.read("/private/x")).status, 200);
  isUnavailable(await alice.send("POST", "/private/x", BROWSER.fetch, ""), "unsafe");
  await gate.advance(11_000);
  isUnavailable(await alice.read("/private/x"), "no longer fresh");
});

test("a stored record that cannot be read is a fault and is not overwritten", async () => {
  const sub = newUser();
  await gate.forgetCalls();
  const alice = await signedIn(sub);
  const [name] = await gate.storeCalls();
  const [{ body }] = await gate.objects.sql(name, "SELECT body FROM record");
  for (const broken of ["{", "null", body.replace('"version":1', '"version":2'), body.slice(0, -1)]) {
    await gate.objects.sql(name, "UPDATE record SET body = ?", broken);
    isUnavailable(await alice.send("POST", "/private/x", BROWSER.fetch, ""), broken);
    isUnavailable(await new Browser(gate).does({ op: "create", sub }), broken);
    assert.equal((await gate.objects.sql(name, "SELECT body FROM record"))[0].body, broken);
  }
  await gate.objects.sql(name, "UPDATE record SET body = ?", body);
  assert.equal(await alice.who(), sub);
});

test("a slow store delays its own user and nobody else", async () => {
  await gate.setConfig({ ...config, store_deadline: "30s" });
  const [slow, quick] = [await signedIn(), await signedIn()];
  await gate.forgetCalls();
  await gate.fault("slow", { held: true });
  const late = slow.send("POST", "/private/x", BROWSER.fetch, "");
  assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
  assert.equal((await quick.send("POST", "/private/x", BROWSER.fetch, "")).status, 200);
  await gate.release();
  assert.equal((await late).status, 200);
});
