// Activity while memory answers: it is written behind the answers, so that a session in use does not end, and nobody waits for that.
import assert from "node:assert/strict";
import test from "node:test";
import { application, eventually, logged, settledBrowser, storeCalls } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request } from "./harness/raw.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let gate;
test.before(async () => {
  gate = await startGate({
    config: {
      store_deadline: "10s",
      log: { level: "debug" },
      rotation: { every: "0s" },
      paths: [
        { path: "/do", access: "optional" },
        { path: "/private/*", access: "required", freshness: "25m" },
        { path: "/poll", access: "required", freshness: "25m", activity: false },
      ],
    },
  });
  await gate.stopClock();
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(2 * SECOND); // what anyone can provoke is logged once a second
  await gate.clearFaults();
  await gate.forgetCalls();
  gate.origin.forget();
  await gate.forgetLogs();
  application(gate);
});

const settled = () => settledBrowser(gate);
const cost = (act) => storeCalls(gate, act);
const status = async (browser) => (await browser.read("/private/x")).status;
// What the application was told on the latest request.
const told = () => gate.origin.last.claims;
const parallel = (browser, count) => Promise.all(Array.from({ length: count }, () => browser.read("/private/x")));

test("activity that only memory has seen keeps a session alive, to within one touch interval", async () => {
  const alice = await settled();
  await status(alice);
  for (let i = 0; i < 12; i += 1) {
    await gate.advance(10 * MINUTE);
    await gate.forgetLogs();
    const calls = await cost(async () => {
      assert.equal(await status(alice), 200);
      await eventually(async () => (await gate.storeCalls()).length > 0);
    });
    assert.equal(calls, 1, "the activity is written");
    assert.deepEqual((await logged(gate, "request.answered")).map((event) => event.from), ["memory"]);
  }
  await gate.advance(50 * SECOND);
  assert.equal(await cost(() => status(alice)), 0, "nothing is written more often than that");
  await alice.claims("/poll");
  const { idle } = told().session;
  const left = idle - Math.floor((await gate.now()) / 1000);
  assert.ok(left > 30 * 60 - 60 && left <= 30 * 60, `${left} seconds left`);
});

test("the write behind an answer from memory does not delay it, and happens once for all that come at that moment", async () => {
  const alice = await settled();
  await status(alice);
  await gate.advance(2 * MINUTE);
  const before = told().session.idle;
  await gate.fault("slow", { held: true });
  const calls = await cost(async () => {
    const answers = await parallel(alice, 10);
    assert.deepEqual(answers.map((answer) => answer.status), Array(10).fill(200));
    assert.ok(await eventually(async () => (await gate.storeCalls()).length > 0));
    await gate.release();
    // Memory tells the application so once the write is done.
    assert.ok(await eventually(async () => (await status(alice)) === 200 && told().session.idle > before));
  });
  assert.equal(calls, 1);
});

test("the write behind an answer from memory happens when the client has left, too", async () => {
  const alice = await settled();
  await status(alice);
  await gate.advance(2 * MINUTE);
  const before = (await alice.copy().claims("/poll")).session.idle;
  await gate.fault("slow", { held: true });
  const connection = await connect(gate);
  connection.send(request(gate, "GET", "/private/x", [...BROWSER.fetch, ["Cookie", alice.jar.header]]));
  await connection.readHead();
  connection.abort();
  await new Promise((resolve) => setTimeout(resolve, 100)); // until the runtime has noticed
  await gate.release();
  assert.ok(await eventually(async () => (await alice.claims("/poll")).session.idle > before + 60));
});

test("a write behind an answer that fails is logged, and tried again a little later", async () => {
  const alice = await settled();
  await status(alice);
  await gate.advance(2 * MINUTE);
  await gate.fault("throw");
  assert.equal(await status(alice), 200);
  assert.deepEqual((await logged(gate, "store.fault")).map((event) => event.fault), ["failed"]);
  await gate.advance(21 * SECOND); // a little more than twice the deadline
  assert.equal(
    await cost(async () => {
      await status(alice);
      await eventually(async () => (await gate.storeCalls()).length > 0);
    }),
    1,
  );
});

test("a write behind an answer that finds the session ended elsewhere ends it here", async () => {
  const alice = await settled();
  await alice.claims();
  const [name] = await gate.objects.names();
  await status(alice);
  await gate.objects.sql(name, "DELETE FROM record");
  await gate.advance(2 * MINUTE);
  assert.equal(await status(alice), 200);
  assert.ok(await eventually(async () => (await gate.storeCalls()).length > 0));
  assert.ok(await eventually(async () => (await status(alice)) === 401));
});
