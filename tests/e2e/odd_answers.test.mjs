// What an application may answer that is no proper HTTP, or hardly: it passes as a whole or not at all, and no part of it becomes a header of its own.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import test from "node:test";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

let gate;
let server;
let head = ""; // of the answer to every request, byte for byte
test.before(async () => {
  server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end(Buffer.from(head, "latin1")));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  gate = await startGate({ origin: { url: `http://127.0.0.1:${server.address().port}` }, config: { default_access: "optional" } });
});
test.after(async () => {
  await gate.stop();
  server.close();
});

function answer(status, lines) {
  head = `HTTP/1.1 ${status} Odd\r\n${[...lines, "Content-Length: 0"].map((line) => `${line}\r\n`).join("")}\r\n`;
  return send(gate, "GET", "/", BROWSER.fetch);
}

for (const [name, status, line] of [
  ["a folded header", 200, "X-App: one\r\n Set-Cookie: folded=1"],
  ["a NUL", 200, "X-App: one\0two"],
  ["a carriage return of its own", 200, "X-App: one\rSet-Cookie: split=1"],
  ["a header without a name", 200, ": value"],
  ["a status of two digits", "99", "X-App: one"],
  ["a status of four digits", "1000", "X-App: one"],
]) {
  test(`${name} is no answer`, async () => {
    const answered = await answer(status, [line]);
    assert.deepEqual([answered.status, answered.code, answered.all("set-cookie"), answered.header("x-app")], [502, "origin_unreachable", [], undefined]);
  });
}

test("empty values, and two headers of one name, are not mistaken for each other's", async () => {
  const answered = await answer(200, ["X-Empty:", "Edge-Session-Empty:", "X-Two: a", "X-Two: b", "Set-Cookie: a=1", "Set-Cookie: __Host-session=theirs", "Set-Cookie: b=2, c=3"]);
  assert.equal(answered.status, 200);
  assert.deepEqual([answered.header("x-empty"), answered.all("x-two").join(", "), answered.all("set-cookie")], ["", "a, b", ["a=1", "b=2, c=3"]]);
  assert.doesNotMatch(answered.head, /edge-session/i);
});

test("three thousand headers of the gate's own are removed, and as many of the application's pass", async () => {
  const numbers = Array.from({ length: 3000 }, (_, number) => number);
  const answered = await answer(200, numbers.flatMap((number) => [`Edge-Session-${number}: gone`, `X-App-${number}: ${number}`]));
  assert.equal(answered.headers.filter(([name]) => name.toLowerCase().startsWith("x-app-")).length, 3000);
  assert.doesNotMatch(answered.head, /gone/);
});

for (const status of [204, 205, 226, 300, 304, 399, 418, 499, 599]) {
  test(`a ${status} whose headers are changed stays one`, async () => {
    const answered = await answer(status, ["Edge-Session-Gone: gone", "X-App: kept"]);
    assert.deepEqual([answered.status, answered.reason, answered.header("x-app"), answered.header("edge-session-gone")], [status, "Odd", "kept", undefined]);
  });
}
