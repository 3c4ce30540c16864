// Measuring: first every case is proved to do what it is said to do, then all are run in turn, again and again, so that whatever the machine
// does meanwhile meets them all.
import { load } from "./load.mjs";
import { cpuOf, memoryOf } from "./machine.mjs";

export const CONNECTIONS = 16;
const PROOFS = 64;
const WARMING = 2; // seconds before the first round, in which the engine compiles what is hot
const SLICE = 0.25; // seconds
const SETTLING = 64; // requests before each slice: what memory holds has been asked for again

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

/**
 * Runs all cases in `rounds` rounds. Gives, for each name, `runs` of { cpu, requests, p50, p99, rate } and the memory at the end; no cpu and
 * memory where nobody knows the process. A round is cut into slices, in each of which all cases come up: what disturbs the machine for a
 * second or two meets them all alike.
 */
export async function measure(origin, cases, { rounds, seconds, progress }) {
  for (const one of cases) {
    progress(`warming up: ${one.label}`);
    await load({ port: one.port, requests: one.requests, connections: CONNECTIONS, seconds: WARMING, status: one.status });
  }
  const results = new Map(cases.map((one) => [one.name, { runs: [], memory: undefined }]));
  const slices = Math.max(1, Math.round(seconds / SLICE));
  for (let round = 1; round <= rounds; round += 1) {
    const parts = new Map(cases.map((one) => [one.name, []]));
    for (let slice = 1; slice <= slices; slice += 1) {
      progress(`round ${round} of ${rounds}, ${slice} of ${slices}`);
      for (const one of cases) parts.get(one.name).push(await run(origin, one, seconds / slices));
    }
    for (const one of cases) results.get(one.name).runs.push(together(parts.get(one.name)));
  }
  for (const one of cases) results.get(one.name).memory = one.server.pids && memoryOf(one.server.pids);
  return results;
}

async function run(origin, one, seconds) {
  await load({ port: one.port, requests: one.requests, connections: CONNECTIONS, count: SETTLING, status: one.status });
  origin.forget();
  const { pids } = one.server;
  const before = pids && cpuOf(pids);
  const measured = await load({ port: one.port, requests: one.requests, connections: CONNECTIONS, seconds, status: one.status });
  const cpu = pids && cpuOf(pids) - before;
  const reached = one.status === 200 ? measured.requests : 0;
  if (origin.requests !== reached) throw new Error(`${one.name}: ${origin.requests} of ${measured.requests} requests reached the origin, not ${reached}`);
  return { ...measured, cpu };
}

// The slices of a round as one run.
function together(slices) {
  const sum = (member) => slices.reduce((total, slice) => total + slice[member], 0);
  const latencies = slices.flatMap((slice) => slice.latencies).sort((a, b) => a - b);
  const at = (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
  const requests = sum("requests");
  const cpu = slices[0].cpu === undefined ? undefined : sum("cpu") / requests;
  return { cpu, requests, p50: at(0.5), p99: at(0.99), rate: requests / sum("seconds") };
}
