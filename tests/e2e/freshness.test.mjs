// What an isolate remembers: which requests are answered from memory, for how long, and what each of them costs the store.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, FRESH, application, cookieIn, eventually, logged, newUser, settledBrowser, storeCalls } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const CONFIG = {
  default_access: "optional",
  store_deadline: "10s",
  log: { level: "debug" },
  rotation: { every: "0s" },
  paths: [
    { path: "/private/*", access: "required" },
    { path: "/public/*", access: "public" },
    { path: "/now/*", access: "required", freshness: "0s" },
    { path: "/long/*", access: "required", freshness: "25m" },
    { path: "/poll", access: "required", freshness: "25m", activity: false },
  ],
};

let gate;
test.before(async () => {
  gate = await startGate({ config: CONFIG });
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

const settled = (sub, more) => settledBrowser(gate, sub, more);
const cost = (act) => storeCalls(gate, act);

// Asks, and lets something happen after the store has answered and before its answer arrives. Resolves to what became of the asking.
async function meanwhile(ask, happens) {
  await gate.forgetCalls();
  await gate.fault("late", { held: true });
  const asked = ask();
  assert.ok(await eventually(async () => (await gate.storeCalls()).length === 1));
  await happens();
  await gate.release();
  return asked;
}

const status = async (browser, path = "/private/x") => (await browser.read(path)).status;
// What the application was told on the latest request.
const told = () => gate.origin.last.claims;
// Where the answers came from, in order.
const sources = async (count) => (await logged(gate, "request.answered", count)).map((event) => event.from);
const parallel = (browser, count, path = "/private/x") => Promise.all(Array.from({ length: count }, () => browser.read(path)));
// Where the store keeps this browser's sessions; asks it.
const objectOf = async (browser) => {
  await gate.forgetCalls();
  await browser.claims();
  return (await gate.forgetCalls())[0];
};

test("reads within the window cost one store call, and the next one after it another", async () => {
  const alice = await settled();
  const reads = async () => {
    for (const method of ["GET", "HEAD", "GET", "GET"]) assert.equal((await alice.send(method, "/private/x")).status, 200);
  };
  assert.equal(await cost(reads), 1);
  await gate.advance(9 * SECOND);
  assert.equal(await cost(reads), 0);
  await gate.advance(SECOND);
  assert.equal(await cost(reads), 1);
});

test("an answer's age counts from the moment at which the store was asked", async () => {
  const alice = await settled();
  await meanwhile(() => status(alice), () => gate.advance(400));
  await gate.advance(9700);
  assert.equal(await cost(() => status(alice)), 1);
});

test("whatever is not a plain read always asks the store", async () => {
  const alice = await settled();
  await status(alice);
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    assert.equal(await cost(() => alice.send(method, "/private/x")), 1, method);
  }
  const own = ["Origin", gate.issuer];
  assert.equal(await cost(() => alice.send("GET", "/private/x", [...BROWSER.fetch, own, ["X-HTTP-Method-Override", "DELETE"]])), 1, "a method override");
});

test("the log says where each answer came from: the store, memory, or nowhere", async () => {
  const alice = await settled();
  await gate.forgetLogs();
  await status(alice);
  await status(alice);
  await status(alice, "/public/x");
  await new Browser(gate).read("/");
  assert.deepEqual(await sources(4), ["store", "memory", "none", "none"]);
  assert.equal(gate.events("request.answered")[0].rule, "/private/*");
});

test("a session that ends through this isolate is gone from its memory at once", async () => {
  const ways = {
    destroy: (browser) => browser.does({ op: "destroy" }),
    destroy_all: (browser, sub) => new Browser(gate).login("admin").then((admin) => admin.does({ op: "destroy_all", sub })),
    rotate: (browser) => browser.does({ op: "rotate" }),
    logout: (browser) => browser.send("POST", "/.edge-session/logout", BROWSER.fetch, ""),
    control: async (browser, sub) => {
      const now = Math.floor((await gate.now()) / 1000);
      return send(gate, "POST", "/.edge-session/control", [], control(gate, undefined, { op: "destroy_all", sub }, now));
    },
  };
  for (const [way, end] of Object.entries(ways)) {
    const sub = newUser();
    const alice = await settled(sub);
    const thief = alice.copy();
    assert.equal(await status(thief), 200);
    assert.ok((await end(alice, sub)).status < 300, way);
    assert.equal(await status(thief), 401, way);
  }
});

test("data changed through this isolate is what its next read shows", async () => {
  const alice = await settled(newUser(), { data: { n: 1 } });
  const other = alice.copy();
  await status(other);
  await alice.does({ op: "update", set: { n: 2 } });
  await status(other);
  assert.deepEqual(told().data, { n: 2 });
});

for (const [op, after] of [["destroy", 401], ["update", 200]]) {
  test(`an answer that was under way during an ${op} is not kept`, async () => {
    const alice = await settled(newUser(), { data: { n: 1 } });
    const other = alice.copy();
    const early = await meanwhile(() => other.read("/private/x"), () => alice.does(op === "update" ? { op, set: { n: 2 } } : { op }));
    assert.equal(early.status, 200, "it was asked before");
    assert.equal(await status(other), after);
    if (op === "update") assert.deepEqual(told().data, { n: 2 });
  });
}

test("the request after a login asks the store no more, and is told what the store would say", async () => {
  const alice = await new Browser(gate).login(newUser(), { data: { n: 1 }, amr: ["pwd"] });
  const said = async (act) => {
    assert.ok((await act()).status < 300);
    const { iat, exp, jti, session, ...claims } = told();
    const { checked, ...deadlines } = session;
    return { ...claims, ...deadlines };
  };
  let remembered;
  assert.equal(await cost(async () => (remembered = await said(() => alice.read("/private/x")))), 0);
  assert.deepEqual(remembered.data, { n: 1 });
  assert.equal(await cost(() => parallel(alice, 20)), 0, "nor do all others");
  assert.deepEqual(remembered, await said(() => alice.send("POST", "/private/x")));
});

test("what a login's answer says is as old as the question", async () => {
  const alice = new Browser(gate);
  await meanwhile(() => alice.login(newUser()), () => gate.advance(400));
  await gate.advance(9700);
  assert.equal(await cost(() => status(alice)), 1);
});

test("a login's answer is not kept where its session was ended while it was under way", async () => {
  const sub = newUser();
  const admin = await settled("admin");
  const alice = new Browser(gate);
  await meanwhile(() => alice.login(sub), async () => assert.equal((await admin.does({ op: "destroy_all", sub })).status, 200));
  assert.equal(await status(alice), 401);
});

test("of two changes made at once a browser reads both, whichever was answered last", async () => {
  for (const late of [0, 1]) {
    const alice = await settled(newUser(), { data: {} });
    const other = alice.copy();
    await status(other);
    // Each of them asks whose session it is, and then changes it.
    await gate.fault("late", { held: true, skip: 2 + late });
    const changes = [alice.does({ op: "update", set: { a: 1 } }), alice.does({ op: "update", set: { b: 1 } })];
    await Promise.race(changes);
    await gate.release();
    await Promise.all(changes);
    for (const browser of [other, alice]) {
      await status(browser);
      assert.deepEqual(told().data, { a: 1, b: 1 });
    }
  }
});

test("a browser that has just changed something reads its own writes, although this isolate remembers what was before", async () => {
  const alice = await settled(newUser(), { data: { n: 1 } });
  const name = await objectOf(alice);
  const other = alice.copy();
  await status(other);
  // As another isolate does it: this one does not know.
  const [{ body }] = await gate.objects.sql(name, "SELECT body FROM record");
  await gate.objects.sql(name, "UPDATE record SET body = ?", body.replace('"n":1', '"n":2'));
  await status(other);
  assert.deepEqual(told().data, { n: 1 });
  alice.jar.set(FRESH, "1");
  await status(alice);
  assert.deepEqual(told().data, { n: 2 });
  assert.doesNotMatch(gate.origin.last.header("cookie"), /fresh/);
});

test("what was asked for after a browser's latest change is remembered for it, and nothing older", async () => {
  const alice = await new Browser(gate).login(newUser(), { data: { n: 1 } });
  const elsewhere = async (from, to) => {
    const [name] = await gate.storeCalls();
    const [{ body }] = await gate.objects.sql(name, "SELECT body FROM record");
    await gate.objects.sql(name, "UPDATE record SET body = ?", body.replace(`"n":${from}`, `"n":${to}`));
  };
  assert.equal(await cost(() => parallel(alice, 20)), 0, "a page after a login");
  const first = alice.copy();
  await alice.does({ op: "update", set: { m: 1 } });
  assert.notEqual(alice.jar.get(FRESH), first.jar.get(FRESH), "each change has its own mark");
  assert.equal(await cost(() => parallel(alice, 20)), 1, "a page after a change");
  // As if this isolate had been asked before the change, and the change was made in another.
  await status(first);
  await elsewhere(1, 2);
  assert.equal(await cost(() => status(first)), 0);
  assert.deepEqual(told().data, { n: 1, m: 1 });
  assert.equal(await cost(() => status(alice)), 1);
  assert.deepEqual(told().data, { n: 2, m: 1 });
  // Two marks, or one that is none, name no change: every read asks.
  for (const mark of ["1", "", `${alice.jar.get(FRESH)}; ${FRESH}=${first.jar.get(FRESH)}`]) {
    alice.jar.set(FRESH, mark);
    assert.equal(await cost(() => parallel(alice, 3)), 3, mark);
  }
});

test("the cookie that says so lives as long as the longest window that a rule gives", async () => {
  const answer = await new Browser(gate).does({ op: "create", sub: newUser() });
  assert.equal(cookieIn(answer, FRESH).attributes["max-age"], String(25 * 60));
});

test("a path rule has its own window: none, or a longer one", async () => {
  const alice = await settled();
  await status(alice);
  assert.equal(await cost(() => status(alice, "/now/x")), 1);
  assert.equal(await cost(() => status(alice, "/now/x")), 1);
  await gate.advance(50 * SECOND);
  assert.equal(await cost(() => status(alice, "/long/x")), 0);
  assert.equal(await cost(() => status(alice, "/private/x")), 1);
});

test("no window lets anyone in after the idle deadline", async () => {
  const alice = await settled();
  await gate.advance(10 * MINUTE);
  assert.equal(await status(alice, "/poll"), 200);
  await gate.advance(19 * MINUTE);
  assert.equal(await cost(async () => assert.equal(await status(alice, "/poll"), 200)), 0);
  await gate.advance(2 * MINUTE);
  assert.equal(await status(alice, "/poll"), 401);
});

test("a session that a stolen old ID has ended is ended for its newest ID at once, in memory too", async () => {
  const alice = await settled();
  const old = alice.copy();
  await alice.does({ op: "rotate" });
  alice.jar.delete(FRESH);
  assert.equal(await status(alice, "/long/x"), 200);
  await gate.advance(6 * MINUTE);
  assert.equal(await status(old), 401);
  assert.deepEqual((await logged(gate, "token.reuse")).map((event) => event.outcome), ["ended"]);
  assert.equal(await status(alice, "/long/x"), 401);
});

test("what the store has answered is judged, and stated to the application, by the time at which it arrives", async () => {
  const post = (browser) => browser.send("POST", "/private/x", BROWSER.fetch, "");
  const alice = await settled();
  assert.equal((await meanwhile(() => post(alice), () => gate.advance(5 * MINUTE))).status, 200);
  assert.equal(told().iat, Math.floor((await gate.now()) / SECOND));
  await alice.forgotten();
  gate.origin.forget();
  const before = await gate.begun();
  await meanwhile(
    () => parallel(alice, 2, "/long/x"), // one of them follows the other
    async () => {
      assert.ok(await eventually(async () => (await gate.begun()) === before + 2));
      await gate.advance(2 * MINUTE);
    },
  );
  const now = Math.floor((await gate.now()) / SECOND);
  assert.deepEqual(gate.origin.requests.map((recorded) => recorded.claims.iat), [now, now]);
  assert.equal((await meanwhile(() => post(alice), () => gate.advance(31 * MINUTE))).status, 401, "it is over by now");
});

// --- other configurations: each one is another deployment, so these come last ---

test("beyond freshness.entries the oldest answer goes, which changes nothing but the cost", async () => {
  await gate.setConfig({ ...CONFIG, freshness: { entries: 1 } });
  const [alice, bob] = [await settled(), await settled()];
  await gate.forgetCalls();
  const seen = [];
  for (const browser of [alice, alice, bob, alice, alice]) seen.push(await cost(async () => assert.equal(await status(browser), 200)));
  assert.deepEqual(seen, [1, 0, 1, 1, 0]);
});

test("what does not fit freshness.bytes is not kept, which changes nothing but the cost", async () => {
  await gate.setConfig({ ...CONFIG, freshness: { bytes: 1200 } });
  const small = await settled();
  const large = await settled(newUser(), { data: { text: "x".repeat(1500) } });
  const twice = (browser) => cost(async () => assert.deepEqual([await status(browser), await status(browser)], [200, 200]));
  assert.deepEqual([await twice(small), await twice(large), await twice(small)], [1, 2, 1]);
});

test("with a window of 0s every request asks", async () => {
  await gate.setConfig({ ...CONFIG, paths: CONFIG.paths.slice(0, 2), freshness: { safe: "0s" } });
  const alice = await new Browser(gate).login(newUser());
  assert.equal(alice.jar.get(FRESH), undefined, "and no browser has to be told apart");
  assert.equal(await cost(async () => assert.deepEqual([await status(alice), await status(alice)], [200, 200])), 2);
});

test("Server-Timing says where the answer came from, when switched on, and to nobody but the site's own pages", async () => {
  const alice = await settled();
  assert.equal((await alice.read("/private/x")).header("server-timing"), undefined, "off by default");
  await gate.setConfig({ ...CONFIG, log: { server_timing: true } });
  await gate.forgetLogs();
  const timing = async (headers, path = "/private/x") => (await alice.send("GET", path, headers)).header("server-timing");
  assert.equal(await timing(BROWSER.fetch), 'session;desc="store"');
  assert.equal(await timing(BROWSER.fetch), 'session;desc="memory"');
  assert.equal(await timing(BROWSER.navigate), 'session;desc="memory"');
  assert.equal(await timing(BROWSER.fetch, "/public/x"), 'session;desc="none"');
  for (const site of ["cross-site", "same-site"]) {
    assert.equal(await timing([["Sec-Fetch-Site", site], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"]]), undefined, site);
    assert.equal(await timing([["Sec-Fetch-Site", site], ["Sec-Fetch-Mode", "no-cors"], ["Sec-Fetch-Dest", "image"]], "/public/x"), undefined, site);
  }
  assert.equal(await timing([]), undefined, "a client that does not say where it comes from");
  await gate.logsArrived();
  assert.equal(gate.events("request.answered").length, 0, "and the log stays as it was");
});

test("a window beyond the idle time, an empty memory and a window on a public path are configuration errors", async () => {
  const rule = (members) => ({ paths: [{ path: "/x", access: "optional", ...members }] });
  for (const [config, where] of [
    [{ freshness: { safe: "31m" } }, "freshness.safe"],
    [{ lifetime: { anonymous: "5s" }, freshness: { safe: "6s" } }, "freshness.safe"],
    [{ freshness: { entries: 0 } }, "freshness.entries"],
    [{ freshness: { bytes: 0 } }, "freshness.bytes"],
    [{ freshness: { entries: -1 } }, "freshness.entries"],
    [{ freshness: { seconds: 1 } }, "freshness.seconds"],
    [rule({ freshness: "31m" }), "paths[1].freshness"],
    [rule({ freshness: "10" }), "paths[1].freshness"],
    [rule({ access: "public", freshness: "5s" }), "paths[1].freshness"],
  ]) {
    await gate.setConfig({ default_access: "optional", ...config });
    await gate.forgetLogs();
    gate.origin.forget();
    const answer = await new Browser(gate).read("/");
    assert.deepEqual([answer.status, answer.code, gate.origin.requests.length], [500, "config_invalid", 0], where);
    const [event] = await logged(gate, "config.invalid");
    assert.match(JSON.stringify(event), new RegExp(where.replace(/[.[\]]/g, "\\$&")));
  }
});
