// Periodic rotation: a new ID now and then, and nobody notices.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application, cookieIn, logged, newUser } from "./harness/app.mjs";
import { makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, get, send, webSocket } from "./harness/raw.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const config = {
  default_access: "optional",
  paths: [{ path: "/private/*", access: "required" }, { path: "/poll", access: "optional", activity: false }],
};

let gate;
let app;
test.before(async () => {
  gate = await startGate({ config });
  await gate.stopClock();
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  gate.origin.forget();
  await gate.forgetLogs();
  app = application(gate);
});

// A browser whose ID is 16 minutes old and whose session is alive.
async function due(sub = newUser(), minutes = 16) {
  const browser = await new Browser(gate).login(sub);
  browser.jar.delete("__Host-session-fresh");
  await gate.advance(minutes * MINUTE);
  return browser;
}

// 50 requests at once with the same cookies; what each was answered.
const burst = (browser, headers = BROWSER.navigate) =>
  Promise.all(Array.from({ length: 50 }, (_, i) => get(gate, `/private/${i}`, [...headers, ["Cookie", browser.jar.header]])));

test("fifty parallel requests across a rotation all succeed, one rotation happens, and all end with the same ID", async () => {
  const sub = newUser();
  const alice = await due(sub);
  const old = alice.copy();
  const answers = await burst(alice);
  assert.ok(answers.every((answer) => answer.status === 200), "all succeed");
  const pages = gate.origin.requests.filter((recorded) => recorded.url.startsWith("/private/"));
  assert.deepEqual([pages.length, new Set(pages.map((recorded) => recorded.claims.sub))], [50, new Set([sub])]);
  const ids = new Set(answers.map((answer) => cookieIn(answer)?.value).filter(Boolean));
  assert.equal(ids.size, 1, "one new ID");
  for (const answer of answers) alice.jar.take(answer);
  assert.notEqual(alice.id, old.id);
  // The stragglers of the page, with the old ID, while the new one is in use: they too get the same one.
  assert.equal(await alice.who(), sub);
  for (const answer of await burst(old, BROWSER.fetch)) {
    assert.equal(answer.status, 200);
    if (cookieIn(answer)) ids.add(cookieIn(answer).value);
  }
  assert.equal(ids.size, 1);
  const rows = await gate.objects.sql((await gate.storeCalls()).at(-1), "SELECT body FROM record");
  assert.equal(JSON.parse(rows[0].body).sessions[0].ids.former.length, 1, "the session has had two IDs");
});

test("the new ID comes with the same handle, data and absolute deadline, and is kept by no cache", async () => {
  const sub = newUser();
  const alice = await due(sub);
  const before = await alice.claims();
  app.on("/page", (recorded, response) => response.setHeader("Cache-Control", "private, max-age=60").setHeader("CDN-Cache-Control", "no-store").end("page"));
  const answer = await alice.open("/page");
  assert.deepEqual(cookieIn(answer).attributes, { path: "/", secure: true, httponly: true, samesite: "Lax" });
  assert.equal(cookieIn(answer, "__Host-session-fresh"), undefined, "nothing that the user could read has changed");
  assert.equal(answer.header("cache-control"), "private, no-store");
  assert.equal(answer.header("cdn-cache-control"), undefined);
  const after = await alice.claims();
  assert.deepEqual([after.sub, after.sid, after.session.absolute, after.session.created], [sub, before.sid, before.session.absolute, before.session.created]);
});

test("rotation waits for a page to be opened, and not for ever", async () => {
  const alice = await due();
  for (const headers of [BROWSER.fetch, [["Sec-Fetch-Site", "same-origin"], ["Sec-Fetch-Mode", "no-cors"], ["Sec-Fetch-Dest", "image"]]]) {
    assert.equal(cookieIn(await alice.send("GET", "/", headers)), undefined);
  }
  await alice.send("POST", "/", BROWSER.fetch, "");
  await gate.advance(15 * MINUTE);
  assert.ok(cookieIn(await alice.read("/")), "at twice its age any request will do");
});

test("a browser without Fetch Metadata rotates when it asks for HTML", async () => {
  const alice = await due();
  assert.equal(cookieIn(await alice.send("GET", "/", [["Accept", "*/*"]])), undefined);
  assert.ok(cookieIn(await alice.send("GET", "/", [["Accept", "text/html"]])));
});

test("a prefetch neither rotates nor counts as activity", async () => {
  const alice = await due(newUser(), 0);
  const before = (await alice.claims()).session.idle;
  await gate.advance(29 * MINUTE);
  const prefetch = [...BROWSER.navigate, ["Sec-Purpose", "prefetch;prerender"]];
  assert.equal(cookieIn(await alice.send("GET", "/private/x", prefetch)), undefined);
  assert.equal(gate.origin.last.claims.session.idle, before);
  await gate.advance(2 * MINUTE);
  assert.equal((await alice.open("/private/x")).status, 401);
});

test("a lost response logs nobody out: the old ID stays good until the new one has been seen, and the same one is offered again", async () => {
  const sub = newUser();
  const alice = await due(sub);
  const lost = cookieIn(await get(gate, "/", [...BROWSER.navigate, ["Cookie", alice.jar.header]])).value;
  for (let i = 0; i < 3; i += 1) {
    await gate.advance(20 * MINUTE);
    const again = await get(gate, "/private/x", [...BROWSER.navigate, ["Cookie", alice.jar.header]]);
    assert.equal(again.status, 200);
    assert.equal(cookieIn(again).value, lost, "no further rotation happens");
  }
  await alice.open("/");
  assert.notEqual(alice.id, undefined);
  assert.equal(await alice.who(), sub);
});

test("once the new ID was seen the old one works for its grace, then it is refused and the session lives on", async () => {
  const sub = newUser();
  const alice = await due(sub);
  const old = alice.copy();
  await alice.open("/");
  assert.equal(await alice.who(), sub);
  await gate.advance(29 * SECOND);
  assert.equal((await old.copy().send("POST", "/private/x", BROWSER.fetch, "")).status, 200);
  await gate.advance(2 * SECOND);
  for (const method of ["POST", "GET"]) {
    const refused = await send(gate, method, "/private/x", [...BROWSER.fetch, ["Cookie", old.jar.header]]);
    assert.equal(refused.code, "session_required", method);
    assert.deepEqual(refused.all("set-cookie"), [], "a cookie is not cleared because it is superseded");
  }
  assert.equal((await logged(gate, "token.reuse"))[0].outcome, "refused");
  assert.equal(await alice.who(), sub);
});

test("an old ID presented long after the new one was seen ends the session, for the thief and for the owner", async () => {
  const sub = newUser();
  const alice = await due(sub);
  const thief = alice.copy();
  await alice.open("/");
  assert.equal(await alice.who(), sub);
  await gate.advance(5 * MINUTE + SECOND);
  assert.equal(await alice.who(), sub);
  assert.equal(await thief.who(), undefined);
  assert.equal(await alice.who(), undefined);
  assert.equal((await alice.read("/private/x")).status, 401);
  assert.deepEqual((await logged(gate, "token.reuse")).map((event) => event.outcome), ["ended"]);
  assert.deepEqual((await logged(gate, "session.ended")).map((event) => event.reason), ["token_reuse"]);
});

test("a superseded ID can end its session and nothing else", async () => {
  const sub = newUser();
  const alice = await due(sub);
  const old = alice.copy();
  await alice.open("/");
  await alice.who();
  await gate.advance(MINUTE);
  assert.equal((await old.does({ op: "update", set: { a: 1 } })).code, "control_invalid");
  assert.equal((await old.send("POST", "/.edge-session/logout")).status, 204);
  assert.equal(await alice.who(), undefined);
});

test("a response that a shared cache may keep carries no new ID; a later one does", async () => {
  const alice = await due();
  for (const [name, value] of [["Cache-Control", "public, max-age=60"], ["Cache-Control", "S-MaxAge=60"], ["CDN-Cache-Control", "public"], ["CDN-Cache-Control", "s-maxage=9"]]) {
    app.on("/cached", (recorded, response) => response.setHeader(name, value).end("cached"));
    const answer = await alice.open("/cached");
    assert.deepEqual(answer.all("set-cookie"), [], `${name}: ${value}`);
    assert.equal(answer.header(name), value, "and it passes as it is");
  }
  assert.ok(cookieIn(await alice.open("/")));
});

test("polling does not slide a session, and takes part in rotation all the same", async () => {
  const alice = await due();
  const before = await alice.claims("/poll");
  assert.ok(cookieIn(await alice.open("/poll")));
  assert.equal((await alice.claims("/poll")).session.idle, before.session.idle);
});

test("when the store fails to confirm a rotation the page arrives without a new ID, and the next one brings it", async () => {
  const alice = await due();
  await gate.fault("throw", { skip: 1 });
  const answer = await alice.open("/private/x");
  await gate.clearFaults();
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.all("set-cookie"), []);
  assert.equal((await logged(gate, "store.fault")).length, 1);
  assert.ok(cookieIn(await alice.open("/private/x")));
});

test("when the store's confirmation is lost the next page offers the very ID that it took", async () => {
  const sub = newUser();
  const alice = await due(sub);
  await gate.fault("lost", { skip: 1 });
  assert.equal((await alice.open("/private/x")).status, 200);
  await gate.clearFaults();
  const [one, two] = [cookieIn(await alice.copy().open("/private/x")), cookieIn(await alice.open("/private/x"))];
  assert.equal(one.value, two.value);
  assert.equal(await alice.who(), sub);
});

test("a WebSocket handshake passes when a rotation is due", async () => {
  const alice = await due();
  assert.deepEqual((await alice.read("/private/x")).all("set-cookie"), []);
  await gate.advance(16 * MINUTE); // twice as old as an ID gets: every other answer brings a new one
  const { response, socket } = await webSocket(gate, "/socket", [["Origin", gate.issuer], ["Cookie", alice.jar.header]]);
  assert.equal(response.status, 101);
  assert.deepEqual(response.all("set-cookie"), []); // no browser would be sure to keep it
  socket.send("hello");
  assert.equal((await socket.receive()).data, "hello");
  socket.close();
  assert.ok(cookieIn(await alice.open("/private/x")));
});

test("with rotation.every = 0 an ID stays for as long as its session lives", async () => {
  await gate.setConfig({ ...config, rotation: { every: "0s" } });
  const alice = await due();
  for (let i = 0; i < 4; i += 1) {
    assert.equal(cookieIn(await alice.open("/private/x")), undefined);
    await gate.advance(16 * MINUTE);
  }
});

test("with rotation.reuse = refuse a stolen ID is refused and the owner stays", async () => {
  await gate.setConfig({ ...config, rotation: { reuse: "refuse" } });
  const sub = newUser();
  const alice = await due(sub);
  const thief = alice.copy();
  await alice.open("/");
  await alice.who();
  await gate.advance(6 * MINUTE);
  assert.equal(await thief.who(), undefined);
  assert.equal(await alice.who(), sub);
});

test("a key that goes new in, first, and old out logs nobody out and moves no deadline", async () => {
  await gate.setConfig(config);
  const next = makeKey("dev-cookie2");
  const both = [gate.cookieKey.entry, next.entry];
  const sub = newUser();
  const alice = await due(sub, 1);
  const before = await alice.claims();
  for (const list of [both, both.toReversed()]) {
    await gate.setConfig(config, { EDGE_SESSION_KEYS: list.join(",") });
    assert.equal(await alice.who(), sub);
  }
  await gate.advance(16 * MINUTE);
  const old = alice.copy();
  const answers = await burst(alice);
  assert.equal(new Set(answers.map((answer) => cookieIn(answer).value)).size, 1, "one successor across the key change");
  alice.jar.take(answers[0]);
  await gate.setConfig(config, { EDGE_SESSION_KEYS: next.entry });
  const after = await alice.claims();
  assert.deepEqual([after.sub, after.session.absolute], [sub, before.session.absolute]);
  await gate.forgetCalls();
  assert.equal(await old.who(), undefined, "what the removed key sealed is a forgery now");
  assert.deepEqual(await gate.forgetCalls(), []);
});
