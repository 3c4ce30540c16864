// Edge-Session-Control as an application, a proxy behind it or an attacker who can inject a header might get it wrong.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application, cookieIn, logged } from "./harness/app.mjs";
import { makeKey, startGate } from "./harness/gate.mjs";
import { control, controlClaims, controlHeader, sign } from "./harness/jws.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

let gate;
let app;
let alice;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", paths: [{ path: "/public/*", access: "public" }] } });
  await gate.stopClock();
  application(gate);
  alice = await new Browser(gate).login("alice", { data: { n: 0 } });
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.forgetCalls();
  gate.origin.forget();
  await gate.forgetLogs();
  app = application(gate);
});

// The answer to a request that the application answers with this header value, or these.
function answered(make, { path = "/answer", browser = new Browser(gate), name = "Edge-Session-Control" } = {}) {
  app.on(path, (recorded, response) => {
    response.writeHead(200, "Secret Reason", { [name]: make(recorded), "Set-Cookie": "app=1", "X-App": "secret-header", "Cache-Control": "public, max-age=60", Location: "/secret-location" });
    response.end("secret-page");
  });
  return browser.send("POST", path, BROWSER.fetch, "");
}

async function isRefused(what, make, { code = "control_invalid", ...options } = {}) {
  const answer = await answered(make, options);
  assert.deepEqual([answer.status, answer.code], [502, code], what);
  assert.deepEqual(answer.all("set-cookie"), [], what);
  assert.doesNotMatch(answer.head + answer.text, /secret/i, `${what}: nothing of the application's answer is passed on`);
  assert.equal(answer.header("cache-control"), "no-store", what);
  return answer;
}

const login = (recorded) => controlClaims(gate, recorded, { op: "create", sub: "mallory" });
const signed = (changes = {}, header = {}, key = gate.originKey.bytes) => (recorded) => sign({ ...controlHeader(gate), ...header }, { ...login(recorded), ...changes }, key);
const b64 = (text) => Buffer.from(text).toString("base64url");

test("the same without a fault is a login", async () => {
  const answer = await answered(signed());
  assert.equal(answer.status, 200);
  assert.ok(cookieIn(answer));
});

test("what is not signed by the application's key for this very purpose is refused and asks no store", async () => {
  const other = makeKey(gate.originKey.id);
  const payload = (recorded) => b64(JSON.stringify(login(recorded)));
  const cases = {
    empty: () => "",
    junk: () => "create",
    json: (recorded) => JSON.stringify(login(recorded)),
    "two parts": (recorded) => signed()(recorded).split(".").slice(0, 2).join("."),
    "four parts": (recorded) => `${signed()(recorded)}.x`,
    "five parts, a JWE": () => "a.b.c.d.e",
    unsigned: (recorded) => `${b64(JSON.stringify(controlHeader(gate)))}.${payload(recorded)}.`,
    "alg none": (recorded) => `${b64(JSON.stringify({ ...controlHeader(gate), alg: "none" }))}.${payload(recorded)}.`,
    "alg None, signed": signed({}, { alg: "None" }),
    "alg HS512": signed({}, { alg: "HS512" }),
    "alg hs256": signed({}, { alg: "hs256" }),
    "no typ": signed({}, { typ: undefined }),
    "typ JWT": signed({}, { typ: "JWT" }),
    "typ of an assertion": signed({}, { typ: "edge-session-assertion+jwt" }),
    "typ in another case": signed({}, { typ: "Edge-Session-Control+JWT" }),
    "no kid": signed({}, { kid: undefined }),
    "an unknown kid": signed({}, { kid: "other" }),
    "a kid that is a number": signed({}, { kid: 1 }),
    "a cookie key's kid": signed({}, { kid: gate.cookieKey.id }, gate.cookieKey.bytes),
    "one member too many": signed({}, { crit: ["exp"] }),
    "a jwk": signed({}, { jwk: { kty: "oct", k: "AAAA" } }, Buffer.alloc(3)),
    "another key": signed({}, {}, other.bytes),
    "the cookie key": signed({}, {}, gate.cookieKey.bytes),
    "an empty key": signed({}, {}, Buffer.alloc(0)),
    "the assertion sent back": (recorded) => recorded.assertion,
    "the assertion's signature under a login": (recorded) => signed()(recorded).split(".").slice(0, 2).concat(recorded.assertion.split(".")[2]).join("."),
    "a changed payload": (recorded) => signed()(recorded).replace(/\.[^.]+\./, `.${b64(JSON.stringify({ ...login(recorded), sub: "root" }))}.`),
    padding: (recorded) => `${signed()(recorded)}=`,
    "white space": (recorded) => signed()(recorded).replace(".", ". "),
    quotes: (recorded) => `"${signed()(recorded)}"`,
    "a scheme before it": (recorded) => `Bearer ${signed()(recorded)}`,
  };
  for (const [what, make] of Object.entries(cases)) await isRefused(what, make);
  assert.deepEqual(await gate.storeCalls(), []);
});

test("what is for another time, request, site or application is refused and asks no store", async () => {
  const now = Math.floor((await gate.now()) / 1000);
  const cases = {
    expired: signed({ iat: now - 150, exp: now - 90 }),
    "from the future": signed({ iat: now + 90, exp: now + 120 }),
    "not yet": signed({ nbf: now + 90 }),
    "a long life": signed({ iat: now, exp: now + 61 }),
    "exp before iat": signed({ iat: now, exp: now - 1 }),
    "no exp": signed({ exp: undefined }),
    "no iat": signed({ iat: undefined }),
    "times as text": signed({ iat: `${now}`, exp: `${now + 30}` }),
    "times with fractions": signed({ iat: now + 0.5, exp: now + 30.5 }),
    "a negative time": signed({ iat: -1 }),
    "an endless time": signed({ exp: 1e300 }),
    "no req": signed({ req: undefined }),
    "another req": signed({ req: "AAAAAAAAAAAAAAAAAAAAAA" }),
    "a list of reqs": (recorded) => signed({ req: [recorded.claims.jti] })(recorded),
    "another iss": signed({ iss: "https://evil.example" }),
    "iss and aud exchanged": signed({ iss: gate.issuer, aud: gate.audience }),
    "a list as aud": signed({ aud: [gate.issuer] }),
    "no aud": signed({ aud: undefined }),
    "an iss that ends in a slash": signed({ iss: `${gate.audience}/` }),
  };
  for (const [what, make] of Object.entries(cases)) await isRefused(what, make);
  assert.deepEqual(await gate.storeCalls(), []);
  const answer = await answered(signed({ iat: now - 80, exp: now - 50 }));
  assert.equal(answer.status, 200, "60 s of clock difference are allowed");
});

test("an instruction counts for the request that it answers, and not again", async () => {
  let first;
  const replay = (recorded) => (first ??= signed()(recorded));
  assert.equal((await answered(replay)).status, 200);
  await gate.forgetCalls();
  await isRefused("replayed", replay);
  // Relayed from the answer to an attacker's own request, on a path that passes foreign headers through.
  let relayed;
  await answered((recorded) => (relayed = signed({ op: "create", sub: "mallory" })(recorded)), { path: "/theirs" });
  await gate.forgetCalls();
  await isRefused("relayed to a victim", () => relayed, { browser: alice.copy() });
  assert.equal((await gate.storeCalls()).length, 1, "the validation and nothing more");
});

test("unknown operations and members, and members of another type, are refused and asks no store", async () => {
  const members = {
    "no op": { op: undefined }, "an unknown op": { op: "become" }, "an op in capitals": { op: "CREATE" }, "op list": { op: "list" }, "an unknown member": { admin: true }, "a sid": { sid: "x" },
    "set in a create": { set: {} }, "unset in a create": { unset: [] }, "sub empty": { sub: "" }, "sub null": { sub: null }, "sub a number": { sub: 7 }, "sub with a line feed": { sub: "a\nb" }, "sub too long": { sub: "x".repeat(256) },
    "data a list": { data: [] }, "data null": { data: null }, "data text": { data: "x" }, "remember text": { remember: "true" }, "end_others 1": { end_others: 1 }, "idle 0": { idle: 0 }, "idle negative": { idle: -1 }, "idle with a fraction": { idle: 1.5 },
    "idle as text": { idle: "30m" }, "absolute null": { absolute: null }, "amr text": { amr: "pwd" }, "amr of numbers": { amr: [1] }, "auth_time text": { auth_time: "now" }, "jti a number": { jti: 1 },
    "data in an update": { op: "update", sub: undefined, data: {} }, "sub in a rotate": { op: "rotate" }, "sub in a destroy": { op: "destroy" }, "set a list": { op: "update", sub: undefined, set: [] }, "unset text": { op: "update", sub: undefined, unset: "a" },
    "set in a destroy": { op: "destroy", sub: undefined, set: {} }, "remember in a rotate": { op: "rotate", sub: undefined, remember: true }, "end_others in destroy_all": { op: "destroy_all", end_others: true },
  };
  for (const [what, changes] of Object.entries(members)) await isRefused(what, signed(changes));
  assert.deepEqual(await gate.storeCalls(), []);
});

test("a payload that two parsers could read differently is refused", async () => {
  const raw = (edit) => (recorded) => sign(controlHeader(gate), edit(JSON.stringify(login(recorded))), gate.originKey.bytes);
  const deep = (levels) => "[".repeat(levels) + "]".repeat(levels);
  const payloads = {
    "a member twice": (text) => text.replace("{", '{"sub":"root",'),
    "a member twice, escaped": (text) => text.replace("{", '{"\\u0073ub":"root",'),
    "a member of the data twice": (text) => text.replace("{", '{"data":{"a":1,"a":2},'),
    "no object": (text) => `[${text}]`,
    "two values": (text) => text + text,
    "a lone surrogate": (text) => text.replace("{", '{"data":{"a":"\\ud800"},'),
    "__proto__": (text) => text.replace("{", '{"data":{"__proto__":{"admin":true}},'),
    "__proto__, below": (text) => text.replace("{", '{"data":{"a":[{"__proto__":1}]},'),
    "a number beyond i64 and u64": (text) => text.replace("{", '{"data":{"a":123456789012345678901234567890},'),
    "too deep": (text) => text.replace("{", `{"data":{"a":${deep(16)}},`),
    "a byte order mark": (text) => `\ufeff${text}`,
    "a comment": (text) => `${text}/**/`,
    nothing: () => "",
    "a hundred thousand brackets": () => deep(3000),
  };
  for (const [what, edit] of Object.entries(payloads)) await isRefused(what, raw(edit));
  assert.equal((await answered(raw((text) => text.replace("{", `{"data":{"a":${deep(15)}},`)))).status, 200, "16 deep is not too deep");
});

test("two headers are none: whichever comes first, in whichever spelling", async () => {
  await isRefused("twice the same", (recorded) => [signed()(recorded), signed()(recorded)]);
  await isRefused("a good one and an injected one", (recorded) => [signed()(recorded), "injected"]);
  await isRefused("an injected one and a good one", (recorded) => ["injected", signed()(recorded)]);
  await isRefused("joined by the application", (recorded) => `${signed()(recorded)}, ${signed()(recorded)}`);
  assert.deepEqual(await gate.storeCalls(), []);
});

test("over 8 KiB is too large, however good it is", async () => {
  const padded = (size) => (recorded) => {
    const pad = (n) => signed({ data: { a: "x".repeat(n) } })(recorded);
    const n = Math.floor(((size - pad(0).length) * 3) / 4);
    return pad(n);
  };
  for (const size of [8200, 10_000, 60_000]) await isRefused(`${size} bytes`, padded(size), { code: "control_too_large" });
  await isRefused("8000 bytes of which too much is data", padded(8000), { code: "control_too_large" });
  assert.deepEqual(await gate.storeCalls(), []);
});

test("a header of 1 MB is 502 and never a 500", async () => {
  const answer = await answered(() => "x".repeat(1 << 20));
assert.equal(answer.status, 502);
  assert.ok(["control_too_large", "origin_unreachable"].includes(answer.code), answer.code);
});

test("data is counted as compact UTF-8, after the operation", async () => {
  const at = (size) => ({ a: "é".repeat((size - 8) / 2) }); // {"a":"..."} is 8 bytes without its text
  const browser = new Browser(gate);
  assert.equal((await browser.does({ op: "create", data: at(2050) })).code, "control_too_large");
  assert.equal((await browser.does({ op: "create", data: at(2048) })).status, 200);
  assert.equal((await browser.does({ op: "update", set: { b: 1 } })).code, "control_too_large");
  assert.deepEqual((await browser.claims()).data, at(2048), "nothing has changed");
  assert.equal((await browser.does({ op: "update", set: { b: 1 }, unset: ["a"] })).status, 200);
  assert.deepEqual((await browser.claims()).data, { b: 1 });
  assert.equal((await browser.does({ op: "rotate", set: { c: "x".repeat(2048) } })).code, "control_too_large");
  const id = browser.id;
  assert.deepEqual((await browser.claims()).data, { b: 1 });
  assert.equal(browser.id, id);
});

test("on a public path there is no instruction", async () => {
  await isRefused("a login", signed(), { path: "/public/login" });
  await isRefused("junk", () => "junk", { path: "/public/login", browser: alice.copy() });
  assert.deepEqual(await gate.storeCalls(), []);
});

test("update, rotate, and destroy_all without a subject need a session; create and destroy do not", async () => {
  for (const operation of [{ op: "update", set: {} }, { op: "rotate" }, { op: "destroy_all" }]) await isRefused(operation.op, signed({ sub: undefined, ...operation }));
  const visitor = new Browser(gate);
  await visitor.does({ op: "create", data: {} });
  await isRefused("destroy_all of nobody", signed({ op: "destroy_all", sub: undefined }), { browser: visitor });
  assert.equal((await new Browser(gate).does({ op: "destroy" })).status, 200);
});

test("a refused instruction leaves the session as it was, and its cookie", async () => {
  const id = alice.id;
  for (const make of [signed({}, { kid: "other" }), signed({ op: "destroy", sub: undefined, req: "x" }), signed({ op: "destroy_all", sub: "alice", extra: 1 }), () => "junk"]) await isRefused("any", make, { browser: alice });
  assert.equal(alice.id, id);
  const claims = await alice.claims();
  assert.deepEqual([claims.sub, claims.data], ["alice", { n: 0 }]);
});

test("a refused instruction is logged with its rule and reason, and with nothing that it said", async () => {
  await gate.advance(1100); // what anyone can provoke is logged once a second
  await isRefused("logged", signed({ sub: "subject-in-log", data: { a: "data-in-log" }, admin: "member-in-log" }));
  const [event] = await logged(gate, "control.invalid");
  assert.deepEqual([event.code, event.rule], ["control_invalid", "default"]);
  assert.ok(event.why.length > 5);
  assert.doesNotMatch(JSON.stringify(gate.logs), /in-log/);
});

test("every response that a 502 replaces was one that had no effect", async () => {
  const answer = await send(gate, "POST", "/do", BROWSER.fetch, JSON.stringify({ op: "create", sub: "bob", wrong: 1 }));
  assert.equal(answer.code, "control_invalid");
  const list = await send(gate, "POST", "/.edge-session/control", [], control(gate, undefined, { op: "list", sub: "bob" }));
  assert.deepEqual(list.json(), { sessions: [] });
});
