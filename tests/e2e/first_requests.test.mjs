// Parallel first requests of one session ask the store once, whatever becomes of the one that asks.
import assert from "node:assert/strict";
import test from "node:test";
import { application, eventually, logged, settledBrowser, storeCalls } from "./harness/app.mjs";
import { descendants } from "./harness/dev.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request } from "./harness/raw.mjs";

const DEADLINE = 5000;
const PATIENCE = 15_000; // far beyond the deadline, and far from what a store that hangs takes
let gate;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", store_deadline: `${DEADLINE / 1000}s`, paths: [{ path: "/private/*", access: "required" }, { path: "/poll", access: "required", activity: false }] } });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(1100); // what faults give is logged once a second
  await gate.clearFaults();
  gate.origin.forget();
  await gate.forgetLogs();
  application(gate);
});

const settled = () => settledBrowser(gate);
const cost = (act) => storeCalls(gate, act);
const status = async (browser) => (await browser.read("/private/x")).status;
const parallel = (browser, count) => Promise.all(Array.from({ length: count }, () => browser.read("/private/x")));

// The same, and the store, which waits for that (`held`), goes on once the gate has all of them.
async function together(browser, count) {
  const before = await gate.begun();
  const answers = parallel(browser, count);
  assert.ok(await eventually(async () => (await gate.begun()) === before + count), "all are under way");
  await gate.release();
  return answers;
}

test("parallel first requests of one session make one store call", async () => {
  const alice = await settled();
  await gate.fault("slow", { held: true });
  const calls = await cost(async () => {
    const answers = await together(alice, 20);
    assert.deepEqual(answers.map((answer) => answer.status), Array(20).fill(200));
  });
  assert.equal(calls, 1);
});

test("parallel first requests of one session make one store call although the client of the first disconnects", async () => {
  const alice = await settled();
  await gate.fault("slow", { held: true });
  const calls = await cost(async () => {
    const connection = await connect(gate);
    connection.send(request(gate, "GET", "/private/x", [...BROWSER.fetch, ["Cookie", alice.jar.header]]));
    assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
    const before = await gate.begun();
    const followers = parallel(alice, 10);
    assert.ok(await eventually(async () => (await gate.begun()) === before + 10));
    connection.abort();
    await new Promise((resolve) => setTimeout(resolve, 100)); // until the runtime has noticed
    await gate.release();
    assert.deepEqual((await followers).map((answer) => answer.status), Array(10).fill(200));
  });
  assert.equal(calls, 1);
});

for (const [kind, fault] of [["lost", "failed"], ["hang", "deadline"]]) {
  test(`parallel first requests of one session share a store call that fails (${kind}): all are 503 in time, and the next one asks again`, async () => {
    const alice = await settled();
    await gate.fault(kind, { held: true });
    const calls = await cost(async () => {
      const started = performance.now();
      const answers = await together(alice, 10);
      assert.ok(performance.now() - started < PATIENCE);
      assert.deepEqual(answers.map((answer) => answer.code), Array(10).fill("store_unavailable"));
    });
    assert.equal(calls, 1);
    assert.deepEqual((await logged(gate, "store.fault")).map((event) => event.fault), [fault], "said once for all of them");
    assert.equal(await cost(async () => assert.equal(await status(alice), 200)), 1);
  });
}

test("whoever waited for an answer that is not kept asks for itself", async () => {
  const alice = await settled();
  const { sub } = await alice.claims();
  await alice.forgotten();
  gate.origin.forget();
  await gate.forgetCalls();
  await gate.fault("late", { held: true });
  const before = await gate.begun();
  const answers = parallel(alice, 3);
  assert.ok(await eventually(async () => (await gate.begun()) === before + 3 && (await gate.storeCalls()).length === 1));
  await alice.copy().does({ op: "update", set: { meanwhile: 1 } }); // what was asked before may be out of date
  gate.origin.forget();
  await gate.release();
  assert.deepEqual((await answers).map((answer) => answer.status), [200, 200, 200]);
  assert.deepEqual(gate.origin.requests.map((recorded) => recorded.claims.sub), [sub, sub, sub]);
});

test("an unsafe request that asks meanwhile, and meets a fault, is nothing to those who wait for a first request's answer", async () => {
  const alice = await settled();
  await gate.forgetCalls();
  await gate.fault("slow", { held: true });
  const started = performance.now();
  const before = await gate.begun();
  const answers = parallel(alice, 3);
  assert.ok(await eventually(async () => (await gate.begun()) === before + 3 && (await gate.storeCalls()).length === 1));
  await gate.fault("throw");
  assert.equal((await alice.send("POST", "/private/x", BROWSER.fetch, "")).status, 503);
  await gate.release();
  assert.deepEqual((await answers).map((answer) => answer.status), [200, 200, 200]);
  assert.ok(performance.now() - started < DEADLINE, "they were told, and did not run out of time");
});

test("parallel first requests share a store call that runs out of time, although all stood still just then", async () => {
  const alice = await settled();
  const workerd = descendants(process.pid).filter(({ command }) => command.includes("workerd"));
  assert.ok(workerd.length > 0);
  const signal = (name) => workerd.forEach(({ pid }) => process.kill(pid, name));
  await gate.fault("hang");
  const calls = await cost(async () => {
    const before = await gate.begun();
    const answers = parallel(alice, 10);
    assert.ok(await eventually(async () => (await gate.begun()) === before + 10));
    signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, DEADLINE + 500)); // real time: all timers are over
    signal("SIGCONT");
    assert.deepEqual((await answers).map((answer) => answer.code), Array(10).fill("store_unavailable"));
  });
  assert.equal(calls, 1);
});

test("a first request waits for nobody else's, and no unsafe request waits for anyone's", async () => {
  const [alice, bob] = [await settled(), await settled()];
  await gate.fault("slow", { held: true });
  await gate.forgetCalls();
  const slow = alice.read("/private/x");
  assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
  assert.equal(await status(bob), 200);
  assert.equal((await alice.send("POST", "/private/x")).status, 200);
  await gate.release();
  assert.equal((await slow).status, 200);
});

test("a first request that counts as activity is written down although one that does not is asking already", async () => {
  const alice = await settled();
  await gate.advance(600_000);
  await gate.fault("slow", { held: true });
  await gate.forgetCalls();
  const poll = alice.read("/poll");
  assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
  const before = await gate.begun();
  const page = alice.read("/private/x");
  assert.ok(await eventually(async () => (await gate.begun()) === before + 1));
  await gate.release();
  assert.deepEqual([(await poll).status, (await page).status], [200, 200]);
  const { idle } = (await alice.claims("/poll")).session;
  const left = idle - Math.floor((await gate.now()) / 1000);
  assert.ok(left > 29 * 60, `${left} seconds left`);
});
