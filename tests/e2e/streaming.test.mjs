// Bodies, event streams and WebSockets pass as they are: no byte of them goes through the Wasm, and none is kept.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { Browser, SESSION, application } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { accept, events, stream } from "./harness/origin.mjs";
import { BROWSER, connect, request, send, webSocket } from "./harness/raw.mjs";

const MB = 1 << 20;
const SIZE = 100;

let gate;
let alice;
test.before(async () => {
  gate = await startGate({ config: { default_access: "optional", paths: [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }] } });
  application(gate);
  alice = await new Browser(gate).login("alice");
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  gate.origin.forget();
  gate.origin.streaming = false;
  await gate.forgetCalls();
});

const cookie = () => ["Cookie", alice.jar.header];

// The memory of the workerd of this process, in bytes.
function memory() {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      parents.set(pid, { parent, command: readFileSync(`/proc/${pid}/cmdline`, "latin1") });
    } catch {
      // gone meanwhile
    }
  }
  const ours = (pid) => pid === String(process.pid) || (parents.has(pid) && ours(parents.get(pid).parent));
  let resident = 0;
  for (const [pid, { command }] of parents) {
    if (command.includes("workerd") && pid !== String(process.pid) && ours(pid)) {
      resident += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
    }
  }
  assert.ok(resident > 10 * MB, "workerd was found");
  return resident;
}

// By how much the memory grows at most while something is going on.
async function growth(work) {
  const before = memory();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, memory())), 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(most, memory()) - before;
}

const filled = Buffer.alloc(MB, "edge-session ");
const expected = (() => {
  const hash = createHash("sha256");
  for (let i = 0; i < SIZE; i += 1) hash.update(filled);
  return hash.digest("hex");
})();

for (const path of ["/public/file", "/private/file"]) {
  test(`a download of ${SIZE} MB streams through ${path} in constant memory, byte for byte`, async () => {
    gate.origin.handler = (recorded, response) => stream(response, SIZE, { "Content-Length": SIZE * MB });
    const hash = createHash("sha256");
    const grown = await growth(async () => {
      const connection = await connect(gate);
      connection.send(request(gate, "GET", path, [...BROWSER.fetch, cookie()]));
      const head = await connection.readHead();
      assert.equal(head.status, 200);
      assert.equal(head.header("content-length"), String(SIZE * MB));
      for (let got = 0; got < SIZE * MB; ) {
        const bytes = await connection.some();
        assert.ok(bytes, "the whole of it");
        hash.update(bytes);
        got += bytes.length;
      }
      connection.close();
    });
    assert.equal(hash.digest("hex"), expected);
    assert.ok(grown < 32 * MB, `workerd grew by ${Math.round(grown / MB)} MB`);
  });
}

for (const chunked of [false, true]) {
  test(`an upload of ${SIZE} MB (${chunked ? "chunked" : "of known length"}) streams through in constant memory, byte for byte`, async () => {
    gate.origin.handler = (recorded, response) => response.end(recorded.sha256);
    const length = chunked ? ["Transfer-Encoding", "chunked"] : ["Content-Length", SIZE * MB];
    let answer;
    const grown = await growth(async () => {
      const connection = await connect(gate);
      connection.send(request(gate, "POST", "/private/upload", [...BROWSER.fetch, cookie(), length]));
      for (let i = 0; i < SIZE; i += 1) {
        if (chunked) connection.send(`${MB.toString(16)}\r\n`);
        if (!connection.socket.write(filled)) await new Promise((resolve) => connection.socket.once("drain", resolve));
        if (chunked) connection.send("\r\n");
      }
      if (chunked) connection.send("0\r\n\r\n");
      answer = await connection.read({ timeout: 30_000 });
      connection.close();
    });
    assert.deepEqual([answer.status, answer.text], [200, expected]);
    assert.equal(gate.origin.last.length, SIZE * MB);
    assert.ok(grown < 32 * MB, `workerd grew by ${Math.round(grown / MB)} MB`);
  });
}

test("a refused upload is answered without being read", async () => {
  const connection = await connect(gate);
  connection.send(request(gate, "POST", "/private/upload", [...BROWSER.fetch, ["Content-Length", SIZE * MB]]));
  connection.socket.write(filled.subarray(0, 1000));
  assert.equal((await connection.read()).code, "session_required");
  connection.socket.destroy();
  assert.equal(gate.origin.requests.length, 0);
});

test("an application sees the beginning of a body before its end is sent", async () => {
  gate.origin.streaming = true;
  let begun;
  const beginning = new Promise((resolve) => (begun = resolve));
  gate.origin.handler = (recorded, response) => {
    recorded.incoming.once("data", (bytes) => begun(bytes.toString()));
    recorded.incoming.on("end", () => response.end("read"));
    recorded.incoming.resume();
  };
  const connection = await connect(gate);
  connection.send(request(gate, "POST", "/private/x", [...BROWSER.fetch, cookie(), ["Transfer-Encoding", "chunked"]]));
  connection.send("5\r\nbegin\r\n");
  assert.equal(await beginning, "begin");
  connection.send("3\r\nend\r\n0\r\n\r\n");
  assert.equal((await connection.read()).text, "read");
  connection.close();
});

test("server-sent events arrive as they are sent", async () => {
  let source;
  gate.origin.handler = (recorded, response) => {
    source = events(response);
  };
  const connection = await connect(gate);
  connection.send(request(gate, "GET", "/private/events", [...BROWSER.fetch, cookie()]));
  const head = await connection.readHead();
  assert.equal(head.header("content-type"), "text/event-stream");
  for (let i = 0; i < 20; i += 1) {
    source.send(`event ${i}`); // and nothing more until it has arrived
    let text = "";
    while (!text.includes(`data: event ${i}\n\n`)) text += (await connection.some()).toString();
  }
  source.end();
  connection.close();
});

test("a WebSocket carries text, large binary messages, pings and close codes both ways, and the session is named in its handshake", async () => {
  const { response, accepted, socket } = await webSocket(gate, "/private/socket?a=1", [["Origin", gate.issuer], cookie(), ["Sec-WebSocket-Protocol", "chat"]]);
  assert.equal(response.status, 101);
  assert.ok(accepted);
  assert.equal(gate.origin.last.url, "/private/socket?a=1");
  assert.equal(gate.origin.last.claims.sub, "alice");
  assert.equal(gate.origin.last.header("sec-websocket-protocol"), "chat");
  assert.equal(gate.origin.last.header("cookie"), `${SESSION}=${gate.origin.last.claims.sid}`);
  socket.send("héllo");
  assert.equal((await socket.receive()).data, "héllo");
  const binary = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255));
  socket.send(binary);
  assert.deepEqual((await socket.receive()).data, binary);
  socket.send("ping", 9);
  assert.equal((await socket.receive()).opcode, 10);
  socket.close(4321, "bye");
  const close = await socket.receive();
  assert.deepEqual([close.code, close.data.toString()], [4321, "bye"]);
});

test("a WebSocket stays open while the gate does other things, an instruction of its own among them", async () => {
  const { socket } = await webSocket(gate, "/private/socket", [["Origin", gate.issuer], cookie()]);
  gate.origin.handler = (recorded, response) => response.setHeader("Edge-Session-Control", control(gate, recorded, { op: "update", set: { n: 1 } })).end();
  for (let i = 0; i < 20; i += 1) await alice.send("POST", "/", BROWSER.fetch, "");
  socket.send("still here");
  assert.equal((await socket.receive()).data, "still here");
  socket.close();
});

for (const origin of ["https://evil.example", "null", "http://localhost", "https://localhost:1", undefined]) {
  test(`a WebSocket handshake from ${origin ?? "nowhere, with our cookie,"} reaches neither store nor application`, async () => {
    const headers = [cookie(), ...(origin ? [["Origin", origin]] : [])];
    const { response } = await webSocket(gate, "/public/socket", headers);
    assert.deepEqual([response.status, response.code], [403, "cross_site"]);
    assert.equal(gate.origin.requests.length, 0);
    assert.deepEqual(await gate.storeCalls(), []);
  });
}

test("a handshake needs a session where its path does", async () => {
  const { response } = await webSocket(gate, "/private/socket", [["Origin", gate.issuer]]);
  assert.deepEqual([response.status, response.code], [401, "session_required"]);
  assert.equal(gate.origin.requests.length, 0);
});

test("an instruction on a 101 is invalid: the handshake fails and nothing has happened", async () => {
  gate.origin.upgrade = (recorded, socket) => accept(recorded, socket, [["Edge-Session-Control", control(gate, recorded, { op: "create", sub: "mallory" })]]);
  const { response } = await webSocket(gate, "/socket", [["Origin", gate.issuer]]);
  assert.deepEqual([response.status, response.code, response.all("set-cookie")], [502, "control_invalid", []]);
  assert.deepEqual(await gate.storeCalls(), []);
});

test("a handshake that the application declines is passed on", async () => {
  gate.origin.upgrade = (recorded, socket) => socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nX-Why: no\r\n\r\nno");
  const { response } = await webSocket(gate, "/socket", [["Origin", gate.issuer]]);
  assert.deepEqual([response.status, response.header("x-why"), response.text], [426, "no", "no"]);
});

test("a POST with an Upgrade counts as the handshake that the platform makes of it", async () => {
  const attack = [["Origin", "https://evil.example"], cookie(), ["Connection", "Upgrade"], ["Upgrade", "WebSocket"]];
  assert.equal((await send(gate, "POST", "/private/x", attack, "")).code, "cross_site");
  assert.equal((await send(gate, "OPTIONS", "/private/x", attack)).code, "cross_site");
  assert.equal(gate.origin.requests.length, 0);
});
