// What a body costs on its way through: ten MiB down from the origin, and up to it.
import { load, requestBytes } from "./load.mjs";
import { cpuOf } from "./machine.mjs";
import { BIG_BYTES, BIG_PATH } from "./origin.mjs";
import { BASE, HOST } from "./site.mjs";
import { spread } from "./statistics.mjs";

const COUNT = 20;
const CONNECTIONS = 2;

/** `ways` are { label, port, server, cookies }. Gives CPU milliseconds per body for each, interleaved. */
export async function measureBodies(origin, ways, { rounds, progress }) {
  const body = Buffer.alloc(BIG_BYTES, "0123456789abcdef");
  const directions = {
    down: (cookie) => requestBytes({ path: BIG_PATH, host: HOST, headers: [...BASE, ["Cookie", cookie]] }),
    up: (cookie) => requestBytes({ method: "POST", path: "/upload", host: HOST, headers: [...BASE, ["Content-Type", "application/octet-stream"], ["Cookie", cookie]], body }),
  };
  const results = ways.map(({ label }) => ({ label, down: [], up: [] }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [i, way] of ways.entries()) {
      for (const [direction, request] of Object.entries(directions)) {
        progress(`bodies: ${way.label}, ${direction}`);
        const requests = way.cookies.slice(0, CONNECTIONS).map(request);
        origin.forget();
        const before = cpuOf(way.server.pids);
        const { bytes } = await load({ port: way.port, requests, connections: CONNECTIONS, count: COUNT, status: 200 });
        const milliseconds = (cpuOf(way.server.pids) - before) / 1000 / COUNT;
        const passed = direction === "down" ? bytes : origin.bodyBytes;
        if (passed !== COUNT * BIG_BYTES) throw new Error(`${way.label}, ${direction}: ${passed} bytes passed, not ${COUNT * BIG_BYTES}`);
        if (round > 0) results[i][direction].push(milliseconds); // round 0 warms up
      }
    }
  }
  return results.map(({ label, down, up }) => ({ label, down: spread(down), up: spread(up) }));
}
