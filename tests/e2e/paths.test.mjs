// Paths and hosts as attackers spell them, on raw sockets, with what the application really received.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, application } from "./harness/app.mjs";
import { makeKey, startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { BROWSER, connect, get, send } from "./harness/raw.mjs";

const config = {
  default_access: "required",
  login_url: "/login",
  paths: [
    { path: "/admin/*", access: "required" },
    { path: "/public/*", access: "public" },
    { path: "/open/*", access: "optional" },
    { path: "/login", access: "optional" },
  ],
};

let gate;
let alice;
test.before(async () => {
  gate = await startGate({ config });
  application(gate).on("/login", (recorded, response) => response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "create", sub: "alice" })).end());
  alice = new Browser(gate);
  await alice.send("POST", "/login", BROWSER.fetch, "");
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.forgetCalls();
  gate.origin.forget();
});

const HOSTILE = [
  "/public/%2e%2e/admin/x", "/public/%2E%2E/admin/x", "/public/.%2e/admin/x", "/public/../admin/x", "/public/./../admin/x", "/public\\..\\admin\\x", "/public/..\\admin/x", "/open/%2e%2e/admin/x",
  "/public/..%2fadmin/x", "/public/..%2Fadmin/x", "/public/%2e%2e%2fadmin/x", "/public/..%5cadmin/x", "/public/%5c..%5cadmin", "/public%2fx", "/public%5cx", "/public/%252e%252e/admin", "/public/%25%32%65",
  "//public/x", "/public//x", "/public//../../admin/x", "///public/x", "/public/;/x", "/public;a=b/x", "/public/x;jsessionid=1", "/public/..;/admin/x", "/public/%3b/../../admin", "/public/x%3bfoo",
  "/public/%00", "/public/x%00.css", "/public/%0a", "/public/%7f", "/public/%c2%85", "/public/%zz", "/public/%", "/public/%2", "/public/%ff%fe", "/public/%c0%ae%c0%ae/admin", "/public/%70age", "/%70ublic/x", "/public/%7Euser", "/public/%2dx",
  "/PUBLIC/x", "/Public/x", "/publi%63/x", "/public.json", "/publicx", "/admin/x", "/ADMIN/x", "/admin", "/Admin%2fx", "/open/..%2f..%2fadmin", "/open/a%2f..%2f..%2fadmin",
  "/public/..%20/admin/x", "/public/..%3F", "/public/.%23/x", "/public/%20/x",
];

for (const path of HOSTILE) {
  test(`${path} needs a session, whatever the weaker rules say`, async () => {
    for (const method of ["GET", "POST"]) {
      const answer = await send(gate, method, path, BROWSER.fetch);
      assert.ok((answer.status === 401 && answer.code === "session_required") || (answer.status === 400 && answer.code !== undefined), `${method}: ${answer.status}`);
    }
    assert.equal(gate.origin.requests.length, 0);
    // With a session the application receives what was judged, to the byte, and is told who asks.
    const answer = await alice.send("POST", path, BROWSER.fetch, "");
    if (answer.status === 400) return;
    assert.equal(answer.status, 200);
    const judged = new URL(`http://${gate.host}${path}`);
    assert.equal(gate.origin.last.url, judged.pathname + judged.search);
    assert.equal(gate.origin.last.claims.sub, "alice");
  });
}

test("what the weaker rules do match arrives as it was sent", async () => {
  for (const path of ["/public", "/public/", "/public/x", "/public/a/b/", "/public/caf%C3%A9", "/public/x?y=//..;%00%2e%2e&z", "/public/x?", "/public/a%20b", "/public/a:b@c!$&'()*+,=", "/public/%5Bx%5D", "/public/.hidden", "/public/...", "/open/x"]) {
    const answer = await get(gate, path, BROWSER.fetch);
    assert.equal(answer.status, 200, path);
    assert.equal(gate.origin.last.url, path);
    assert.equal(gate.origin.last.claims.sub, undefined);
  }
});

test("bytes that URLs do not consist of are encoded once, judged and forwarded so", async () => {
  for (const [sent, received] of [['/open/"', "/open/%22"], ["/open/{a}", "/open/%7Ba%7D"], ["/open/a|b", "/open/a|b"], ["/open/a^b", "/open/a^b"], ["/open/x#fragment", "/open/x"], ["/open/a/./b", "/open/a/b"]]) {
    const answer = await get(gate, sent, BROWSER.fetch);
    assert.equal(answer.status, 200, sent);
    assert.equal(gate.origin.last.url, new URL(`http://x${received}`).pathname, sent);
  }
});

test("under the reserved prefix nothing is ever forwarded, with a session or without", async () => {
  for (const path of ["/.edge-session", "/.edge-session/", "/.edge-session/x", "/.EDGE-session/x", "/public/../.edge-session/x", "/.edge-session/../.edge-session/x", "/.edge-session/logout/", "/.edge-session//logout", "/./.edge-session/x", "/.edge-session/%2e%2e%2fopen/x", "/public/..;/.edge-session/control"]) {
    for (const method of ["GET", "POST"]) {
      const answer = await alice.send(method, path, BROWSER.fetch);
      assert.deepEqual([answer.status, answer.code], [404, "not_found"], `${method} ${path}`);
    }
  }
  assert.equal(gate.origin.requests.length, 0);
});

test("a request for another host is turned away, however the host is written", async () => {
  const { host } = gate;
  const hosts = [
    "evil.example", `evil.example:${gate.port}`, "localhost", `localhost:${gate.port + 1}`, `127.0.0.1:${gate.port}`, `localhost.:${gate.port}`, `LOCALHOST:${gate.port}`, `user@${host}`, `user:pass@${host}`, `@${host}`,
    `${host}/public`, `${host}/public/x?`, `${host}#`, `${host}?`, `${host}\\x`, `evil.example, ${host}`, `${host}, evil.example`, `${host}:80`, `loc%61lhost:${gate.port}`, `[::1]:${gate.port}`, "", " ", `${host} x`, `localhost:0${gate.port}`, `${host}\xe9`,
  ];
  for (const value of hosts) {
    for (const cookie of [[], [["Cookie", alice.jar.header]]]) {
      const answer = await send(gate, "GET", "/public/x", [["Host", value], ...BROWSER.navigate, ...cookie]);
      assert.ok([400, 421].includes(answer.status), `${JSON.stringify(value)}: ${answer.status}`);
      if (answer.code) assert.ok(["malformed", "wrong_host"].includes(answer.code), answer.code);
    }
  }
  const twice = await send(gate, "GET", "/public/x", [["Host", host], ["Host", "evil.example"], ...BROWSER.navigate]);
  assert.ok([400, 421].includes(twice.status));
  const same = await send(gate, "GET", "/public/x", [["Host", host], ["Host", host], ...BROWSER.navigate]);
  assert.ok([400, 421].includes(same.status));
  const none = await send(gate, "GET", "/public/x", [["Host", null]]);
  assert.ok([400, 421].includes(none.status));
  assert.equal(gate.origin.requests.length, 0);
  assert.deepEqual(await gate.storeCalls(), []);
});

test("wrong_host says so with its own code", async () => {
  assert.deepEqual((({ status, code }) => [status, code])(await get(gate, "/public/x", [["Host", "evil.example"]])), [421, "wrong_host"]);
});

test("the absolute form names no other site: the Host header does, and it is ours", async () => {
  for (const target of [`http://${gate.host}/open/x`, "http://evil.example/open/x", "https://evil.example:1/open/x", "http://u:p@evil.example/open/x"]) {
    const answer = await get(gate, target, BROWSER.fetch);
    assert.ok([200, 400, 421].includes(answer.status), `${target}: ${answer.status}`);
    if (answer.status === 200) assert.equal(gate.origin.last.url, "/open/x");
    if (answer.status === 200) assert.equal(gate.origin.last.header("host"), gate.origin.host);
  }
  assert.equal((await get(gate, "http://evil.example/admin/x", BROWSER.fetch)).code, "session_required");
});

test("targets that are no paths are 400 or need a session, and never a 500", async () => {
  for (const [method, target] of [["OPTIONS", "*"], ["GET", "*"], ["GET", "x"], ["GET", "?x"], ["GET", "http:"], ["GET", "http://"], ["GET", "http:///x"], ["GET", "//"], ["GET", "///"], ["GET", "."], ["GET", ".."], ["GET", "/%"], ["GET", "javascript:alert(1)"], ["GET", "file:///etc/passwd"]]) {
    const answer = await send(gate, method, target, BROWSER.fetch);
    assert.ok([400, 401, 404].includes(answer.status), `${method} ${target}: ${answer.status} ${answer.text}`);
  }
  assert.equal((await send(gate, "OPTIONS", "*", BROWSER.fetch)).code, "malformed");
  assert.equal(gate.origin.requests.length, 0);
});

test("a hostile address is not where a login returns to", async () => {
  const location = async (path) => {
    const answer = await get(gate, path, BROWSER.navigate);
    assert.equal(answer.status, 302, path);
    assert.equal(answer.header("cache-control"), "no-store");
    return answer.header("location");
  };
  assert.equal(await location("/admin/x?a=b&c=d+e"), "/login?return_to=%2Fadmin%2Fx%3Fa%3Db%26c%3Dd%2Be");
  for (const path of ["//evil.example", "//evil.example/x", "/\\evil.example", "/admin/../..//evil.example", `/admin/${"x".repeat(2000)}`, "/admin?x=\\"]) {
    assert.equal(await location(path), "/login", path);
  }
  for (const path of ["/admin/%0d%0aSet-Cookie:a=b", "/admin?next=https://evil.example", "/admin?%0d%0aX:%20y", "/%5cevil.example", "/admin/\"'onload=x"]) {
    const there = await location(path);
    assert.match(there, /^\/login\?return_to=%2F[A-Za-z0-9%._~-]*$/, path);
  }
  const answer = await get(gate, "/admin/x", BROWSER.fetch);
  assert.deepEqual([answer.status, answer.code], [401, "session_required"], "a script is not redirected");
});

test("over plain http, where the site is https, a page is sent to the site and all else is refused", async () => {
  const secrets = { EDGE_SESSION_KEYS: makeKey("c1").entry, EDGE_SESSION_ORIGIN_KEYS: makeKey("o1").entry };
  const site = await startGate({ config: { issuer: "https://app.example.com", default_access: "optional" }, secrets });
  try {
    application(site);
    const ask = (method, path, headers = []) => send(site, method, path, [["Host", "app.example.com"], ...headers]);
    for (const method of ["GET", "HEAD"]) {
      const answer = await ask(method, "/x//y?a=%2f&b");
      assert.deepEqual([answer.status, answer.header("location")], [308, "https://app.example.com/x//y?a=%2f&b"]);
    }
    assert.equal((await ask("GET", "//evil.example/x")).header("location"), "https://app.example.com//evil.example/x");
    for (const headers of [[], [["X-Forwarded-Proto", "https"]], [["CF-Visitor", '{"scheme":"https"}']], [["Forwarded", "proto=https"]]]) {
      assert.equal((await ask("GET", "/", headers)).status, 308);
      for (const method of ["POST", "PUT", "OPTIONS"]) assert.deepEqual((({ status, code }) => [status, code])(await ask(method, "/", headers)), [403, "https_required"]);
      assert.equal((await ask("POST", "/.edge-session/logout", headers)).code, "https_required");
    }
    assert.equal((await send(site, "GET", "/", [["Host", "other.example.com"]])).code, "wrong_host");
    assert.equal(site.origin.requests.length, 0);
  } finally {
    await site.stop();
  }
});

test("what the platform itself refuses never reaches the application", async () => {
  for (const bytes of [
    "GET /public/\x00 HTTP/1.1\r\nHost: HOST\r\n\r\n", "GET /public/a b HTTP/1.1\r\nHost: HOST\r\n\r\n", "GET /public/x HTTP/1.1\r\nHost : HOST\r\n\r\n", "GET /public/x HTTP/1.1\r\nHost: HOST\r\nX:\r\n folded\r\n\r\n",
    "GET /public/x HTTP/1.1\r\nHost: HOST\r\nCookie: a=\x00\r\n\r\n", "G\x01T /public/x HTTP/1.1\r\nHost: HOST\r\n\r\n", "/public/x\r\n\r\n",
  ]) {
    const connection = await connect(gate);
    const answer = await connection.send(bytes.replace("HOST", gate.host)).read().catch(() => undefined);
    if (answer) assert.ok(answer.status >= 400 && answer.status < 600 && answer.status !== 500, `${answer.status}`);
    connection.socket.destroy();
  }
  assert.equal(gate.origin.requests.length, 0);
});
