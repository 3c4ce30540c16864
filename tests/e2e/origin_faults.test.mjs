// An application that is down, talks nonsense or dies: the browser is told so, promptly, and no session suffers.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import test from "node:test";
import { SESSION, eventually, logged } from "./harness/app.mjs";
import { freePort, startGate } from "./harness/gate.mjs";
import { BROWSER, connect, get, request, send } from "./harness/raw.mjs";

// An application that answers every connection with what `script(socket)` writes.
let script;
let server;
let gate;
let connections = 0;
test.before(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
    socket.once("data", () => script(socket));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  gate = await startGate({ origin: { url: `http://127.0.0.1:${server.address().port}` }, config: { default_access: "optional" } });
});
test.after(async () => {
  await gate.stop();
  server.close();
});
test.beforeEach(async () => {
  await gate.advance(2000); // what anyone can provoke is logged once a second
  await gate.forgetLogs();
});

function isUnreachable(answer, what) {
  assert.deepEqual([answer.status, answer.code, answer.all("set-cookie")], [502, "origin_unreachable", []], what);
  assert.equal(answer.header("cache-control"), "no-store");
}

const NONSENSE = {
  "no answer at all": "",
  junk: "hello, who is there?\r\n\r\n",
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "half a head": "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX-Half: ",
  "a head without a status": "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n",
  "a header without a name": "HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n",
  "a negative length": "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
};

for (const [what, bytes] of Object.entries(NONSENSE)) {
  test(`an application that answers with ${what} is 502 origin_unreachable`, async () => {
    script = (socket) => socket.end(bytes, "latin1");
    for (const method of ["GET", "POST"]) isUnreachable(await send(gate, method, "/", BROWSER.fetch, method === "POST" ? "x" : undefined), what);
    assert.ok((await logged(gate, "origin.fault")).length > 0);
    assert.doesNotMatch(JSON.stringify(gate.logs), /hello|X-Half/);
  });
}

for (const status of [600, 700, 999]) {
  test(`status ${status} never makes the gate fail: with our edits it is 502, without it passes`, async () => {
    script = (socket) => socket.end(`HTTP/1.1 ${status} Odd\r\nContent-Length: 3\r\nEdge-Session-X: x\r\nSet-Cookie: a=b\r\n\r\nodd`);
    isUnreachable(await get(gate, "/", BROWSER.fetch));
    script = (socket) => socket.end(`HTTP/1.1 ${status} Odd\r\nContent-Length: 3\r\n\r\nodd`);
    const answer = await get(gate, "/", BROWSER.fetch);
    assert.ok(answer.status === status || answer.code === "origin_unreachable", `${answer.status}`);
  });
}

test("an application that dies within the body is passed on as what it is: a message cut short", async () => {
  script = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\nthe beginning");
    setTimeout(() => socket.destroy(), 50);
  };
  const fixed = await get(gate, "/", BROWSER.fetch);
  assert.deepEqual([fixed.status, fixed.complete, fixed.text], [200, false, "the beginning"]);
  script = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    setTimeout(() => socket.destroy(), 50);
  };
  const chunked = await get(gate, "/", BROWSER.fetch);
  assert.deepEqual([chunked.status, chunked.complete, chunked.text], [200, false, "hello"]);
});

test("an application that thinks for a while is waited for, while others are served", async () => {
  let slow;
  script = (socket) => (slow = socket);
  const waiting = get(gate, "/", BROWSER.fetch);
  while (!slow) await new Promise((resolve) => setTimeout(resolve, 10));
  script = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nquick");
  assert.equal((await get(gate, "/", BROWSER.fetch)).text, "quick");
  slow.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
  assert.equal((await waiting).text, "slow");
});

test("a client that leaves a download ends the application's work on it", async () => {
  let closed = false;
  script = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const timer = setInterval(() => socket.write("5\r\nhello\r\n"), 20);
    socket.on("close", () => {
      clearInterval(timer);
      closed = true;
    });
  };
  const connection = await connect(gate);
  connection.send(request(gate, "GET", "/", BROWSER.fetch));
  await connection.readHead();
  connection.abort();
  assert.ok(await eventually(() => closed));
});

test("an application that is down is 502, with a session or without, and a forged cookie changes nothing about it", async () => {
  await gate.setConfig({ default_access: "optional", origin: `http://127.0.0.1:${await freePort()}` });
  for (const headers of [BROWSER.navigate, [...BROWSER.fetch, ["Cookie", `${SESSION}=forged`]]]) isUnreachable(await get(gate, "/", headers));
  isUnreachable(await send(gate, "POST", "/", BROWSER.fetch, "x".repeat(100_000)));
  assert.ok((await logged(gate, "origin.fault")).length > 0);
});

test("nothing that a path or a header says chooses another host", async () => {
  script = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nown");
  await gate.setConfig({ insecure_default_access: "public" });
  let others = 0;
  const other = createServer((socket) => {
    others += 1;
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother");
  });
  await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
  const there = `127.0.0.1:${other.address().port}`;
  const before = connections;
  const attempts = [
    [`//${there}/x`], [`/\\${there}/x`], [`\\\\${there}/x`], [`http://${there}/x`], [`/@${there}`], [`/:80@${there}/`], [`http:${there}`], [`/.//${there}`], [`/x/..//${there}/x`],
    ["/x", ["X-Forwarded-Host", there]], ["/x", ["X-Original-URL", `http://${there}/`]], ["/x", ["MF-Original-URL", `http://${there}/`]], ["/x", ["Forwarded", `host=${there}`]],
  ];
  for (const [path, ...headers] of attempts) {
    const answer = await get(gate, path, [...BROWSER.navigate, ...headers]);
    assert.ok([200, 400, 401, 421].includes(answer.status), `${path} ${answer.status}`);
    assert.notEqual(answer.text, "other", path);
  }
  assert.equal(others, 0);
  assert.ok(connections > before);
  other.close();
});
