// POST /.edge-session/control: instructions that answer no request.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application, newUser } from "./harness/app.mjs";
import { makeKey, startGate } from "./harness/gate.mjs";
import { control, controlClaims, controlHeader, sign } from "./harness/jws.mjs";
import { BROWSER, connect, request, send } from "./harness/raw.mjs";

const PATH = "/.edge-session/control";

let gate;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", paths: [{ path: "/private/*", access: "required" }] } });
  application(gate);
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.forgetCalls();
  gate.origin.forget();
});

const signedIn = (sub = newUser(), more) => new Browser(gate).login(sub, more);
const post = (message, headers = []) => send(gate, "POST", PATH, headers, message);
const instruct = (operation) => post(control(gate, undefined, operation));

test("an update changes the data at once, and is answered when the store has done it", async () => {
  const sub = newUser();
  const alice = await signedIn(sub, { data: { a: 1, b: 2 } });
  alice.jar.delete("__Host-session-fresh");
  const { sid } = await alice.claims();
  await alice.read("/page"); // warms the isolate's memory
  const answer = await instruct({ op: "update", sub, sid, set: { role: "admin" }, unset: ["b"] });
  assert.equal(answer.status, 204, answer.text);
  assert.equal(answer.header("cache-control"), "no-store");
  assert.deepEqual(answer.all("set-cookie"), []);
  await alice.read("/page");
  assert.deepEqual(gate.origin.last.claims.data, { a: 1, role: "admin" });
});

test("twenty parallel updates lose nothing", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const { sid } = await alice.claims();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => instruct({ op: "update", sub, sid, set: { [`m${i}`]: i } })));
  assert.ok(answers.every((answer) => answer.status === 204));
  assert.equal(Object.keys((await alice.claims()).data).length, 20);
});

test("a list names the sessions of the subject and nothing that could be used as a cookie", async () => {
  const sub = newUser();
  const browsers = [await signedIn(sub), await signedIn(sub, { absolute: 60 })];
  const answer = await instruct({ op: "list", sub });
  assert.equal(answer.status, 200);
  assert.equal(answer.header("content-type"), "application/json");
  assert.equal(answer.header("cache-control"), "no-store");
  const { sessions, ...rest } = answer.json();
  assert.deepEqual(rest, {});
  for (const [i, browser] of browsers.entries()) {
    const { sid, session } = await browser.claims();
    assert.deepEqual(sessions[i], { sid, created: session.created, idle: session.idle, absolute: session.absolute });
  }
  assert.deepEqual((await instruct({ op: "list", sub: newUser() })).json(), { sessions: [] });
});

test("a destroy ends the one session that it names; a repeat is answered as the first time, another one is 404", async () => {
  const sub = newUser();
  const [phone, laptop] = [await signedIn(sub), await signedIn(sub)];
  const { sid } = await phone.claims();
  const message = control(gate, undefined, { op: "destroy", sub, sid });
  for (let i = 0; i < 3; i += 1) assert.equal((await post(message)).status, 204);
  assert.equal(await phone.who(), undefined);
  assert.equal((await phone.read("/private/x")).status, 401);
  assert.equal(await laptop.who(), sub);
  const again = await instruct({ op: "destroy", sub, sid });
  assert.equal(again.status, 404);
  assert.equal(again.code, "not_found");
});

test("destroy_all disables an account without any request of its browsers, and takes a repeat", async () => {
  const sub = newUser();
  const [phone, laptop, other] = [await signedIn(sub), await signedIn(sub), await signedIn()];
  const message = control(gate, undefined, { op: "destroy_all", sub });
  for (let i = 0; i < 2; i += 1) assert.equal((await post(message)).status, 204);
  assert.equal(await phone.who(), undefined);
  assert.equal(await laptop.who(), undefined);
  assert.ok(await other.who());
  assert.equal((await instruct({ op: "destroy_all", sub: newUser() })).status, 204, "an account without sessions");
});

test("a repeat of destroy_all does not end the sessions of a later login", async () => {
  const sub = newUser();
  await signedIn(sub);
  const message = control(gate, undefined, { op: "destroy_all", sub });
  assert.equal((await post(message)).status, 204);
  await gate.advance(1000);
  const again = await signedIn(sub);
  assert.equal((await post(message)).status, 204);
  assert.equal(await again.who(), sub);
});

test("an anonymous session is found by its handle alone", async () => {
  const visitor = new Browser(gate);
  await visitor.does({ op: "create", data: {} });
  const { sid } = await visitor.claims();
  assert.equal((await instruct({ op: "update", sid, set: { cart: 1 } })).status, 204);
  assert.deepEqual((await visitor.claims()).data, { cart: 1 });
  assert.equal((await instruct({ op: "destroy", sid })).status, 204);
  assert.equal((await visitor.claims()).sid, undefined);
});

test("a session is found under no other subject than its own", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const { sid } = await alice.claims();
  const mallory = newUser();
  await signedIn(mallory);
  for (const wrong of [{ sid }, { sub: mallory, sid }, { sub: newUser(), sid }, { sub, sid: "AAAAAAAAAAAAAAAAAAAAAA" }]) {
    for (const operation of [{ op: "destroy", ...wrong }, { op: "update", ...wrong, set: { stolen: true } }]) {
      assert.equal((await instruct(operation)).code, "not_found", JSON.stringify(wrong));
    }
  }
  assert.deepEqual((await alice.claims()).data, {});
});

test("the handle from before a rotate still names the session", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const { sid } = await alice.claims();
  await alice.does({ op: "rotate" });
  assert.equal((await instruct({ op: "destroy", sub, sid })).status, 204);
  assert.equal(await alice.who(), undefined);
});

test("the signature is the authority: no cookie, no Origin and no Fetch Metadata matter", async () => {
  const sub = newUser();
  for (const headers of [BROWSER.attack, [["Cookie", "__Host-session=forged"]], [["Origin", "null"]]]) {
    assert.equal((await post(control(gate, undefined, { op: "list", sub }), headers)).status, 200);
  }
});

test("what is no instruction is 400 control_invalid, asks no store and says nothing about sessions", async () => {
  const sub = newUser();
  const list = { op: "list", sub };
  const claims = controlClaims(gate, undefined, list);
  const now = claims.iat;
  const other = makeKey(gate.originKey.id);
  const signed = (changes, header = {}, key = gate.originKey.bytes) => sign({ ...controlHeader(gate), ...header }, { ...claims, ...changes }, key);
  const bad = {
    nothing: "",
    "no JWS": "hello",
    "not UTF-8": Buffer.from([0xff, 0xfe, 0x2e, 0x2e]),
    "another key": signed({}, {}, other.bytes),
    "an unknown kid": signed({}, { kid: "nobody" }),
    "alg none": `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`,
    "an assertion's typ": signed({}, { typ: "edge-session-assertion+jwt" }),
    "no jti": signed({ jti: undefined }),
    "an empty jti": signed({ jti: "" }),
    "a long jti": signed({ jti: "x".repeat(129) }),
    "a req": signed({ req: "x" }),
    "another iss": signed({ iss: "https://other.test" }),
    "another aud": signed({ aud: "https://other.test" }),
    expired: signed({ iat: now - 200, exp: now - 150 }),
    "from the future": signed({ iat: now + 100, exp: now + 130 }),
    "a long life": signed({ exp: now + 61 }),
    "no sub": signed({ sub: undefined }),
    "a sid that list does not take": signed({ sid: "AAAAAAAAAAAAAAAAAAAAAA" }),
    create: signed({ op: "create" }),
    rotate: signed({ op: "rotate", sid: "AAAAAAAAAAAAAAAAAAAAAA" }),
    "no op": signed({ op: undefined }),
    "destroy without sid": signed({ op: "destroy" }),
    "update with data": signed({ op: "update", sid: "AAAAAAAAAAAAAAAAAAAAAA", data: {} }),
  };
  for (const [what, message] of Object.entries(bad)) {
    const answer = await post(message);
    assert.equal(answer.status, 400, what);
    assert.equal(answer.code, "control_invalid", what);
    assert.equal(answer.json().status, 400, what);
  }
  assert.deepEqual(await gate.storeCalls(), []);
  assert.equal((await post(signed({}))).status, 200, "the same without a fault");
});

test("a message that is too long, or data that would be, is 400 control_too_large", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const { sid } = await alice.claims();
  for (const size of [8193, 1_000_000]) {
    const answer = await post("x".repeat(size));
    assert.deepEqual([answer.status, answer.code], [400, "control_too_large"]);
  }
  const answer = await instruct({ op: "update", sub, sid, set: { a: "x".repeat(2100) } });
  assert.deepEqual([answer.status, answer.code], [400, "control_too_large"]);
  assert.deepEqual((await alice.claims()).data, {});
});

test("a jti that was used for another message is refused", async () => {
  const sub = newUser();
  const alice = await signedIn(sub);
  const { sid } = await alice.claims();
  const claims = controlClaims(gate, undefined, { op: "update", sub, sid, set: { n: 1 } });
  const message = (changes) => sign(controlHeader(gate), { ...claims, ...changes }, gate.originKey.bytes);
  assert.equal((await post(message({}))).status, 204);
  assert.equal((await post(message({ set: { n: 2 } }))).code, "control_invalid");
  assert.equal((await post(message({}))).status, 204);
  assert.deepEqual((await alice.claims()).data, { n: 1 });
});

test("a store fault is 503, and the same message counts when it is sent again, whether the first has landed or not", async () => {
  const sub = newUser();
  for (const fault of ["throw", "lost"]) {
    const alice = await signedIn(sub, { data: { n: 0 } });
    const { sid } = await alice.claims();
    const message = control(gate, undefined, { op: "update", sub, sid, set: { n: 1 } });
    await gate.fault(fault);
    const failed = await post(message);
    assert.deepEqual([failed.status, failed.code], [503, "store_unavailable"]);
    assert.ok(failed.header("retry-after"));
    assert.equal((await post(message)).status, 204);
    assert.deepEqual((await alice.claims()).data, { n: 1 });
  }
});

test("the endpoint takes POST at its exact path and nothing else, and never reaches the application", async () => {
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await send(gate, method, PATH);
    assert.equal(answer.status, 405, method);
    assert.equal(answer.header("allow"), "POST");
  }
  const message = control(gate, undefined, { op: "list", sub: "x" });
  for (const path of [`${PATH}/`, `${PATH}/x`, "/.Edge-Session/control", "/.edge-session", "/.edge-session/", "/.edge-session/x", "/.edge-session//control", "/x/../.edge-session/nothing", "/.edge-session/controls"]) {
    const answer = await send(gate, "POST", path, [], message);
    assert.deepEqual([answer.status, answer.code], [404, "not_found"], path);
  }
  assert.equal((await send(gate, "POST", `${PATH}?query`, [], message)).status, 200);
  assert.equal(gate.origin.requests.length, 0);
});

test("a message without an end is refused as soon as it is too long, and not when it ends", async () => {
  const connection = await connect(gate);
  connection.send(request(gate, "POST", PATH, [["Transfer-Encoding", "chunked"]]));
  connection.send(`${(60_000).toString(16)}\r\n${"x".repeat(60_000)}\r\n`);
  assert.equal((await connection.read({ timeout: 10_000 })).code, "control_too_large");
  connection.abort();
});
