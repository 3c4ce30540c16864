// What is between browser and application passes unharmed: statuses, redirects, ranges, validators, cookies, bytes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { Browser, SESSION, application, cookieIn, logged } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { BROWSER, get, send } from "./harness/raw.mjs";

let gate;
let app;
let alice;
test.before(async () => {
  gate = await startGate({
    config: { default_access: "optional", paths: [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }] },
  });
  application(gate);
  alice = await new Browser(gate).login("alice");
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(1100); // what anyone can provoke is logged once a second
  gate.origin.forget();
  await gate.forgetLogs();
  app = application(gate);
});

const ask = (method, path, headers = [], body = undefined) => send(gate, method, path, [...BROWSER.fetch, ["Cookie", alice.jar.header], ...headers], body);

test("every method passes with its body, but for those that mean something to proxies", async () => {
  app.on("/private/m", (recorded, response) => response.end(recorded.method === "HEAD" ? undefined : `${recorded.method} ${recorded.sha256}`));
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const body = Buffer.from([0, 255, 10, 13, 128]);
    const answer = await ask(method, "/private/m", [], body);
    assert.equal(answer.text, `${method} ${createHash("sha256").update(body).digest("hex")}`);
    assert.equal(gate.origin.last.header("content-length"), "5");
  }
  for (const method of ["GET", "OPTIONS", "DELETE"]) assert.ok((await ask(method, "/private/m")).text.startsWith(method));
  assert.equal((await ask("HEAD", "/private/m")).status, 200);
  assert.equal(gate.origin.last.method, "HEAD");
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect (${status}) is the browser's to follow`, async () => {
    // Whoever follows it himself sends the assertion along, to whatever host it names.
    for (const [method, path, body] of [["POST", "/private/go", "x"], ["GET", "/private/go"], ["POST", "/public/go", "x"], ["GET", "/public/go"], ["HEAD", "/public/go"]]) {
      gate.origin.forget();
      for (const location of ["https://elsewhere.example/?a=b#c", `${gate.origin.url}/there`]) {
        app.on(path, (recorded, response) => response.writeHead(status, { Location: location, "Set-Cookie": "a=b" }).end(method === "HEAD" ? undefined : "moved"));
        const answer = await ask(method, path, [], body);
        assert.deepEqual([answer.status, answer.header("location"), answer.header("set-cookie"), answer.text], [status, location, "a=b", method === "HEAD" ? "" : "moved"]);
      }
      assert.deepEqual(gate.origin.requests.map(({ url }) => url), [path, path], `${method} ${path}`);
    }
  });
}

test("status, reason and headers of errors pass, as do 204 and 205 without a body", async () => {
  for (const [status, reason] of [[200, "Fine"], [204, "Nothing"], [205, "Reset"], [400, "Bad"], [404, "Not Found"], [418, "I'm a teapot"], [451, "Censored"], [500, "Oops"], [503, "Later"], [599, "Odd"]]) {
    app.on("/private/s", (recorded, response) => response.writeHead(status, reason, { "X-App": "kept", "Retry-After": "7" }).end(status > 205 || status === 200 ? "body" : undefined));
    const answer = await ask("GET", "/private/s");
    assert.deepEqual([answer.status, answer.reason, answer.header("x-app"), answer.header("retry-after")], [status, reason, "kept", "7"]);
    assert.equal(answer.text, status > 205 || status === 200 ? "body" : "");
  }
});

test("a part of a file passes with its range", async () => {
  const file = "0123456789";
  app.on("/private/file", (recorded, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(recorded.header("range"));
    response.writeHead(206, { "Content-Range": `bytes ${from}-${to}/10`, "Accept-Ranges": "bytes", "Content-Length": to - from + 1 }).end(file.slice(from, +to + 1));
  });
  const answer = await ask("GET", "/private/file", [["Range", "bytes=2-5"], ["If-Range", '"v1"']]);
  assert.deepEqual([answer.status, answer.text, answer.header("content-range"), answer.header("content-length"), answer.header("accept-ranges")], [206, "2345", "bytes 2-5/10", "4", "bytes"]);
  assert.equal(gate.origin.last.header("if-range"), '"v1"');
});

test("the answer to a HEAD keeps the length of what a GET would bring", async () => {
  app.on("/private/h", (recorded, response) => response.writeHead(200, { "Content-Length": 12345, ETag: '"h"' }).end());
  const answer = await ask("HEAD", "/private/h");
  assert.deepEqual([answer.status, answer.header("content-length"), answer.header("etag")], [200, "12345", '"h"']);
});

test("a conditional GET is answered 304: the application is not told to answer afresh", async () => {
  // As Express decides: `fresh` never answers 304 to a request with Cache-Control: no-cache.
  app.on("/private/page", (recorded, response) => {
    const wantsFresh = /(?:^|,)\s*no-cache\s*(?:,|$)/.test(recorded.header("cache-control") ?? "");
    response.setHeader("ETag", '"v1"').setHeader("Vary", "Accept-Encoding");
    if (!wantsFresh && recorded.header("if-none-match") === '"v1"') return response.writeHead(304).end();
    return response.end("page");
  });
  const first = await ask("GET", "/private/page");
  assert.deepEqual([first.status, first.header("etag")], [200, '"v1"']);
  const second = await ask("GET", "/private/page", [["If-None-Match", '"v1"']]);
  assert.deepEqual([second.status, second.header("etag"), second.header("vary"), second.text], [304, '"v1"', "Accept-Encoding", ""]);
  assert.equal(gate.origin.last.header("cache-control"), "max-age=0");
});

test("the platform is told to keep nothing of a path that may have a session, whatever the method, and with a session or without", async () => {
  for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
    for (const cookie of [[], [["Cookie", alice.jar.header]]]) {
      // What the platform tells the servers behind it of `no-store`.
      const pragma = async (path) => {
        await send(gate, method, path, [...BROWSER.fetch, ...cookie]);
        return gate.origin.last.header("pragma");
      };
      assert.equal(await pragma("/optional"), "no-cache", method);
      if (cookie.length > 0) assert.equal(await pragma("/private/x.css"), "no-cache", method);
      assert.equal(await pragma("/public/x"), undefined, method);
    }
  }
});

test("a browser's own Cache-Control arrives, and public paths are asked as they are", async () => {
  for (const value of ["no-cache", "max-age=0", "only-if-cached"]) {
    await ask("GET", "/private/x", [["Cache-Control", value]]);
    assert.equal(gate.origin.last.header("cache-control"), value);
  }
  await ask("GET", "/public/x");
  assert.equal(gate.origin.last.header("cache-control"), undefined);
  await new Browser(gate).open("/optional");
  assert.equal(gate.origin.last.header("cache-control"), "max-age=0", "without a session too");
});

test("what a path needs a session for is kept by no cache unless the application says so", async () => {
  app.on("/private/said", (recorded, response) => response.setHeader("Cache-Control", "private, max-age=60").end());
  assert.equal((await ask("GET", "/private/unsaid")).header("cache-control"), "private, no-store");
  assert.equal((await ask("GET", "/private/said")).header("cache-control"), "private, max-age=60");
  app.on("/private/mumbled", (recorded, response) => response.setHeader("Cache-Control", "no-transform").end());
  assert.equal((await ask("GET", "/private/mumbled")).header("cache-control"), "private, no-store", "it says nothing of caches");
  assert.equal((await ask("GET", "/optional")).header("cache-control"), "private, no-cache", "it may have been made for this user");
  assert.equal((await new Browser(gate).open("/optional")).header("cache-control"), undefined, "nobody's page");
  assert.equal((await ask("GET", "/public/x")).header("cache-control"), undefined);
});

test("several Set-Cookies pass in order and to the byte, with one of ours behind them", async () => {
  const cookies = ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "a=3; Path=/x", 'q="quoted, with comma"', "u=h\xc3\xa9", "", "__Secure-x=y; Secure", "__Host-sessions=z", "not__Host-session=1"].filter(Boolean);
  app.on("/private/c", (recorded, response) => response.setHeader("Set-Cookie", cookies).end());
  assert.deepEqual((await ask("GET", "/private/c")).all("set-cookie"), cookies);
  app.on("/both", (recorded, response) => {
    response.setHeader("Set-Cookie", cookies).setHeader("Edge-Session-Control", control(gate, recorded, { op: "create", sub: "bob" }));
    response.end();
  });
  const lines = (await new Browser(gate).send("POST", "/both")).all("set-cookie");
  assert.deepEqual(lines.slice(0, cookies.length), cookies);
  assert.equal(lines.length, cookies.length + 2);
});

test("an application cannot set our cookies, however it spells them; the others pass in order", async () => {
  const ours = [
    `${SESSION}=stolen; Path=/; Secure`, `${SESSION}=; Max-Age=0`, SESSION, ` ${SESSION} =x`, `=${SESSION}=x`, `= ${SESSION}=x`, `__host-SESSION=x`, `${SESSION}-fresh=1`, `__HOST-session-FRESH=1; Max-Age=9`,
  ];
  for (const one of ours) {
    app.on("/private/c", (recorded, response) => response.setHeader("Set-Cookie", ["a=1", one, "b=2"]).end("page"));
    const answer = await ask("GET", "/private/c");
    assert.deepEqual([answer.status, answer.all("set-cookie"), answer.text], [200, ["a=1", "b=2"], "page"], one);
  }
  assert.equal((await logged(gate, "cookie.shadowed"))[0].rule, "/private/*");
  assert.doesNotMatch(JSON.stringify(gate.logs), /stolen/);
});

test("compressed bodies are not touched, whether they are what they say or not", async () => {
  const gzip = gzipSync("hello ".repeat(1000));
  for (const [encoding, bytes] of [["gzip", gzip], ["gzip", Buffer.from("no gzip at all")], ["br", Buffer.from([1, 2, 3])], ["zstd", Buffer.from([4, 5])], ["x-unknown", Buffer.from("odd")]]) {
    app.on("/private/z", (recorded, response) => response.writeHead(200, { "Content-Encoding": encoding, "Content-Length": bytes.length }).end(bytes));
    for (const accept of ["gzip", "identity", "br"]) {
      const answer = await ask("GET", "/private/z", [["Accept-Encoding", accept]]);
      assert.deepEqual([answer.header("content-encoding"), answer.header("content-length"), answer.body], [encoding, String(bytes.length), bytes]);
      assert.equal(gate.origin.last.header("accept-encoding"), accept);
    }
  }
});

test("other cookies arrive byte for byte and in their places, ours with the public handle", async () => {
  const others = ['q="a b"', "empty=", "noequals", "u=h\xc3\xa9\xe2\x82\xac", "=nameless", "a=b=c", "  spaced  =  x  "];
  for (let at = 0; at <= others.length; at += 1) {
    const line = [...others.slice(0, at), `${SESSION}=${alice.id}`, ...others.slice(at)].join("; ");
    await send(gate, "POST", "/private/x", [...BROWSER.fetch, ["Cookie", line]], "");
    const { sid } = gate.origin.last.claims;
    assert.equal(gate.origin.last.header("cookie").trim(), [...others.slice(0, at), `${SESSION}=${sid}`, ...others.slice(at)].join("; ").trim());
  }
});

test("a Cookie header without one of ours is not touched at all, whatever its bytes", async () => {
  for (const line of ["a=\xe9\xff", "a=1;b=2 ;; c", '"', "a=b, c=d"]) {
    await send(gate, "POST", "/x", [...BROWSER.fetch, ["Cookie", line]], "");
    assert.equal(gate.origin.last.header("cookie"), line);
  }
});

test("on public paths our cookies do not arrive either, nor is anyone named", async () => {
  await ask("GET", "/public/x", []);
  assert.deepEqual([gate.origin.last.header("cookie"), gate.origin.last.claims.sub], [undefined, undefined]);
  await send(gate, "GET", "/public/x", [...BROWSER.fetch, ["Cookie", `a=1; ${alice.jar.header}; b=2`]]);
  assert.equal(gate.origin.last.header("cookie"), "a=1; b=2");
});

test("Origin and Referer arrive as sent", async () => {
  await ask("POST", "/private/x", [["Origin", gate.issuer], ["Referer", `${gate.issuer}/from?here=1`], ["User-Agent", "a browser"], ["X-Custom", "1"]], "");
  const { last } = gate.origin;
  assert.deepEqual([last.header("origin"), last.header("referer"), last.header("user-agent"), last.header("x-custom")], [gate.issuer, `${gate.issuer}/from?here=1`, "a browser", "1"]);
  assert.deepEqual([last.header("x-forwarded-host"), last.header("x-forwarded-proto"), last.header("x-forwarded-for")], [gate.host, "http", undefined]);
});

test("bytes of the header that are no UTF-8 come back as the application sent them", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.from("HTTP/1.1 200 Sch\xf6n\r\nSet-Cookie: l=\xe9; Path=/\r\nX-Latin: \xfc\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", "latin1")));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const plain = await startGate({ origin: { url: `http://127.0.0.1:${server.address().port}` }, config: { default_access: "optional" } });
  try {
    const answer = await get(plain, "/");
    assert.deepEqual([answer.status, answer.header("set-cookie"), answer.header("x-latin")], [200, "l=\xe9; Path=/", "\xfc"]);
  } finally {
    await plain.stop();
    server.close();
  }
});

test("through a service binding the same things pass, and the application learns the site's own address", async () => {
  const bound = await startGate({ binding: true, config: { default_access: "optional" } });
  try {
    const boundApp = application(bound);
    boundApp.on("/go", (recorded, response) => response.writeHead(302, { Location: "/there", "Set-Cookie": ["a=1", "b=2"] }).end());
    const answer = await get(bound, "/go?x=%2f", BROWSER.navigate);
    assert.deepEqual([answer.status, answer.header("location"), answer.all("set-cookie")], [302, "/there", ["a=1", "b=2"]]);
    assert.equal(bound.origin.last.url, "/go?x=%2f");
    assert.equal(bound.origin.last.header("x-forwarded-host"), bound.host);
    const bob = await new Browser(bound).login("bob");
    assert.equal(await bob.who(), "bob");
    assert.ok(cookieIn(await bob.does({ op: "destroy" })));
  } finally {
    await bound.stop();
  }
});
