// Cookie headers as nobody should send them: none is a 500, none costs the store anything, none reaches the application with an ID.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, FRESH, SESSION, application, logged } from "./harness/app.mjs";
import { makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request, send } from "./harness/raw.mjs";

let gate;
let alice;
let bob;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", paths: [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }] } });
  await gate.stopClock();
  application(gate);
  alice = await new Browser(gate).login("alice");
  bob = await new Browser(gate).login("bob");
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(1100); // what anyone can provoke is logged once a second
  await gate.forgetCalls();
  gate.origin.forget();
  await gate.forgetLogs();
});

// What becomes of a request with these Cookie lines on an optional path: { answer, recorded }. It is forwarded, and without any ID.
let asked = 0;
async function present(...lines) {
  asked += 1;
  const url = `/optional?${asked}`;
  const answer = await send(gate, "POST", url, [...BROWSER.fetch, ...lines.map((line) => ["Cookie", line])], "");
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(answer.all("set-cookie"), [], "no cookie is set or cleared for it");
  const recorded = gate.origin.requests.find((one) => one.url === url);
  assert.doesNotMatch(recorded.header("cookie") ?? "", /(?:^|[;,\s=])__host-session(?:-fresh)?\s*=\s*(?!.{22}(?:[;,]|$))/i, "no ID under our name reaches the application");
  return recorded;
}

// ... and it is nobody's, on a required path too, without any store call.
async function isNobody(what, ...lines) {
  const recorded = await present(...lines);
  assert.equal(recorded.claims.sid, undefined, what);
  for (const method of ["GET", "POST"]) {
    const answer = await send(gate, method, "/private/x", [...BROWSER.fetch, ...lines.map((line) => ["Cookie", line])]);
    assert.deepEqual([answer.status, answer.code], [401, "session_required"], what);
  }
  assert.deepEqual(await gate.storeCalls(), [], `${what}: no store was asked`);
  return recorded;
}

const flip = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

test("truncated, altered, padded and foreign tokens are nobody's and cost the store nothing", async () => {
  const { id } = alice;
  const bad = { empty: "", short: "A", "not base64url": "a+b/c==", padded: `${id}=`, "another tail": id.slice(0, -1) + (id.endsWith("A") ? "B" : "A"), doubled: id + id, spaced: `${id.slice(0, 9)} ${id.slice(9)}`, quoted: `"${id}"`, "percent-encoded": id.replace("A", "%41") + "%41", huge: "A".repeat(8000) };
  for (let length = 1; length < id.length; length += 13) bad[`${length} characters of it`] = id.slice(0, length);
  for (let at = 0; at < id.length; at += 11) bad[`character ${at} changed`] = flip(id, at);
  for (const [what, value] of Object.entries(bad)) await isNobody(what, `${SESSION}=${value}`);
});

test("a token that another deployment sealed is nobody's", async () => {
  const theirs = alice.id;
  await gate.setConfig(gate.config, { EDGE_SESSION_KEYS: makeKey("dev-cookie1").entry });
  await isNobody("another key under the same id", `${SESSION}=${theirs}`);
  await gate.setConfig({ ...gate.config, cookie: { name: "__Host-other" } }, {});
  const answer = await send(gate, "POST", "/private/x", [...BROWSER.fetch, ["Cookie", `__Host-other=${theirs}`]], "");
  assert.equal(answer.code, "session_required", "another cookie name");
  assert.deepEqual(await gate.storeCalls(), []);
  const { cookie, ...config } = gate.config;
  await gate.setConfig(config, {});
  assert.equal(await alice.who(), "alice");
});

test("of none, one, two and fifty cookies of our name", async () => {
  const one = `${SESSION}=${alice.id}`;
  await isNobody("none", "a=b");
  assert.equal((await present(`a=b; ${one}`)).claims.sub, "alice");
  assert.equal((await present(`${one}; ${one}`)).claims.sub, "alice", "twice the same");
  assert.equal((await present(`${SESSION}=forged; ${one}`)).claims.sub, "alice", "a forged one before it");
  assert.equal((await present(`${one}; ${SESSION}=`)).claims.sub, "alice", "an empty one behind it");
  await gate.forgetCalls();
  const both = await isNobody("two good ones", `${one}; ${SESSION}=${bob.id}`);
  assert.equal(both.header("cookie"), undefined);
  assert.equal((await logged(gate, "token.ambiguous")).length > 0, true);
  const fifty = Array.from({ length: 50 }, (_, i) => `${SESSION}=forged${i}`).join("; ");
  await isNobody("fifty forged ones", fifty);
  const behind = await isNobody("a good one behind eight forged ones", `${Array(8).fill(`${SESSION}=forged`).join("; ")}; ${one}`);
  assert.equal(behind.header("cookie"), undefined, "removed all the same");
  assert.equal((await present(`${Array(7).fill(`${SESSION}=forged`).join("; ")}; ${one}`)).claims.sub, "alice");
});

test("a cookie header of 16 KB and more passes, and the ID is found in it and removed from it", async () => {
  for (const size of [16_000, 64_000]) {
    const filler = `f=${"x".repeat(size)}`;
    assert.equal((await isNobody(`${size} bytes`, filler)).header("cookie").length, size + 2);
    const recorded = await present(`${filler}; ${SESSION}=${alice.id}; last=1`);
    assert.equal(recorded.claims.sub, "alice");
    assert.equal(recorded.header("cookie"), `${filler}; ${SESSION}=${recorded.claims.sid}; last=1`);
    await gate.forgetCalls();
  }
  const many = Array.from({ length: 1500 }, (_, i) => `c${i}=${i}`).join("; ");
  assert.equal((await isNobody("1500 cookies", many)).header("cookie"), many);
});

test("bytes that are not UTF-8 are nobody's name and do not hide ours", async () => {
  await isNobody("in our value", `${SESSION}=\xff\xfe`);
  await isNobody("before our name", `\xff${SESSION}=${alice.id}`);
  for (const blank of ["\xa0", "\x85"]) assert.equal((await isNobody("behind our name, a blank of Latin-1", `${SESSION}${blank}=${alice.id}`)).header("cookie"), undefined);
  assert.equal((await present(`bad=\xe9\xff; ${SESSION}=${alice.id}`)).claims.sub, "alice");
});

test("only space and tab are white space: what a generous parser would call our name is removed and believed by nobody", async () => {
  const utf8 = (text) => Buffer.from(text, "utf8").toString("latin1");
  const blanks = ["\u00a0", "\u2003", "\u3000", "\u0085", "\ufeff", "\u200b", "\u2028", "\u1680"];
  for (const blank of blanks) {
    for (const line of [`${blank}${SESSION}=${alice.id}`, `${SESSION}${blank}=${alice.id}`, `a=1; ${blank} ${SESSION}=${alice.id}`]) {
      const recorded = await isNobody(JSON.stringify(blank), utf8(line));
      assert.doesNotMatch(recorded.header("cookie") ?? "", /__Host-session/i);
    }
  }
  for (const line of [`\t${SESSION}\t=\t${alice.id}\t`, `   ${SESSION} = ${alice.id}  ;`, `;;; ${SESSION}=${alice.id}`]) {
    assert.equal((await present(line)).claims.sub, "alice", JSON.stringify(line));
  }
});

test("quotes mean nothing, a cookie without = has no name, and names compare to the letter", async () => {
  for (const line of [
    `"${SESSION}=${alice.id}"`, `"a; ${SESSION}=forged"`, SESSION, `${SESSION};${alice.id}`, `=${SESSION}=${alice.id}`, `=${alice.id}`, `==${SESSION}`, `__host-session=${alice.id}`, `__HOST-SESSION=${alice.id}`,
    `__Host-sessio=${alice.id.slice(0, 20)}`, `$Version=1; $Path=/`, "=", ";", "; ; ;", `${SESSION}%3D${alice.id.slice(0, 20)}`,
  ]) {
    await isNobody(line, line);
  }
  assert.equal((await present(`a="; ${SESSION}=${alice.id}; b="`)).claims.sub, "alice", "a quote does not swallow what follows");
});

test("an ID behind a comma, where a second header line ends up, is removed and believed by nobody", async () => {
  for (const lines of [[`a=1`, `${SESSION}=${alice.id}`], [`a=1, ${SESSION}=${alice.id}`], [`a=1,${SESSION}=${alice.id}`], [`a=1`, `${SESSION}=${alice.id}`, `b=2`]]) {
    const recorded = await isNobody(JSON.stringify(lines.length), ...lines);
    assert.doesNotMatch(recorded.header("cookie"), /session/);
    assert.match(recorded.header("cookie"), /a=1/);
  }
  const first = await present(`${SESSION}=${alice.id}`, "a=1");
  assert.equal(first.claims.sub, "alice", "before the comma it stands where a browser puts it");
  assert.equal(first.header("cookie"), `${SESSION}=${first.claims.sid}, a=1`);
});

test("a forged mark of freshness gives nothing but one more question to the store", async () => {
  const recorded = await isNobody("alone", `${FRESH}=1`);
  assert.equal(recorded.header("cookie"), undefined, "it is stripped too");
  await present(`${FRESH}=${"x".repeat(1000)}; ${SESSION}=${alice.id}`);
  assert.equal((await gate.storeCalls()).length, 1);
});

test("forged cookies are logged, once a second and with a count, and never with what they said", async () => {
  await present(`${SESSION}=before`); // says what was unsaid until now
  await logged(gate, "token.forged");
  await gate.advance(1100);
  await gate.forgetLogs();
  for (let i = 0; i < 20; i += 1) await present(`${SESSION}=forged-value-${i}`);
  await gate.advance(1100);
  await present(`${SESSION}=forged-value`);
  const events = await logged(gate, "token.forged", 2);
  assert.deepEqual(events.map((event) => event.count), [1, 20], "two lines for 21 forgeries");
  assert.doesNotMatch(JSON.stringify(gate.logs), /forged-value/);
});

test("a thousand forged cookies on one connection cost the store nothing", async () => {
  const connection = await connect(gate);
  for (let i = 0; i < 1000; i += 1) {
    const answer = await connection.send(request(gate, "GET", "/private/x", [...BROWSER.fetch, ["Cookie", `${SESSION}=${flip(alice.id, i % alice.id.length)}`]])).read();
    assert.equal(answer.status, 401);
  }
  connection.close();
  assert.deepEqual(await gate.storeCalls(), []);
});
