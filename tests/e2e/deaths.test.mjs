// The Wasm instance dies, in the gate or in the object: everyone who waits is answered promptly, nobody is let in, nothing is lost.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, eventually, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request } from "./harness/raw.mjs";
import { DIED, Waiting } from "../../src/shell/waiting.js";

let gate;
let app;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", store_deadline: "30s", paths: [{ path: "/private/*", access: "required" }, { path: "/long/*", access: "required", freshness: "25m" }] } });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.clearFaults();
  gate.origin.forget();
  await gate.forgetLogs();
  app = application(gate);
});

// Some milliseconds on a machine that has nothing else to do; a third of what a store that hangs is waited for on any.
const PROMPT = 10_000;
const signedIn = (sub = newUser(), more) => new Browser(gate).login(sub, more);

function isInternalError(answer) {
  assert.deepEqual([answer.status, answer.code, answer.all("set-cookie")], [500, "internal", []]);
  assert.equal(answer.header("cache-control"), "no-store");
}

for (const place of ["gate", "object"]) {
  for (const kind of ["trap", "panic", "throw"]) {
    test(`a death (${kind}, in the ${place}) answers everyone in flight at once, wherever they wait`, async () => {
      const sub = newUser();
      const alice = await signedIn(sub);
      const stranger = new Browser(gate);
      stranger.jar.set(SESSION, "forged");
      const holds = Array.from({ length: 10 }, () => app.hold("/held"));
      const waiting = [
        ...Array.from({ length: 5 }, () => alice.send("POST", "/held", BROWSER.fetch, "")), // for the application
        ...Array.from({ length: 5 }, () => stranger.send("GET", "/held")),
      ];
      await Promise.all(holds.map((hold) => hold.arrived));
      await gate.fault("hang", { times: 3 });
      await gate.forgetCalls();
      for (let i = 0; i < 3; i += 1) waiting.push(alice.send("POST", "/private/x", BROWSER.fetch, "")); // for the store
      assert.ok(await eventually(async () => (await gate.storeCalls()).length === 3));
      await gate.trap(kind, { place });
      const started = performance.now();
      waiting.push(alice.send("POST", "/private/victim", BROWSER.fetch, ""));
      for (const answer of await Promise.all(waiting)) isInternalError(answer);
      assert.ok(performance.now() - started < PROMPT, `${performance.now() - started} ms`);
      assert.equal(gate.origin.requests.filter((recorded) => recorded.url.startsWith("/private/")).length, 0, "nobody is let in by it");
      for (const hold of holds) hold.release();
      assert.equal((await stranger.read("/private/x")).status, 401);
      assert.equal(await alice.who(), sub, "the next request is served, and the session is alive");
    });
  }

  test(`a death in the ${place} during a logout is no logout that did not happen, and the next one works`, async () => {
    const alice = await signedIn();
    const thief = alice.copy();
    const id = alice.id;
    await gate.trap("panic", { place });
    isInternalError(await alice.send("POST", "/.edge-session/logout"));
    assert.equal(alice.id, id);
    assert.equal((await alice.send("POST", "/.edge-session/logout")).status, 204);
    assert.equal(await thief.who(), undefined);
  });
}

test("a death while the store works on the application's answer leaves acknowledged writes and gives no cookie", async () => {
  const alice = await signedIn(newUser(), { data: { kept: 1 } });
  const hold = app.hold("/do");
  const late = alice.does({ op: "rotate", set: { late: 2 } });
  await hold.arrived;
  await gate.trap("throw", { place: "object" });
  hold.release();
  isInternalError(await late);
  assert.deepEqual((await alice.claims()).data, { kept: 1 });
});

test("a response that is being streamed goes on when the instance dies", async () => {
  app.on("/stream", async (recorded, response) => {
    response.write("one;");
    await new Promise((resolve) => app.finish = resolve);
    response.end("two");
  });
  const connection = await connect(gate);
  connection.send(request(gate, "GET", "/stream", BROWSER.fetch));
  await connection.readHead();
  await gate.trap("panic");
  isInternalError(await new Browser(gate).open("/"));
  app.finish();
  let text = "";
  while (!text.includes("two")) {
    const bytes = await connection.some();
    assert.ok(bytes, `the stream ended: ${text}`);
    text += bytes.toString();
  }
  connection.close();
});

test("a death in the alarm is reported to the runtime, which then tries again, and the object works on", async () => {
  const sub = newUser();
  await gate.forgetCalls();
  const alice = await signedIn(sub);
  const [name] = await gate.storeCalls();
  await gate.breakClock();
  await assert.rejects(gate.objects.alarm(name), /answered 500/);
  await gate.objects.alarm(name);
  assert.equal(await alice.who(), sub);
});

test("a death while the application's answer is looked at answers everyone else in flight at once", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const first = app.hold("/first");
  const holds = Array.from({ length: 3 }, () => app.hold("/held"));
  const victim = alice.send("POST", "/first", BROWSER.fetch, "");
  const others = Array.from({ length: 3 }, () => alice.send("POST", "/held", BROWSER.fetch, ""));
  await Promise.all([first.arrived, ...holds.map((hold) => hold.arrived)]);
  await gate.breakClock();
  first.release();
  isInternalError(await victim);
  for (const answer of await Promise.all(others)) isInternalError(answer); // although the application still holds them
  for (const hold of holds) hold.release();
  assert.equal(await alice.who(), sub);
});

// Where an answer of the store's is handled, no call of the entry's is under way: what is thrown there is nobody's.
for (const [what, path, ask, earlier] of [
  ["whose the ID is", "/private/x", (alice) => alice.send("POST", "/private/x", BROWSER.fetch, ""), 0],
  ["what the application said", "/do", (alice) => alice.does({ op: "update", set: { late: 2 } }), 1],
  ["a logout", "/.edge-session/logout", (alice) => alice.send("POST", "/.edge-session/logout"), 0],
]) {
  test(`a death when the store has answered (${what}) answers its victim and everyone else in flight at once, and not when the next request comes`, async () => {
    const sub = newUser();
    const alice = await (await signedIn(sub)).forgotten();
    const holds = Array.from({ length: 3 }, () => app.hold("/held"));
    const others = Array.from({ length: 3 }, () => new Browser(gate).send("POST", "/held", BROWSER.fetch, ""));
    await Promise.all(holds.map((hold) => hold.arrived));
    gate.origin.forget();
    await gate.forgetCalls();
    await gate.fault("late", { held: true, skip: earlier });
    const victim = ask(alice);
    assert.ok(await eventually(async () => (await gate.storeCalls()).length === earlier + 1));
    await gate.breakClock();
    const started = performance.now();
    await gate.release();
    for (const answer of await Promise.all([victim, ...others])) isInternalError(answer); // although the application still holds them
    assert.ok(performance.now() - started < PROMPT);
    assert.equal(gate.origin.requests.filter((recorded) => recorded.url === path).length, earlier);
    for (const hold of holds) hold.release();
    if (path !== "/.edge-session/logout") assert.equal(await alice.who(), sub);
  });
}

// Nobody waits for that write but the runtime: the client has its answer.
test("a death in the write behind an answer answers everyone in flight at once, and not when the next request comes", async () => {
  const sub = newUser();
  const alice = await (await signedIn(sub)).forgotten();
  await alice.read("/long/x");
  await gate.advance(120_000);
  const holds = Array.from({ length: 3 }, () => app.hold("/held"));
  const others = Array.from({ length: 3 }, () => new Browser(gate).send("POST", "/held", BROWSER.fetch, ""));
  await Promise.all(holds.map((hold) => hold.arrived));
  await gate.forgetCalls();
  await gate.fault("lost", { held: true });
  assert.equal((await alice.read("/long/x")).status, 200);
  assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
  await gate.breakClock();
  const started = performance.now();
  await gate.release();
  for (const answer of await Promise.all(others)) isInternalError(answer); // although the application still holds them
  assert.ok(performance.now() - started < PROMPT);
  for (const hold of holds) hold.release();
  assert.equal(await alice.who(), sub);
});

test("the log says of a death once that it happened, and how many waited: who was answered waits no more", async () => {
  const alice = await signedIn();
  for (let i = 0; i < 3; i += 1) await alice.send("POST", "/private/x", BROWSER.fetch, "");
  const holds = Array.from({ length: 2 }, () => app.hold("/held"));
  const others = Array.from({ length: 2 }, () => alice.send("POST", "/held", BROWSER.fetch, ""));
  await Promise.all(holds.map((hold) => hold.arrived));
  const first = app.hold("/first");
  const victim = alice.send("POST", "/first", BROWSER.fetch, "");
  await first.arrived;
  await gate.breakClock();
  first.release();
  await Promise.all([victim, ...others]);
  for (const hold of holds) hold.release(); // for those who were told already
  await new Promise((resolve) => setTimeout(resolve, 100));
  await gate.logsArrived();
  assert.deepEqual(gate.events("instance.died").map((event) => event.requests), [2], "beside the victim");
  const internal = gate.events("internal");
  assert.equal(internal.length, 1);
  assert.match(internal[0].error, /^[A-Za-z]*Error$/, "its name, and nothing that it quotes");
});

test("fifty deaths in a row leave a gate that works", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  for (let i = 0; i < 50; i += 1) {
    await gate.trap(i % 2 ? "trap" : "panic", { place: i % 3 ? "gate" : "object" });
    isInternalError(await alice.send("POST", "/private/x", BROWSER.fetch, ""));
  }
  assert.equal(await alice.who(), sub);
});

test("of more than can be remembered who wait, the oldest are given up; the others are told once, and who was answered is not told", () => {
  const told = [];
  const waiting = new Waiting(3);
  const all = ["a", "b", "c", "d", "e"].map((name) => (what) => told.push([name, what]));
  for (const resolve of all) waiting.add(resolve);
  assert.deepEqual([waiting.delete(all[0]), waiting.delete(all[2])], [false, true], "the first was given up, the third still waited");
  assert.equal(waiting.abandon(), 2);
  assert.deepEqual(told, [["d", DIED], ["e", DIED]]);
  assert.equal(waiting.abandon(), 0);
});
