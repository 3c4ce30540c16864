// How often a request crosses between JavaScript and Wasm: each crossing costs, and what is pinned in tests/data/crossings.json does not grow
// unnoticed. CROSSINGS_PIN=write writes the file anew.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { Jar } from "./harness/cookies.mjs";
import { startGate } from "./harness/gate.mjs";
import { control } from "./harness/jws.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const FILE = new URL("../data/crossings.json", import.meta.url);
const writes = process.env.CROSSINGS_PIN === "write";
const pinned = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};
const how = "CROSSINGS_PIN=write node_modules/.bin/node --test tests/e2e/crossings.test.mjs";

let gate;
let session;
test.before(async () => {
  gate = await startGate({ entry: "crossings.js", config: { paths: [{ path: "/public/*", access: "public" }, { path: "/login", access: "optional" }] } });
  await gate.stopClock(); // memory stays fresh, and what is logged once a second is logged once
  gate.origin.handler = (request, response) => {
    if (request.url === "/login") response.setHeader("Edge-Session-Control", control(gate, request, { op: "create", sub: "alice" }));
    response.end("hello");
  };
  const jar = new Jar();
  jar.take(await send(gate, "POST", "/login", BROWSER.fetch, ""));
  session = jar.header.split("; ").find((cookie) => cookie.startsWith("__Host-session="));
});
test.after(async () => {
  await gate.stop();
  if (writes) writeFileSync(FILE, `${JSON.stringify(pinned, null, 2)}\n`);
});

// Several times the same: now and then the engine collects garbage and frees what belongs to Wasm, so the least is what the request takes.
async function crossingsOf(method, path, headers) {
  const seen = [];
  for (let i = 0; i < 5; i += 1) {
    await gate.order({});
    const answer = await send(gate, method, path, headers, method === "GET" ? undefined : "");
    const { crossings } = await gate.order({});
    seen.push({ status: answer.status, ...crossings });
  }
  return seen.slice(1).reduce((least, one) => (one.in + one.out < least.in + least.out ? one : least));
}

const REQUESTS = {
  "GET from memory": () => ["GET", "/page", [...BROWSER.fetch, ["Cookie", session]], 200],
  "GET of a public path": () => ["GET", "/public/x", [...BROWSER.fetch, ["Cookie", session]], 200],
  "forged cookie": () => ["GET", "/page", [...BROWSER.fetch, ["Cookie", `__Host-session=${"A".repeat(138)}`]], 401],
  "cross-site POST": () => ["POST", "/page", [...BROWSER.attack, ["Cookie", session]], 303],
};

for (const [name, request] of Object.entries(REQUESTS)) {
  test(`${name}: no more calls between JavaScript and Wasm than pinned`, async (context) => {
    const [method, path, headers, status] = request();
    const { in: into, out, names, status: answered } = await crossingsOf(method, path, headers);
    assert.equal(answered, status);
    context.diagnostic(JSON.stringify(names));
    if (writes) pinned[name] = { in: into, out };
    assert.notEqual(pinned[name], undefined, `nothing is pinned: ${how}`);
    for (const [direction, now] of Object.entries({ in: into, out })) {
      const pin = pinned[name][direction];
      assert.ok(now <= pin, `${direction}: ${pin} calls rose to ${now}. If they are worth it, pin them: ${how}`);
      assert.ok(now >= pin, `${direction}: ${pin} calls fell to ${now}. Pin that, so that they stay away: ${how}`);
    }
  });
}

test("a store that can tell nothing leaves nothing behind for each request that asks it", async () => {
  const ask = (count) => Promise.all(Array.from({ length: count }, () => send(gate, "POST", "/page", [...BROWSER.fetch, ["Cookie", session]], "")));
  await gate.fault("null", { times: 2000 });
  const [{ status }] = await ask(50);
  assert.equal(status, 503);
  const { places } = await gate.order({});
  for (let i = 0; i < 20; i += 1) await ask(50);
  assert.equal((await gate.order({})).places, places);
  await gate.clearFaults();
});
