// KV as the store on workerd: what happens when it fails, when it is not bound, and when the store is changed.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application, logged, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { send } from "./harness/raw.mjs";

const CONFIG = { default_access: "optional", store_deadline: "3s", paths: [{ path: "/private/*", access: "required" }] };

let gate;
test.before(async () => {
  gate = await startGate({ entry: "faulty_kv.js", kv: true, config: { ...CONFIG, store: "kv" } });
  application(gate);
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(1100); // what faults give is logged once a second
  await gate.clearFaults();
  gate.origin.forget();
  await gate.forgetLogs();
});

const fault = (op, kind, more = {}) => gate.order({ kv: { op, kind, times: 1, ...more } });
const signedIn = (sub = newUser()) => new Browser(gate).login(sub);
const isUnavailable = (answer, what) => assert.deepEqual([answer.status, answer.code, answer.all("set-cookie")], [503, "store_unavailable", []], what);

const NAMES = { reject: "failed", lost: "failed", hang: "deadline" };

for (const kind of ["reject", "lost", "hang"]) {
  test(`a login whose write fails (${kind}) is 503 without a cookie, and the session before it lives`, async () => {
    const sub = newUser();
    const alice = await signedIn(sub);
    await fault("put", kind);
    isUnavailable(await alice.does({ op: "create", sub: newUser() }), kind);
    assert.deepEqual((await logged(gate, "store.fault")).map((event) => event.fault), [NAMES[kind]]);
    assert.equal(await alice.who(), sub);
  });

  test(`a read that fails (${kind}) is 503, forwards nothing and ends nothing`, async () => {
    const sub = newUser();
    const alice = await signedIn(sub);
    gate.origin.forget();
    await fault("get", kind, { times: 2 });
    isUnavailable(await alice.send("POST", "/private/x"), kind);
    isUnavailable(await alice.send("POST", "/open"), kind);
    assert.equal(gate.origin.requests.length, 0);
    assert.equal(await alice.who(), sub);
  });

  test(`a logout whose write fails (${kind}) says that the session lives; the next one ends it`, async () => {
    const alice = await signedIn();
    const stolen = alice.copy();
    await fault("put", kind);
    isUnavailable(await alice.send("POST", "/.edge-session/logout"), kind);
    assert.equal((await alice.send("POST", "/.edge-session/logout")).status, 204);
    assert.equal(await stolen.who(), undefined);
  });
}

test("a list that fails is 503 for a login, which needs it", async () => {
  await fault("list", "reject");
  isUnavailable(await new Browser(gate).does({ op: "create", sub: newUser() }));
});

test("a user with more sessions than KV answers for at a time is known whole", async () => {
  const sub = newUser();
  // Each has four keys, and KV takes a hundred at a time.
  for (let i = 0; i < 27; i += 1) await signedIn(sub);
  const now = Math.floor((await gate.now()) / 1000);
  const answer = await send(gate, "POST", "/.edge-session/control", [], control(gate, undefined, { op: "list", sub }, now));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json().sessions.length, 27);
});

test("activity that cannot be written stops nobody and is logged", async () => {
  const alice = await signedIn();
  await gate.advance(61_000);
  await fault("put", "reject");
  assert.ok(await alice.who());
  assert.equal((await logged(gate, "store.fault")).length, 1);
});

test("a removal that fails leaves an ended session ended", async () => {
  const alice = await signedIn();
  const stolen = alice.copy();
  await fault("delete", "reject");
  assert.equal((await alice.send("POST", "/.edge-session/logout")).status, 204);
  assert.equal(await stolen.who(), undefined);
});

test("a change of the store makes cookies no session, asks nothing for them, and going back finds what still lives", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const kept = alice.copy();
  await gate.setConfig({ ...CONFIG, store: "durable" });
  await gate.forgetCalls();
  assert.equal((await alice.read("/private/x")).status, 401);
  assert.deepEqual(await gate.storeCalls(), []);
  await alice.login(sub);
  assert.equal(await alice.who(), sub);
  await gate.setConfig({ ...CONFIG, store: "kv" });
  assert.equal((await alice.read("/private/x")).status, 401);
  assert.equal(await kept.who(), sub);
});

test("without the namespace, with an unknown store, and with lives that KV cannot keep, the configuration is invalid and says why", async () => {
  const bare = await startGate({ config: { ...CONFIG, store: "kv" } });
  try {
    const problems = async () => {
      const { status, code } = await new Browser(bare).open("/");
      assert.deepEqual([status, code], [500, "config_invalid"]);
      const [event] = await logged(bare, "config.invalid");
      return event.problems.join();
    };
    assert.match(await problems(), /SESSIONS_KV/);
    await bare.setConfig({ ...CONFIG, store: "redis" });
    await bare.forgetLogs();
    assert.match(await problems(), /^store\b/);
    await bare.setConfig({ ...CONFIG, store: "kv", lifetime: { idle: "59s" } });
    await bare.forgetLogs();
    assert.match(await problems(), /lifetime\.idle/);
  } finally {
    await bare.stop();
  }
});
