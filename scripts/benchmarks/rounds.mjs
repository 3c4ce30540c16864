// Measuring: first every case is proved to do what it is said to do, then all are run one after another, again and again, so that whatever
// the machine does meanwhile meets them all.
import { load } from "./load.mjs";
import { cpuOf, memoryOf } from "./machine.mjs";

export const CONNECTIONS = 16;
const PROOFS = 64;
const WARMING = 2; // seconds before the first round, in which the engine compiles what is hot
const SETTLING = 64; // requests before each measurement: what memory holds has been asked for again

/**
 * Sends a few requests and looks at both ends: the status, that the origin got each one (or none, where they are refused), and whom the
 * identity that came along names. Gives store operations per request, where the server can tell.
 */
export async function prove(origin, one) {
  const send = () => load({ port: one.port, requests: one.requests, connections: 4, count: PROOFS, status: one.status });
  await send();
  origin.forget();
  const before = await one.server.operations?.(one.worker);
  await send();
  const reached = one.status === 200 ? PROOFS : 0;
  if (origin.requests !== reached) throw new Error(`${one.name}: ${origin.requests} of ${PROOFS} requests reached the origin, not ${reached}`);
  for (const head of reached > 0 && one.identity !== "none" ? origin.samples : []) {
    const sub = await one.who(head);
    const isRight = one.identity === "user" ? /^user-\d+$/.test(sub) : sub === undefined;
    if (!isRight) throw new Error(`${one.name}: the origin was told of ${sub}`);
  }
  return before === undefined ? undefined : ((await one.server.operations(one.worker)) - before) / PROOFS;
}

/** Runs all cases in `rounds` rounds. Gives, for each name, `runs` of { cpu, requests, p50, p99, rate } and
 * the memory at the end; no cpu and memory where nobody knows the process. */
export async function measure(origin, cases, { rounds, seconds, progress }) {
  for (const one of cases) {
    progress(`warming up: ${one.label}`);
    await load({ port: one.port, requests: one.requests, connections: CONNECTIONS, seconds: WARMING, status: one.status });
  }
  const results = new Map(cases.map((one) => [one.name, { runs: [], memory: 0 }]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of cases) {
      progress(`round ${round} of ${rounds}: ${one.label}`);
      const result = results.get(one.name);
      result.runs.push(await run(origin, one, seconds));
      result.memory = one.server.pids && memoryOf(one.server.pids);
    }
  }
  return results;
}

async function run(origin, one, seconds) {
  await load({ port: one.port, requests: one.requests, connections: CONNECTIONS, count: SETTLING, status: one.status });
  origin.forget();
  const before = one.server.pids && cpuOf(one.server.pids);
  const { requests, latencies, ...rest } = await load({ port: one.port, requests: one.requests, connections: CONNECTIONS, seconds, status: one.status });
  const cpu = one.server.pids && (cpuOf(one.server.pids) - before) / requests;
  const reached = one.status === 200 ? requests : 0;
  if (origin.requests !== reached) throw new Error(`${one.name}: ${origin.requests} of ${requests} requests reached the origin, not ${reached}`);
  const at = (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
  return { cpu, requests, p50: at(0.5), p99: at(0.99), rate: requests / rest.seconds };
}
