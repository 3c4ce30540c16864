// Headers that claim to speak for the gate, in both directions and in every spelling; methods and bodies that are not forwarded.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control, verifyAssertion } from "./harness/jws.mjs";
import { BROWSER, connect, send } from "./harness/raw.mjs";

let gate;
let app;
let alice;
test.before(async () => {
  gate = await startGate({
    config: {
      default_access: "optional",
      paths: [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }],
      csrf: { insecure_exempt_paths: ["/webhook"] },
    },
  });
  application(gate);
  alice = await new Browser(gate).login("alice");
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.forgetCalls();
  gate.origin.forget();
  app = application(gate);
});

const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, "-");

// Every way to write a name that some server reads as the same one.
function spellings(name) {
  const words = name.split("-");
  const cases = [name, name.toLowerCase(), name.toUpperCase()];
  if (words.length === 1) return cases;
  return [...cases, words.join("_"), words.join("_").toLowerCase(), words.join(".").toLowerCase(), `${words[0]}_${words.slice(1).join("-")}`, words.join("~"), words.join("!")];
}

const SPOOFED = [
  "Edge-Session-Assertion", "Edge-Session-Control", "Edge-Session-Anything", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-User", "X-Forwarded-Client-Cert",
  "X-Original-URL", "X-Original-Host", "X-Original-Method", "X-Rewrite-URL", "Forwarded", "X-Real-IP", "Script-Name", "Path-Info",
];

for (const [path, who] of [["/private/x", "with a session"], ["/open", "without"], ["/public/x", "on a public path"], ["/webhook", "on an exempt path"]]) {
  test(`no client-sent identity or routing header reaches the application, in any spelling (${who})`, async () => {
    const headers = SPOOFED.flatMap(spellings).map((name) => [name, "spoofed"]);
    const cookie = path === "/open" ? [] : [["Cookie", alice.jar.header]];
    const answer = await send(gate, "POST", path, [...(path === "/webhook" ? BROWSER.attack : BROWSER.fetch), ...cookie, ...headers], "");
    assert.equal(answer.status, 200, answer.text);
    const { last } = gate.origin;
    assert.doesNotMatch(JSON.stringify(last.headers), /spoofed/);
    const ours = last.headers.filter(([name]) => /^(edge-session-|x-forwarded-|x-original-|x-rewrite-|forwarded$|x-real-ip$)/.test(plain(name))).map(([name]) => plain(name)).sort();
    assert.deepEqual(ours, ["edge-session-assertion", "x-forwarded-host", "x-forwarded-proto"]);
    assert.equal((await verifyAssertion(gate, last.assertion)).sub, path === "/private/x" ? "alice" : undefined);
  });
}

test("a client's own assertion never arrives beside ours, doubled, nested or nominated by Connection", async () => {
  await alice.send("POST", "/private/x", BROWSER.fetch, "");
  const stolen = gate.origin.last.assertion;
  for (const headers of [
    [["Edge-Session-Assertion", stolen]], [["Edge-Session-Assertion", stolen], ["edge-session-assertion", stolen]], [["edge_session_assertion", stolen]],
    [["Connection", "close, Edge-Session-Assertion"], ["Edge-Session-Assertion", stolen]], [["Connection", "edge-session-assertion"]],
  ]) {
    await send(gate, "POST", "/open", [...BROWSER.fetch, ...headers], "");
    const { last } = gate.origin;
    assert.equal(last.all("edge-session-assertion").length, 1);
    assert.notEqual(last.assertion, stolen);
    assert.equal(last.claims.sub, undefined);
  }
});

test("names that only look alike pass", async () => {
  const alike = [["X-Forward", "1"], ["X-Forwarded", "2"], ["My-Edge-Session-Assertion", "3"], ["Edge-Sessions", "4"], ["X-Originals", "5"], ["Forwarded-Not", "6"], ["X-Real-IPs", "7"]];
  await send(gate, "POST", "/open", [...BROWSER.fetch, ...alike], "");
  for (const [name, value] of alike) assert.equal(gate.origin.last.header(name), value, name);
});

test("the address that the client claims for itself is not passed on as the gate's word", async () => {
  await send(gate, "POST", "/open", [...BROWSER.fetch, ["CF-Connecting-IP", "6.6.6.6"], ["X-Forwarded-For", "6.6.6.6"]], "");
  assert.equal(gate.origin.last.header("x-forwarded-for"), undefined, "on loopback nobody but the client can have said it");
});

test("nothing that is between application and gate reaches the browser, in any spelling", async () => {
  const names = ["Edge-Session-Control", "Edge-Session-Assertion", "Edge-Session-Debug"].flatMap(spellings).filter((name) => name.toLowerCase() !== "edge-session-control");
  app.on("/leaky", (recorded, response) => {
    for (const name of names) response.setHeader(name, "leaked");
    if (recorded.method === "PUT") response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "update", set: { a: 1 } }));
    response.setHeader("X-App", "kept").end("page");
  });
  app.on("/public/leaky", (recorded, response) => response.setHeader("edge_session_control", "leaked").end());
  for (const [method, path] of [["GET", "/leaky"], ["POST", "/leaky"], ["PUT", "/leaky"], ["HEAD", "/leaky"], ["GET", "/public/leaky"]]) {
    const answer = await alice.send(method, path);
    assert.equal(answer.status, 200, `${method} ${path} ${answer.text}`);
    assert.doesNotMatch(answer.head, /leaked|edge.session.control/i);
    if (path === "/leaky") assert.equal(answer.header("x-app"), "kept");
  }
});

test("an instruction counts in one spelling only: what a proxy may have let through with underscores is dropped", async () => {
  app.on("/under", (recorded, response) => response.setHeader("Edge_Session_Control", control(gate, recorded, { op: "create", sub: "mallory" })).end());
  const answer = await send(gate, "POST", "/under", BROWSER.fetch, "");
  assert.deepEqual([answer.status, answer.all("set-cookie")], [200, []]);
  assert.deepEqual(await gate.storeCalls(), []);
});

for (const method of ["TRACE", "TRACK", "CONNECT"]) {
  test(`${method} is turned away before anything else`, async () => {
    // The platform itself answers methods that it does not know, and closes on a CONNECT.
    const answer = await send(gate, method, "/public/x", [["Cookie", alice.jar.header], ["X-Secret", "echo me"]]).catch(() => undefined);
    if (method === "TRACE") assert.deepEqual([answer.status, answer.code, answer.header("allow")], [405, "method_not_allowed", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]);
    else assert.ok(answer === undefined || [405, 500, 501].includes(answer.status), `${answer?.status}`);
    assert.doesNotMatch(answer?.text ?? "", /echo me/);
    assert.equal(gate.origin.requests.length, 0);
    assert.deepEqual(await gate.storeCalls(), []);
  });
}

test("a method is what was sent, letter case included: get is no GET", async () => {
  const answer = await send(gate, "get", "/private/x", [["Origin", "https://evil.example"], ["Cookie", alice.jar.header]]);
  assert.ok(answer.status >= 400 && answer.status !== 500, `${answer.status}`);
  assert.equal(gate.origin.requests.length, 0);
});

test("a GET or HEAD with a body is 400, because it could not be forwarded as it is", async () => {
  for (const method of ["GET", "HEAD"]) {
    for (const length of [["Content-Length", "3"], ["Transfer-Encoding", "chunked"], ["Content-Length", "03"]]) {
      const connection = await connect(gate);
      connection.send(`${method} /open HTTP/1.1\r\nHost: ${gate.host}\r\n${length.join(": ")}\r\n\r\n`);
      connection.send(length[0] === "Content-Length" ? "abc" : "3\r\nabc\r\n0\r\n\r\n");
      const answer = await connection.read({ method });
      assert.equal(answer.status, 400, `${method} ${length}`);
      if (method === "GET") assert.equal(answer.code, "malformed");
      connection.socket.destroy();
    }
    assert.equal((await send(gate, method, "/open", [...BROWSER.fetch, ["Content-Length", "0"]])).status, 200);
  }
  assert.equal(gate.origin.requests.filter((recorded) => recorded.length > 0).length, 0);
});

test("a request with both lengths, or two, smuggles nothing past the gate", async () => {
  for (const lengths of ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: xchunked", "Content-Length: +5", "Content-Length: 5, 5"]) {
    gate.origin.forget();
    const connection = await connect(gate);
    connection.send(`POST /open HTTP/1.1\r\nHost: ${gate.host}\r\nSec-Fetch-Site: same-origin\r\n${lengths}\r\n\r\n0\r\n\r\nGET /private/smuggled HTTP/1.1\r\nHost: ${gate.host}\r\n\r\n`);
    await connection.read({ timeout: 2000 }).catch(() => {});
    await connection.read({ timeout: 200 }).catch(() => {});
    connection.socket.destroy();
    assert.ok(gate.origin.requests.every((recorded) => !recorded.url.includes("smuggled")), lengths);
  }
});

// Reads go out in another way than what may have a body.
test("every method carries a client's headers alike: spelling, order, repeats, empty values and bytes", async () => {
  const headers = [["X-MiXeD", "1"], ["X-Twice", "a"], ["x-twice", "b, c"], ["X-Empty", ""], ["X-Bytes", Buffer.from([0x61, 0xe9, 0xc3, 0xa9, 0xff]).toString("latin1")], ["X-Inner", "a  b"], ["Accept-Encoding", "br;q=0.5, gzip"], ["If-None-Match", '"x", W/"y"'], ["Priority", "u=1, i"]];
  const arrived = async (method, path) => {
    gate.origin.forget();
    await alice.send(method, path, [...BROWSER.fetch, ...headers]);
    const [request] = gate.origin.requests;
    assert.equal(request.method, method);
    const own = /^(edge-session-assertion|content-length|connection)$/i;
    return request.headers.filter(([name]) => !own.test(name));
  };
  for (const path of ["/", "/public/x"]) {
    const [read, head, write] = [await arrived("GET", path), await arrived("HEAD", path), await arrived("DELETE", path)];
    assert.deepEqual(read, write, path);
    assert.deepEqual(head, write, path);
    assert.deepEqual(read.filter(([name]) => /^x-mixed$/i.test(name)), [["X-MiXeD", "1"]]);
  }
});

test("what stands behind very long headers is read, in both directions, also where they are no ASCII", async () => {
  // The first long ones that this gate sees: what it reads them into has to grow. It reads headers in the order of their names.
  const long = "\u00e9".repeat(20_000);
  app.on("/private/long", (recorded, response) => {
    response.setHeader("A-Long", long);
    response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "update", set: { long: true } }));
    response.end("done");
  });
  const answer = await send(gate, "GET", "/private/long", [...BROWSER.fetch, ["A-Long", long], ["Cookie", alice.jar.header], ["X-Z-Last", "z"]]);
  assert.deepEqual([answer.status, answer.text, answer.header("edge-session-control")], [200, "done", undefined]);
  // In which encoding they arrive is the platform's affair.
  assert.ok(answer.header("a-long").length >= long.length);
  const [request] = gate.origin.requests;
  assert.ok(request.header("a-long").length >= long.length);
  assert.deepEqual([request.claims.sub, request.header("x-z-last")], ["alice", "z"]);
  assert.equal((await alice.claims()).data.long, true);
});

test("three hundred headers, and one of 100 kB, pass", async () => {
  const many = Array.from({ length: 300 }, (_, i) => [`X-Header-${i}`, `${i}`]);
  const answer = await send(gate, "POST", "/open", [...BROWSER.fetch, ...many, ["X-Long", "x".repeat(100_000)]], "");
  assert.equal(answer.status, 200);
  assert.equal(gate.origin.last.header("x-header-299"), "299");
  assert.equal(gate.origin.last.header("x-long").length, 100_000);
});

test("refusals are problem details that echo nothing and that no cache keeps", async () => {
  const marker = "echo-me-please";
  const refusals = [
    await send(gate, "GET", `/private/${marker}?${marker}`, [["X-Marker", marker], ["Cookie", `${marker}=${marker}`]]),
    await send(gate, "POST", `/${marker}`, [["Origin", "https://evil.example"], ["Referer", `https://evil.example/${marker}`]], marker),
    await send(gate, "GET", `/${marker}`, [["Host", `${marker}.example`]]),
    await send(gate, "GET", `/.edge-session/${marker}`),
    await send(gate, "TRACE", `/${marker}`),
    await send(gate, "POST", "/.edge-session/control", [], marker),
  ];
  for (const answer of refusals) {
    assert.equal(answer.header("content-type"), "application/problem+json");
    assert.equal(answer.header("cache-control"), "no-store");
    assert.doesNotMatch(answer.head + answer.text, new RegExp(marker));
    const { type, title, status, code } = answer.json();
    assert.deepEqual([type, status, typeof title, typeof code], ["about:blank", answer.status, "string", "string"]);
  }
});
