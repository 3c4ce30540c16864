// Sessions from login to logout, as the browser and the application see them.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, FRESH, SESSION, application, cookieIn, newUser } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control, verifyAssertion } from "./harness/jws.mjs";
import { BROWSER } from "./harness/raw.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let gate;
let app;
test.before(async () => {
  gate = await startGate({
    config: {
      default_access: "optional",
      paths: [{ path: "/private/*", access: "required" }, { path: "/poll", access: "optional", activity: false }],
      limits: { per_subject: 3 },
    },
  });
  await gate.stopClock();
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  gate.origin.forget();
  app = application(gate);
});

const signedIn = (sub = newUser(), more) => new Browser(gate).login(sub, more);
const secondsFromNow = async (time) => time - Math.floor((await gate.now()) / 1000);

test("a login sets a host-only, secure, script-proof cookie that ends with the browser", async () => {
  const answer = await new Browser(gate).does({ op: "create", sub: "alice" });
  const { value, attributes } = cookieIn(answer);
  assert.deepEqual(attributes, { path: "/", secure: true, httponly: true, samesite: "Lax" });
  assert.match(value, /^[A-Za-z0-9_-]{100,199}$/);
  assert.deepEqual(cookieIn(answer, FRESH).attributes, { ...attributes, "max-age": "10" });
  assert.match(cookieIn(answer, FRESH).value, /^[A-Za-z0-9_-]{12}$/);
  assert.equal(answer.text, "done");
});

test("what a session was changed with is kept by no cache", async () => {
  const headers = { "Cache-Control": "public, max-age=600", "CDN-Cache-Control": "max-age=600", "Cloudflare-CDN-Cache-Control": "max-age=6", "Surrogate-Control": "max-age=600" };
  const browser = new Browser(gate);
  for (const operation of [{ op: "create", sub: newUser() }, { op: "update", set: { a: 1 } }, { op: "rotate" }, { op: "destroy" }]) {
    const answer = await browser.does({ ...operation, headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.header("cache-control"), "private, no-store", operation.op);
    for (const name of ["cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "edge-session-control"]) {
      assert.equal(answer.header(name), undefined, `${operation.op} ${name}`);
    }
  }
});

test("the application is told who is asking, since when, until when, and what it stored", async () => {
  const sub = newUser();
  const alice = new Browser(gate);
  await alice.does({ op: "create", sub, amr: ["pwd", "otp"], auth_time: 1_700_000_000, data: { cart: [1, { a: null }] } });
  const login = gate.origin.last;
  await alice.open("/page");
  const claims = await verifyAssertion(gate, gate.origin.last.assertion, { now: await gate.now() });
  const { created, idle, absolute, checked, ...other } = claims.session;
  assert.deepEqual(other, {});
  assert.ok(Math.abs(idle - created - 30 * 60) <= 1);
  assert.ok(Math.abs(absolute - created - 12 * 3600) <= 1);
  assert.ok(checked >= created && checked <= created + 5);
  assert.equal(claims.exp - claims.iat, 60);
  assert.equal(claims.sid, login.claims.jti, "the application knows the new handle beforehand");
  const { iss, aud, iat, exp, jti, sid, session, ...said } = claims;
  assert.deepEqual(said, { sub, amr: ["pwd", "otp"], auth_time: 1_700_000_000, data: { cart: [1, { a: null }] } });
});

test("without a session the assertion names nobody, and has no member that could be misread", async () => {
  await new Browser(gate).open("/page");
  assert.deepEqual(Object.keys(gate.origin.last.claims).sort(), ["aud", "exp", "iat", "iss", "jti"]);
});

test("in the place of the session cookie's value the application sees the public handle, and caches can tell users apart", async () => {
  app.on("/vary", (recorded, response) => response.setHeader("Vary", "Cookie").end("ok"));
  const alice = await signedIn();
  alice.jar.delete(FRESH);
  const id = alice.id;
  const answer = await alice.send("GET", "/vary", [...BROWSER.navigate, ["X-Before", "1"]]);
  assert.equal(answer.header("vary"), "Cookie");
  assert.equal(gate.origin.last.header("cookie"), `${SESSION}=${gate.origin.last.claims.sid}`);
  await new Browser(gate).send("GET", "/", [...BROWSER.navigate]);
  assert.equal(gate.origin.last.header("cookie"), undefined);
  for (const recorded of gate.origin.requests) assert.ok(!JSON.stringify(recorded.headers).includes(id));
});

test("remember me outlasts the browser, and tells it for how long", async () => {
  const alice = new Browser(gate);
  const answer = await alice.does({ op: "create", sub: newUser(), remember: true });
  const age = Number(cookieIn(answer).attributes["max-age"]);
  assert.ok(age > 30 * 86_400 - 5 && age <= 30 * 86_400, `${age}`);
  const { session } = await alice.claims();
  assert.equal(session.idle, session.absolute);
  const rotated = await alice.does({ op: "rotate" });
  assert.ok(Number(cookieIn(rotated).attributes["max-age"]) <= age, "a new ID does not live longer");
});

test("a login may be shorter than configured and never longer", async () => {
  const alice = await signedIn(newUser(), { idle: 60, absolute: 120 });
  let { session } = await alice.claims();
  assert.ok((await secondsFromNow(session.idle)) <= 60);
  assert.ok((await secondsFromNow(session.absolute)) <= 120);
  await alice.does({ op: "update", idle: 100_000, absolute: 100_000 });
  assert.deepEqual((await alice.claims()).session.absolute, session.absolute);
  const bob = await signedIn(newUser(), { idle: 1_000_000, absolute: 1_000_000 });
  ({ session } = await bob.claims());
  assert.ok((await secondsFromNow(session.idle)) <= 30 * 60);
  assert.ok((await secondsFromNow(session.absolute)) <= 12 * 3600);
});

test("an update replaces, removes and sets to null, and a browser reads its own write at once", async () => {
  const alice = await signedIn(newUser(), { data: { keep: 1, old: 2, both: 3 } });
  await alice.does({ op: "update", set: { none: null, both: 4 }, unset: ["old", "both", "absent"] });
  await alice.open("/page");
  assert.deepEqual(gate.origin.last.claims.data, { keep: 1, both: 4, none: null });
});

test("twenty parallel updates of different members lose nothing", async () => {
  const alice = await signedIn();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => alice.does({ op: "update", set: { [`m${i}`]: i } })));
  assert.ok(answers.every((answer) => answer.status === 200));
  const { data } = await alice.claims();
  assert.deepEqual(data, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, i])));
});

test("a rotate gives a new ID and handle, and the old ID is dead at once for everything", async () => {
  const sub = newUser();
  const alice = await signedIn(sub, { data: { a: 1 } });
  const thief = alice.copy();
  thief.jar.delete(FRESH);
  await thief.read("/"); // warms the isolate's memory
  const before = await alice.claims();
  const answer = await alice.does({ op: "rotate", set: { admin: true }, amr: ["otp"], auth_time: 1_800_000_000 });
  assert.notEqual(alice.id, thief.id);
  assert.equal(answer.status, 200);
  const rotation = gate.origin.last;
  const after = await alice.claims();
  assert.deepEqual([after.sub, after.data, after.amr, after.auth_time], [sub, { a: 1, admin: true }, ["otp"], 1_800_000_000]);
  assert.equal(after.sid, rotation.claims.jti);
  assert.equal(after.session.absolute, before.session.absolute);
  assert.equal(after.session.created, before.session.created);
  assert.equal(await thief.who(), undefined);
  assert.equal((await thief.read("/private/x")).status, 401);
  assert.equal(await alice.who(), sub);
});

test("a destroy ends the session and clears the cookie with the attributes that it was set with", async () => {
  const alice = await signedIn();
  const thief = alice.copy();
  const answer = await alice.does({ op: "destroy", status: 303, headers: { Location: "/bye" } });
  assert.equal(answer.status, 303);
  assert.equal(answer.header("location"), "/bye");
  assert.deepEqual(cookieIn(answer).attributes, { path: "/", secure: true, httponly: true, samesite: "Lax", "max-age": "0" });
  assert.equal(cookieIn(answer).value, "");
  assert.equal(alice.id, undefined);
  assert.equal(await thief.who(), undefined);
  const again = await thief.does({ op: "destroy" });
  assert.equal(again.status, 200);
  assert.equal(cookieIn(again), undefined, "where it ended nothing it changes nothing");
});

for (const status of [200, 204, 302, 304, 404, 500]) {
  test(`an instruction counts on a response with status ${status}`, async () => {
    const alice = new Browser(gate);
    const answer = await alice.does({ op: "create", sub: "statuses", status });
    assert.equal(answer.status, status);
    assert.equal(await alice.who(), "statuses");
  });
}

test("an instruction counts on the answer to a HEAD", async () => {
  const alice = await signedIn();
  app.on("/head", (recorded, response) => response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "destroy" })).end());
  await alice.send("HEAD", "/head");
  assert.equal(alice.id, undefined);
});

test("destroy_all ends every session of the subject and nobody else's", async () => {
  const sub = newUser();
  const [laptop, phone, other] = [await signedIn(sub), await signedIn(sub), await signedIn()];
  const answer = await laptop.does({ op: "destroy_all" });
  assert.equal(cookieIn(answer).attributes["max-age"], "0");
  assert.equal(await phone.who(), undefined);
  assert.ok(await other.who());
  assert.equal((await phone.read("/private/x")).status, 401);
});

test("an administrator ends another's sessions and keeps the own", async () => {
  const sub = newUser();
  const [victim, admin] = [await signedIn(sub), await signedIn("admin")];
  const answer = await admin.does({ op: "destroy_all", sub });
  assert.equal(cookieIn(answer), undefined);
  assert.equal(await victim.who(), undefined);
  assert.equal(await admin.who(), "admin");
});

for (const op of ["rotate", "create"]) {
  test(`end_others with a ${op} leaves the one session that it was said in`, async () => {
    const sub = newUser();
    const [laptop, phone] = [await signedIn(sub), await signedIn(sub)];
    await laptop.does(op === "create" ? { op, sub, end_others: true } : { op, end_others: true });
    assert.equal(await laptop.who(), sub);
    assert.equal(await phone.who(), undefined);
  });
}

test("beyond the limit of sessions the oldest one ends", async () => {
  const sub = newUser();
  const browsers = [];
  for (let i = 0; i < 4; i += 1) {
    browsers.push(await signedIn(sub));
    await gate.advance(1000);
  }
  assert.deepEqual(await Promise.all(browsers.map((browser) => browser.who())), [undefined, sub, sub, sub]);
});

test("a login over an anonymous session takes a new ID, and the anonymous one is dead", async () => {
  const visitor = new Browser(gate);
  await visitor.does({ op: "create", data: { cart: 1 } });
  const anonymous = await visitor.claims();
  assert.equal(anonymous.sub, undefined);
  assert.deepEqual(anonymous.data, { cart: 1 });
  await visitor.does({ op: "rotate" });
  assert.equal((await visitor.claims()).sid, anonymous.sid, "an anonymous session keeps its first handle");
  const before = visitor.copy();
  await visitor.login(newUser(), { data: anonymous.data });
  assert.notEqual(visitor.id, before.id);
  assert.deepEqual((await visitor.claims()).data, { cart: 1 });
  const dead = await before.claims();
  assert.equal(dead.sid, undefined);
});

test("an ID that the gate did not issue is never adopted by a login", async () => {
  const victim = new Browser(gate);
  victim.jar.set(SESSION, "chosen-by-the-attacker");
  const answer = await victim.does({ op: "create", sub: newUser() });
  assert.notEqual(cookieIn(answer).value, "chosen-by-the-attacker");
  const attacker = new Browser(gate);
  attacker.jar.set(SESSION, "chosen-by-the-attacker");
  assert.equal(await attacker.who(), undefined);
});

test("a create without a subject over a signed-in session logs out and keeps some data", async () => {
  const alice = await signedIn();
  const thief = alice.copy();
  await alice.does({ op: "create", data: { notice: "you have been logged out" } });
  const claims = await alice.claims();
  assert.equal(claims.sub, undefined);
  assert.deepEqual(claims.data, { notice: "you have been logged out" });
  assert.equal(await thief.who(), undefined);
});

test("an anonymous session is no session for a path that requires one", async () => {
  const visitor = new Browser(gate);
  await visitor.does({ op: "create", data: {} });
  const answer = await visitor.read("/private/x");
  assert.equal(answer.code, "session_required");
  assert.equal(answer.header("www-authenticate"), 'Cookie realm="edge-session"');
});

test("activity slides the idle deadline, polling does not, and nothing slides the absolute one", async () => {
  const alice = await signedIn();
  const poller = await signedIn();
  const { session: first } = await alice.claims();
  for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
    await gate.advance(20 * MINUTE);
    assert.equal((await alice.send("POST", "/private/x", BROWSER.fetch, "")).status, 200);
    if (minutes === 0) assert.equal((await poller.send("POST", "/poll", BROWSER.fetch, "")).status, 200);
  }
  const { session: last } = await alice.claims();
  assert.equal(last.absolute, first.absolute);
  assert.equal(last.idle, last.absolute, "idle is never after absolute");
  assert.equal(await poller.who(), undefined);
  await gate.advance(20 * MINUTE);
  assert.equal((await alice.send("POST", "/private/x", BROWSER.fetch, "")).code, "session_required");
});

test("without activity a session ends at its idle deadline, for safe requests too", async () => {
  const alice = await signedIn();
  await gate.advance(30 * MINUTE - 1000);
  const sleepy = alice.copy();
  assert.equal((await sleepy.send("GET", "/poll", BROWSER.fetch)).status, 200);
  await gate.advance(2000);
  for (const method of ["GET", "POST"]) assert.equal((await sleepy.send(method, "/private/x", BROWSER.fetch)).code, "session_required");
  await gate.advance(24 * HOUR);
  await gate.forgetCalls();
  await sleepy.read("/private/x");
  assert.deepEqual(await gate.forgetCalls(), [], "past its absolute deadline a cookie costs no store call");
});
