// What is stored: nothing that could be used as a cookie, nothing longer than it lives, and nothing at all for strangers.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Browser, SESSION, application, cookieIn, eventually, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const config = { default_access: "optional", paths: [{ path: "/private/*", access: "required" }] };

let gate;
test.before(async () => {
  gate = await startGate({ config });
  application(gate);
});
test.after(() => gate.stop());
test.beforeEach(() => gate.forgetCalls());


// Does something, and returns the name of the one object that was called for it.
async function objectOf(act) {
  await gate.forgetCalls();
  await act();
  const names = new Set(await gate.storeCalls());
  assert.equal(names.size, 1, [...names].join());
  return [...names][0];
}

const tables = async (name) => (await gate.objects.sql(name, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")).map((row) => row.name);
const record = async (name) => JSON.parse((await gate.objects.sql(name, "SELECT body FROM record"))[0].body);

// Every file below a folder, with its bytes.
function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield { path, bytes: readFileSync(path) };
  }
}

// Ways in which a secret could be written down: as it is, in hex, and in base64 at each of its three alignments.
function forms(secret) {
  const plain = [secret, Buffer.from(secret.toString("hex")), Buffer.from(secret.toString("hex").toUpperCase())];
  const encoded = [0, 1, 2].flatMap((skip) => {
    const text = Buffer.concat([Buffer.alloc(skip), secret]).toString("base64url");
    const inner = text.slice(4, -4); // the edges depend on the neighbours
    return [inner, inner.replaceAll("-", "+").replaceAll("_", "/")].map((one) => Buffer.from(one));
  });
  return [...plain, ...encoded];
}

const bytesOf = (id) => Buffer.from(id, "base64url");
const secretOf = (id) => bytesOf(id).subarray(-64, -32); // version, key id, deadline, locator; secret; MAC
const macOf = (id) => bytesOf(id).subarray(-32);

test("no raw session ID, cookie or key is in any file of the store, write-ahead logs included, before and after the end of the sessions", async () => {
  const ids = [];
  const sub = newUser();
  const alice = await new Browser(gate).login(sub, { data: { marker: "stored-data-marker" } });
  ids.push(alice.id);
  await alice.does({ op: "rotate" });
  ids.push(alice.id);
  await gate.advance(16 * MINUTE);
  const page = await alice.open("/private/x");
  assert.ok(cookieIn(page));
  ids.push(alice.id);
  const visitor = new Browser(gate);
  await visitor.does({ op: "create", data: { cart: 1 } });
  ids.push(visitor.id);
  const search = (secrets) => {
    let found = 0;
    for (const { path, bytes } of files(gate.objects.folder)) {
      for (const secret of secrets) if (forms(secret).some((form) => bytes.includes(form))) found += 1;
      assert.ok(!bytes.includes(ids[0].slice(-60)), path);
    }
    return found;
  };
  assert.ok([...files(gate.objects.folder)].some(({ bytes }) => bytes.includes("stored-data-marker")), "the search sees what is stored");
  const secrets = ids.flatMap((id) => [secretOf(id), macOf(id)]).concat([gate.cookieKey.bytes, gate.originKey.bytes]);
  assert.equal(search(secrets), 0);
  await alice.does({ op: "destroy" });
  assert.equal(search(secrets), 0);
});

test("a subject is in no object's name: names are kept in clear for as long as alarms need them", async () => {
  const sub = "somebody@very-private.example";
  const name = await objectOf(() => new Browser(gate).login(sub));
  assert.match(name, /^[A-Za-z0-9_-]{22}$/);
  for (const { path, bytes } of files(gate.objects.folder)) {
    if (path.includes("metadata")) assert.ok(!bytes.includes("very-private"), path);
    assert.ok(!path.includes("private"));
  }
});

test("all sessions of a user are in one object, an anonymous one in its own", async () => {
  const sub = newUser();
  const first = await objectOf(() => new Browser(gate).login(sub));
  assert.equal(await objectOf(() => new Browser(gate).login(sub)), first);
  assert.equal((await record(first)).sessions.length, 2);
  const visitors = [await objectOf(() => new Browser(gate).does({ op: "create", data: {} })), await objectOf(() => new Browser(gate).does({ op: "create", data: {} }))];
  assert.equal(new Set([first, ...visitors]).size, 3);
});

test("the alarm deletes what has ended and keeps what lives; the last one leaves an empty object", async () => {
  const sub = newUser();
  const short = new Browser(gate);
  const name = await objectOf(() => short.login(sub, { absolute: 600 }));
  const long = await new Browser(gate).login(sub);
  await gate.advance(11 * MINUTE);
  await gate.objects.alarm(name);
  assert.equal((await record(name)).sessions.length, 1);
  assert.equal(await long.who(), sub);
  assert.equal(await short.who(), undefined);
  await gate.advance(13 * HOUR);
  await gate.objects.alarm(name);
  assert.deepEqual(await tables(name), [], "no table is left");
});

test("an alarm is always set while something is stored, and never later than the absolute deadline", async () => {
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(newUser()));
  const stored = await record(name);
  const deadline = (await alice.claims()).session.absolute * 1000;
  assert.ok(stored.alarm > 0 && stored.alarm <= deadline + 1000, `${stored.alarm} ${deadline}`);
  await alice.does({ op: "destroy" });
  const rest = await record(name).catch(() => undefined);
  if (rest) assert.ok(rest.alarm > 0, "what remembers the answer of the logout goes as well");
});

test("an object that is woken too early, or while nobody can tell what is over, asks to be woken again", async () => {
  const counted = await startGate({ entry: "counting.js", config });
  try {
    application(counted);
    await counted.stopClock();
    const wakings = async () => (await counted.order({})).wakings;
    await new Browser(counted).login("alice");
    const [[name, due]] = await wakings();
    await counted.objects.alarm(name);
    assert.deepEqual(await wakings(), [[name, due]], "too early");
    await new Browser(counted).login("bob", { absolute: 30 });
    const [, [other]] = await wakings();
    await counted.objects.alarm(other);
    assert.deepEqual(await wakings(), [[name, due], [other, (await counted.now()) + MINUTE]], "and never again and again");
    await counted.setConfig({ ...config, no_such_option: true }); // a new isolate, which has seen no alarm set
    await counted.objects.alarm(name);
    const [[, again]] = await wakings();
    assert.ok(again > (await counted.now()) && again <= (await counted.now()) + HOUR);
    await counted.setConfig(config);
    await counted.advance(13 * HOUR);
    await counted.objects.alarm(name);
    assert.deepEqual(await counted.objects.sql(name, "SELECT name FROM sqlite_master WHERE name = 'record'"), []);
  } finally {
    await counted.stop();
  }
});

test("after the last session and the last memory of it an object is empty, answers as such without writing, and works again", async () => {
  const sub = newUser();
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(sub));
  const dead = alice.copy();
  await alice.does({ op: "destroy" });
  await gate.advance(2 * HOUR);
  await gate.objects.alarm(name);
  assert.deepEqual(await tables(name), []);
  await gate.setConfig(config); // a new isolate, which remembers nothing
  assert.equal(await objectOf(async () => assert.equal(await dead.who(), undefined)), name);
  assert.deepEqual(await tables(name), [], "the question wrote nothing");
  await alice.login(sub);
  assert.equal(await alice.who(), sub);
  assert.equal((await record(name)).sessions.length, 1);
});

test("an emptied object works again without being thrown out of memory", async () => {
  const sub = newUser();
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(sub));
  for (let i = 0; i < 3; i += 1) {
    await gate.advance(13 * HOUR);
    await gate.objects.alarm(name);
    assert.deepEqual(await tables(name), []);
    await alice.login(sub);
    assert.equal(await alice.who(), sub);
  }
});

test("what an object has told survives its eviction", async () => {
  const sub = newUser();
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(sub, { data: { n: 1 } }));
  await alice.does({ op: "update", set: { n: 2 } });
  await gate.objects.evict(name);
  const claims = await alice.claims();
  assert.deepEqual([claims.sub, claims.data], [sub, { n: 2 }]);
  const thief = alice.copy();
  await alice.send("POST", "/.edge-session/logout");
  await gate.objects.evict(name);
  assert.equal(await thief.who(), undefined);
});

test("what is stored counts, not what an object has read before; what this version cannot read is left as it is", async () => {
  const sub = newUser();
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(sub));
  const put = (stored) => gate.objects.sql(name, "UPDATE record SET body = ?", JSON.stringify(stored));
  const changes = async () => (await alice.send("POST", "/private/page")).code;
  const whole = await record(name);
  assert.equal(await changes(), undefined);
  await put({ ...whole, version: 2 });
  assert.equal(await changes(), "store_unavailable");
  assert.equal((await alice.does({ op: "destroy" }, "/private/do")).code, "store_unavailable");
  assert.deepEqual(await record(name), { ...whole, version: 2 });
  await put(whole);
  assert.equal(await changes(), undefined);
  await put({ ...whole, sessions: [] });
  assert.equal(await changes(), "session_required");
});

// Logs Alice in at a gate, and starts another one over the same objects, with this locator key.
async function afterRestart(locatorKey, look) {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-restart-"));
  const start = async (port, byte) => {
    const secrets = { EDGE_SESSION_KEYS: gate.cookieKey.entry, EDGE_SESSION_ORIGIN_KEYS: gate.originKey.entry, EDGE_SESSION_LOCATOR_KEY: Buffer.alloc(32, byte).toString("base64url") };
    const one = await startGate({ storage: folder, config, secrets, port });
    one.originKey = gate.originKey;
    application(one);
    return one;
  };
  let one = await start(undefined, 5);
  const { port } = one;
  const alice = await new Browser(one).login("alice", { data: { kept: true } });
  await one.stop();
  one = await start(port, locatorKey);
  try {
    await look(new Browser(one, alice.jar));
  } finally {
    await one.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

test("sessions survive a restart of everything", () =>
  afterRestart(5, async (alice) => {
    const claims = await alice.claims();
    assert.deepEqual([claims.sub, claims.data], ["alice", { kept: true }]);
  }));

test("with another locator key nobody stays logged in, and memory does not say otherwise", () =>
  afterRestart(6, async (alice) => {
    alice.jar.delete(`${SESSION}-fresh`);
    for (let i = 0; i < 3; i += 1) assert.equal((await alice.read("/private/page")).code, "session_required");
    assert.equal(await alice.who(), undefined);
  }));

test("no object is made or touched for what a stranger sends", async () => {
  const before = (await gate.objects.ids()).length;
  const alice = await new Browser(gate).login(newUser());
  const { id } = alice;
  await gate.forgetCalls();
  const strangers = ["x", id.slice(0, -1), `${id.slice(0, 40)}${id[40] === "A" ? "B" : "A"}${id.slice(41)}`, id.toLowerCase(), "A".repeat(id.length)];
  for (const value of strangers) {
    for (const [method, path] of [["GET", "/"], ["POST", "/private/x"], ["POST", "/.edge-session/logout"]]) {
      await send(gate, method, path, [...BROWSER.fetch, ["Cookie", `${SESSION}=${value}`]]);
    }
  }
  assert.deepEqual(await gate.storeCalls(), []);
  assert.equal((await gate.objects.ids()).length, before + 1);
});

test("a question about a live session writes only when its activity is due to be written", async () => {
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(newUser()));
  const body = async () => (await gate.objects.sql(name, "SELECT body FROM record"))[0].body;
  const first = await body();
  for (let i = 0; i < 5; i += 1) await alice.who();
  assert.equal(await body(), first);
  await gate.advance(61_000);
  await alice.who();
  assert.notEqual(await body(), first);
});

test("the clock of an object never runs backwards", async () => {
  const alice = new Browser(gate);
  await alice.login(newUser(), { absolute: 120 });
  await gate.advance(121_000);
  const late = await new Browser(gate).login("late");
  assert.equal(await alice.who(), undefined);
  await late.does({ op: "update", set: { a: 1 } });
  await gate.advance(-121_000);
  assert.equal(await late.who(), "late");
  await gate.advance(121_000);
});

test("an object that cannot be emptied yet keeps its alarm", async () => {
  const sub = newUser();
  const alice = new Browser(gate);
  const name = await objectOf(() => alice.login(sub));
  await alice.does({ op: "destroy_all" });
  await gate.objects.alarm(name);
  assert.ok((await record(name)).alarm > 0, "the barrier against logins under way is still there");
  await gate.advance(2 * HOUR);
  await gate.objects.alarm(name);
  assert.ok(await eventually(async () => (await tables(name)).length === 0));
});
