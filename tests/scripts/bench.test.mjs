// scripts/bench: its command line, and the parts that every figure rests on. What it measures is proved in each of its runs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { requestsOf } from "../../scripts/benchmarks/cases.mjs";
import { load, once, requestBytes } from "../../scripts/benchmarks/load.mjs";
import { isWanted, peer, read } from "../../scripts/benchmarks/options.mjs";
import { BIG_BYTES, BIG_PATH, headerOf, startOrigin } from "../../scripts/benchmarks/origin.mjs";
import { ratio, spread } from "../../scripts/benchmarks/statistics.mjs";

const bench = (...args) => spawnSync(fileURLToPath(new URL("../../scripts/bench", import.meta.url)), args, { encoding: "utf8" });

test("--help and --list answer at once", () => {
  const help = bench("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--peer NAME=URL/);
  assert.match(bench("--list").stdout, /^gate-forged$/m);
});

test("what is wrong with the command line is said in a line, and nothing is built", () => {
  for (const args of [["--nothing"], ["--only", "no-such-case"], ["--rounds", "0"], ["--rounds"], ["--peer", "x"], ["--peer", "x=https://h/"]]) {
    const { status, stderr } = bench(...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, /^scripts\/bench: .+\n$/, args.join(" "));
  }
});

test("a peer's cookie may hold commas and equals signs", () => {
  const read = peer("pomerium=http://127.0.0.1:80/x?a=b,pid=12,cookie=a=1,2; b=c==");
  assert.deepEqual({ ...read, url: read.url.href }, { name: "pomerium", url: "http://127.0.0.1/x?a=b", pid: 12, cookie: "a=1,2; b=c==" });
});

test("a forged cookie is a real one but for its MAC: what is measured includes finding that out", () => {
  const cookie = `__Host-session=${Buffer.alloc(92, 1).toString("base64url")}`;
  const [[real], [forged]] = ["get", "forged"].map((shape) => requestsOf(shape, [cookie]));
  assert.equal(forged.length, real.length);
  const differing = [...real.keys()].filter((i) => real[i] !== forged[i]);
  const end = real.indexOf(cookie) + cookie.length;
  assert.equal(differing.length, 1);
  assert.ok(differing[0] >= end - 42 && differing[0] < end - 1, `${end - differing[0]} before the end`);
});

test("--only takes names and beginnings of names", () => {
  const { only } = read(["--only", "floor,gate-*"]);
  assert.deepEqual(["floor", "floor-post", "gate", "gate-post"].map((name) => isWanted(only, name)), [true, false, false, true]);
});

test("a ratio is taken round by round", () => {
  assert.deepEqual(ratio([{ cpu: 20 }, { cpu: 300 }, { cpu: 50 }], [{ cpu: 10 }, { cpu: 100 }, { cpu: 25 }]), { median: 2, least: 2, most: 3 });
  assert.equal(spread([4, 1, 2, 3]).median, 2.5);
});

test("the origin counts what reaches it, whole bodies in every framing included", async () => {
  const origin = await startOrigin();
  try {
    const { requests } = await load({ port: origin.port, requests: [requestBytes({ host: "h", path: "/a" })], connections: 3, count: 30, status: 200 });
    assert.deepEqual([requests, origin.requests], [30, 30]);
    assert.equal(headerOf(origin.samples[0], "HOST"), "h");
    origin.forget();
    await once(origin.port, requestBytes({ method: "POST", host: "h", body: "x".repeat(100_000) }));
    await once(origin.port, Buffer.from("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    assert.deepEqual([origin.requests, origin.bodyBytes], [2, 100_000 + "3\r\nabc\r\n0\r\n\r\n".length]);
    assert.equal((await once(origin.port, requestBytes({ host: "h", path: BIG_PATH }))).bytes, BIG_BYTES);
  } finally {
    await origin.stop();
  }
});

test("an answer that is not the expected one ends the measurement", async () => {
  let answered = 0;
  const server = createServer((request, response) => {
    answered += 1;
    response.statusCode = answered > 5 ? 500 : 200;
    response.end("x");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const run = load({ port: server.address().port, requests: [requestBytes({ host: "h" })], connections: 1, count: 50, status: 200 });
    await assert.rejects(run, /expected status 200, got: HTTP\/1.1 500/);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("answers of unknown length are read to the last chunk", async () => {
  const server = createServer((request, response) => {
    response.write("a".repeat(70_000));
    setImmediate(() => response.end("b"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { text } = await once(server.address().port, requestBytes({ host: "h" }));
    assert.ok(text.includes("b") && text.length > 70_000);
    const { requests } = await load({ port: server.address().port, requests: [requestBytes({ host: "h" })], connections: 2, count: 10, status: 200 });
    assert.equal(requests, 10);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
