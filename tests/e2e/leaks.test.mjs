// A day of traffic, good and bad, and then a search: no cookie, key, assertion, instruction, subject, path or query is where it must not be.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { BROWSER, send, webSocket } from "./harness/raw.mjs";

const MINUTE = 60_000;
const SUBJECT = "subject-7f3a@very-private.example";
const PATH = "path-5d21";
const QUERY = "query-91ce";
const DATA = "data-c40b";

let gate;
let app;
const answers = []; // every RawResponse
const ids = new Set(); // every session ID that was ever in a cookie

// Like send, and remembers what came back.
async function ask(method, path, headers = [], body = undefined) {
  const answer = await send(gate, method, path, headers, body);
  answers.push(answer);
  return answer;
}

class Watched extends Browser {
  async send(...all) {
    const answer = await super.send(...all);
    answers.push(answer);
    if (this.id) ids.add(this.id);
    return answer;
  }
}

test.before(async () => {
  gate = await startGate({
    config: {
      default_access: "optional",
      login_url: "/login",
      log: { level: "info" },
      paths: [{ path: `/${PATH}/*`, access: "required" }, { path: "/public/*", access: "public" }],
    },
  });
  app = application(gate);
  app.on("/bad", (recorded, response) => response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "create", sub: SUBJECT, data: { [DATA]: DATA }, wrong: SUBJECT })).end());
  app.on("/shadow", (recorded, response) => response.setHeader("Set-Cookie", `${SESSION}=${[...ids][0]}`).end());
  app.on("/echo", (recorded, response) => response.setHeader("Edge-Session-Control", recorded.assertion).end());
  await traffic();
});
test.after(() => gate.stop());

const page = (name = "x") => `/${PATH}/${name}?${QUERY}=${QUERY}`;

async function traffic() {
  const alice = new Watched(gate);
  await alice.does({ op: "create", data: { [DATA]: 1 } });
  await alice.does({ op: "create", sub: SUBJECT, data: { [DATA]: DATA }, amr: ["pwd"], remember: true });
  const first = alice.copy();
  await alice.open(page());
  await alice.does({ op: "update", set: { [DATA]: "x" } });
  await alice.does({ op: "rotate", set: { [DATA]: "y" } });
  await ask("GET", page(), [...BROWSER.fetch, ["Cookie", first.jar.header]]); // superseded
  await gate.advance(16 * MINUTE);
  const before = alice.copy();
  await alice.open(page());
  await alice.claims();
  await gate.advance(6 * MINUTE);
  await ask("POST", page(), [...BROWSER.fetch, ["Cookie", before.jar.header]], ""); // reuse: ends it
  await alice.login(SUBJECT);
  // attacks
  const stolen = ["Cookie", alice.jar.header];
  await ask("POST", page(), [["Origin", "https://evil.example"], stolen, ["Referer", `https://evil.example/${QUERY}`]], DATA);
  await ask("POST", page(), [...BROWSER.attack, stolen, ["Referer", `https://evil.example/${QUERY}`]], DATA);
  await ask("GET", page(), [...BROWSER.navigate, ["Cookie", `${SESSION}=${alice.id.slice(0, -2)}`]]);
  await ask("GET", page(), [...BROWSER.fetch, ["Cookie", `${SESSION}=${alice.id}; ${SESSION}=${(await new Watched(gate).login("other")).id}`]]);
  await ask("GET", page(), [["Host", `${QUERY}.example`], stolen]);
  await ask("GET", `/.edge-session/${PATH}?${QUERY}`, [stolen]);
  await ask("TRACE", page(), [stolen]);
  await ask("POST", "/.edge-session/control", [stolen], alice.id);
  await webSocket(gate, page(), [["Origin", "https://evil.example"], stolen]).then(({ response }) => answers.push(response));
  for (const path of ["/bad", "/shadow", "/echo"]) await alice.send("POST", path, BROWSER.fetch, "");
  await alice.does({ op: "update", set: { a: alice.id.repeat(20) } }); // too large
  // out of band
  const { sid } = await alice.claims();
  const now = Math.floor((await gate.now()) / 1000);
  for (const operation of [{ op: "list", sub: SUBJECT }, { op: "update", sub: SUBJECT, sid, set: { [DATA]: 1 } }, { op: "destroy", sub: SUBJECT, sid: "AAAAAAAAAAAAAAAAAAAAAA" }]) {
    const message = control(gate, undefined, operation, now);
    await ask("POST", "/.edge-session/control", [], message);
    await ask("POST", "/.edge-session/control", [], `${message}x`);
  }
  // faults
  for (const kind of ["throw", "overloaded", "garbage", "lost", "reset", "null"]) {
    await gate.fault(kind, { reply: alice.id });
    await alice.send("POST", page(), BROWSER.fetch, "");
  }
  for (const kind of ["trap", "panic", "throw"]) {
    for (const place of ["gate", "object"]) {
      await gate.trap(kind, { place });
      await alice.send("POST", page(), BROWSER.fetch, "");
    }
  }
  await gate.clearFaults();
  app.on("/dies", (recorded, response) => response.destroy());
  await alice.send("POST", "/dies", BROWSER.fetch, "");
  await alice.send("POST", "/.edge-session/logout", BROWSER.submit, "");
  await (await new Watched(gate).login(SUBJECT)).does({ op: "destroy_all" });
  await gate.advance(31 * MINUTE);
  await alice.open(page());
  await gate.logsArrived();
  assert.ok(gate.events("session.ended").length >= 4, "the log is complete");
}

// Eight bytes or more of a secret, in the forms in which it could be written down.
function windows(secret) {
  const found = [];
  for (const form of [secret.toString("hex"), secret.toString("base64url"), secret.toString("base64"), Buffer.concat([Buffer.alloc(1), secret]).toString("base64url").slice(2), Buffer.concat([Buffer.alloc(2), secret]).toString("base64url").slice(3)]) {
    for (let at = 0; at + 12 <= form.length; at += 4) found.push(form.slice(at, at + 12));
  }
  return found;
}

const secretsOf = (id) => {
  const bytes = Buffer.from(id, "base64url");
  return [bytes.subarray(-64, -32), bytes.subarray(-32)]; // the secret and the MAC
};
const idWindows = () => [...ids].flatMap((id) => [...secretsOf(id).flatMap(windows), id.slice(-80, -40), id.slice(-40)]);
const keyWindows = () => [gate.cookieKey, gate.originKey].flatMap((key) => windows(key.bytes));

function holdsNone(text, words, what) {
  for (const word of words) assert.ok(!text.includes(word), `${what} holds ${word}: ${text.slice(Math.max(0, text.indexOf(word) - 200), text.indexOf(word) + 50)}`);
}

const log = () => gate.logs.map((line) => `${line.level} ${line.message}`).join("\n");

test("the traffic was what it was meant to be", () => {
  const codes = new Set(answers.map((answer) => answer.code).filter(Boolean));
  for (const code of ["session_required", "cross_site", "wrong_host", "not_found", "method_not_allowed", "control_invalid", "control_too_large", "store_unavailable", "internal", "origin_unreachable"]) assert.ok(codes.has(code), code);
  const events = new Set(gate.events().map((event) => event.event));
  for (const name of ["session.created", "session.rotated", "session.ended", "session.refused", "csrf.refused", "token.forged", "token.reuse", "token.ambiguous", "cookie.shadowed", "control.invalid", "store.fault", "origin.fault"]) assert.ok(events.has(name), name);
  assert.ok(ids.size >= 6);
});

test("the search finds what is there", () => {
  const id = [...ids][0];
  assert.throws(() => holdsNone(`x ${id} y`, idWindows(), "a line with an ID"));
  assert.throws(() => holdsNone(`x ${secretsOf(id)[0].toString("hex")} y`, idWindows(), "a line with a secret in hex"));
  assert.throws(() => holdsNone(`x ${Buffer.concat([Buffer.from("ab"), secretsOf(id)[0], Buffer.from("c")]).toString("base64url")} y`, idWindows(), "a line with a secret in the middle of something"));
});

test("no session ID, key, assertion or instruction is in any line of the log", () => {
  holdsNone(log(), idWindows(), "the log");
  holdsNone(log(), keyWindows(), "the log");
  assert.doesNotMatch(log(), /eyJhbGciOi/, "no JWS");
});

test("no subject, handle, data, path, query or header of a request is in any line of the log", () => {
  const sids = gate.origin.requests.map((recorded) => recorded.claims?.sid).filter(Boolean);
  assert.ok(sids.length > 5);
  holdsNone(log(), [...new Set(sids)], "the log");
  holdsNone(log(), [SUBJECT, "very-private", QUERY, DATA, "evil.example", "/x?"], "the log");
  // The rule as the operator wrote it is all that is said of a path.
  holdsNone(log().replaceAll(`"/${PATH}/*"`, ""), [PATH], "the log");
});

test("no session ID is in any header or body that reached the application", () => {
  for (const recorded of gate.origin.requests) {
    const body = recorded.url.startsWith("/do") ? "" : (recorded.body ?? "").toString();
    holdsNone(JSON.stringify([recorded.url, recorded.headers]) + body, idWindows(), `${recorded.method} ${recorded.url}`);
    holdsNone(JSON.stringify(recorded.headers), keyWindows(), recorded.url);
  }
});

test("no answer holds anything but the session's own cookie: no key, no assertion, no instruction, no ID in a body", () => {
  for (const answer of answers) {
    const lines = answer.lines.filter((line) => !/^set-cookie: __Host-session=/i.test(line)).join("\n");
    holdsNone(`${lines}\n${answer.text}`, idWindows(), `${answer.status}`);
    holdsNone(answer.head + answer.text, keyWindows(), `${answer.status}`);
    assert.doesNotMatch(answer.head + answer.text, /eyJhbGciOi/, "no JWS");
    assert.doesNotMatch(answer.head + answer.text, /edge.session.(assertion|control)/i);
  }
});

test("no refusal echoes what was asked", () => {
  for (const answer of answers.filter((one) => one.code)) holdsNone(answer.head + answer.text, [PATH, QUERY, SUBJECT, DATA, "evil.example"], answer.code);
});

test("sessions are named in the log by a keyed hash that is the same for the same session", () => {
  const created = gate.events("session.created").map((event) => event.session);
  assert.ok(created.every((tag) => /^[A-Za-z0-9_-]{12}$/.test(tag)));
  assert.equal(new Set(created).size, created.length);
  const ended = gate.events("session.ended").map((event) => event.session);
  assert.ok(ended.some((tag) => created.includes(tag)));
});

test("every line of the gate's own is one JSON object with an event", () => {
  for (const { message } of gate.logs) {
    if (!message.startsWith("{")) continue; // the runtime's own
    assert.equal(typeof JSON.parse(message).event, "string");
  }
});
