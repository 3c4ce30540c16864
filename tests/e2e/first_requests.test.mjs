// Parallel first requests of one session ask the store once, whatever becomes of the one that asks.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application, eventually, logged } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request } from "./harness/raw.mjs";

let gate;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", store_deadline: "1s", paths: [{ path: "/private/*", access: "required" }] } });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.clearFaults();
  gate.origin.forget();
  gate.logs.length = 0;
  application(gate);
});

let users = 0;

// A browser whose latest change is longer ago than its fresh cookie lives, and that the gate remembers nothing of.
async function settled() {
  const browser = await new Browser(gate).login(`user-${(users += 1)}`);
  return browser.forgotten();
}

// How many store calls these requests cost.
async function cost(act) {
  await gate.forgetCalls();
  await act();
  return (await gate.storeCalls()).length;
}

const status = async (browser) => (await browser.read("/private/x")).status;
const parallel = (browser, count) => Promise.all(Array.from({ length: count }, () => browser.read("/private/x")));

test("parallel first requests of one session make one store call", async () => {
  const alice = await settled();
  await gate.fault("slow", { ms: 300 });
  const calls = await cost(async () => {
    const answers = await parallel(alice, 20);
    assert.deepEqual(answers.map((answer) => answer.status), Array(20).fill(200));
  });
  assert.equal(calls, 1);
});

test("parallel first requests of one session make one store call although the client of the first disconnects", async () => {
  const alice = await settled();
  await gate.fault("slow", { ms: 400 });
  const calls = await cost(async () => {
    const connection = await connect(gate);
    connection.send(request(gate, "GET", "/private/x", [...BROWSER.fetch, ["Cookie", alice.jar.header]]));
    await eventually(async () => (await gate.storeCalls()).length === 1);
    const followers = parallel(alice, 10);
    await new Promise((resolve) => setTimeout(resolve, 100));
    connection.abort();
    assert.deepEqual((await followers).map((answer) => answer.status), Array(10).fill(200));
  });
  assert.equal(calls, 1);
});

for (const [kind, fault] of [["lost", "failed"], ["hang", "deadline"]]) {
  test(`parallel first requests of one session share a store call that fails (${kind}): all are 503 in time, and the next one asks again`, async () => {
    const alice = await settled();
    await gate.fault(kind, { ms: 300 });
    const calls = await cost(async () => {
      const started = performance.now();
      const answers = await parallel(alice, 10);
      assert.ok(performance.now() - started < 1500);
      assert.deepEqual(answers.map((answer) => answer.code), Array(10).fill("store_unavailable"));
    });
    assert.equal(calls, 1);
    assert.deepEqual((await logged(gate, "store.fault", 10)).map((event) => event.fault), Array(10).fill(fault));
    assert.equal(await cost(async () => assert.equal(await status(alice), 200)), 1);
  });
}

test("a first request waits for nobody else's, and no unsafe request waits for anyone's", async () => {
  const [alice, bob] = [await settled(), await settled()];
  await gate.fault("slow", { ms: 700 });
  await gate.forgetCalls();
  const slow = alice.read("/private/x");
  await eventually(async () => (await gate.storeCalls()).length === 1);
  const started = performance.now();
  assert.equal(await status(bob), 200);
  assert.equal((await alice.send("POST", "/private/x")).status, 200);
  assert.ok(performance.now() - started < 500);
  assert.equal((await slow).status, 200);
});
