// What the gate adds to a process: from its start to its first answer, and the memory that it then holds.
import { join } from "node:path";
import { load, requestBytes } from "./load.mjs";
import { cpuOf, memoryOf } from "./machine.mjs";
import { BASE, HOST, alone } from "./site.mjs";
import { spread } from "./statistics.mjs";
import { startWorkerd } from "./workerd.mjs";

const REQUESTS = 5000; // after which memory is looked at
const WAYS = { pass: "bare JavaScript Worker", with_object: "the same with a Durable Object", gate: "gate" };

export async function measureCold(site, { folder, core, rounds, progress }) {
  const request = requestBytes({ path: "/public/", host: HOST, headers: BASE });
  const results = Object.values(WAYS).map((label) => ({ label, elapsed: [], cpu: [], memory: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, name] of Object.keys(WAYS).entries()) {
      progress(`cold start: ${WAYS[name]}, ${round + 1} of ${rounds}`);
      const place = join(folder, `cold-${name}`);
      const server = await startWorkerd({ core, folder: place, storage: join(place, "storage"), origin: site.origin, workers: [alone[name](site)], request });
      try {
        results[i].elapsed.push(server.elapsed);
        results[i].cpu.push(cpuOf(server.pids) / 1000);
        await load({ port: server.ports[name], requests: [request], count: REQUESTS, status: 200 });
        results[i].memory.push(memoryOf(server.pids) / 1e6);
      } finally {
        await server.stop();
      }
    }
  }
  return results.map(({ label, ...rest }) => ({ label, ...Object.fromEntries(Object.entries(rest).map(([name, values]) => [name, spread(values)])) }));
}
