// Starts everything that is measured, and makes the cases.
import { join } from "node:path";
import { peerCase, workerdCases } from "./cases.mjs";
import { once } from "./load.mjs";
import { PEERS, WORKERD } from "./names.mjs";
import { isWanted } from "./options.mjs";
import { headerOf } from "./origin.mjs";
import { startApache } from "./peers/apache.mjs";
import { startExpress } from "./peers/express.mjs";
import { LeftOut } from "./peers/left_out.mjs";
import { findPeer } from "./peers/other.mjs";
import { prove } from "./rounds.mjs";
import { ASSERTION, startTapped, startWorkers } from "./site.mjs";

const STARTERS = { express: startExpress, apache: startApache };

/** The names that were asked for, and what those are compared with. */
export function choose({ only, peers }) {
  const all = [...WORKERD, ...PEERS];
  const chosen = new Set(all.filter(({ name }) => isWanted(only, name)).map(({ name }) => name));
  if (chosen.size > 0 || peers.length > 0) chosen.add("pass").add("header").add("floor");
  for (const { name, floor } of all) if (chosen.has(name) && floor) chosen.add(floor);
  return chosen;
}

/** Gives { cases, ways, leftOut, stop }; each case has been proved and knows its store operations per request. */
export async function startContenders(site, { folder, core, names, peers, progress }) {
  const { origin } = site;
  const storage = join(folder, "storage");
  const started = [];
  const stop = async () => {
    for (const server of started.splice(0).reverse()) await server.stop();
  };
  const leftOut = [];
  try {
    progress("starting the gate behind taps, logging users in");
    const tapped = await startTapped(site, { folder, storage, core });
    started.push(tapped);
    const operations = {};
    const behindTaps = workerdCases(site, tapped).filter(({ port }) => port !== undefined);
    for (const one of behindTaps.filter(({ name }) => names.has(name))) operations[one.name] = await prove(origin, one);
    const assertion = await lengthOfAssertion(origin, behindTaps);
    await stop();

    progress("starting all Workers in one process");
    const { sessions, questions } = tapped;
    const workers = await startWorkers(site, { folder, storage, core, sessions, questions, assertion: "x".repeat(assertion) });
    started.push(workers);
    const all = workerdCases(site, workers);
    const cases = all.filter(({ name }) => names.has(name));

    for (const peer of PEERS.filter(({ name }) => names.has(name))) {
      progress(`starting ${peer.label}`);
      try {
        const server = await STARTERS[peer.name](site, { folder, core });
        started.push(server);
        cases.push(peerCase(peer, server));
      } catch (error) {
        if (!(error instanceof LeftOut)) throw error;
        leftOut.push({ name: peer.label, reason: error.message });
      }
    }
    for (const peer of peers) cases.push(peerCase({ name: peer.name, label: peer.name }, await findPeer(site, peer)));

    for (const one of cases) {
      const counted = await prove(origin, one);
      one.operations = operations[one.name] ?? counted;
    }
    await compareEdits(origin, all);
    const ways = ["pass", "floor", "gate"].map((name) => all.find((one) => one.name === name));
    return { cases, ways, leftOut, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

// The Workers that sign nothing send as many bytes as the gate does.
async function lengthOfAssertion(origin, cases) {
  await prove(origin, cases.find(({ name }) => name === "gate"));
  return headerOf(origin.samples[0], ASSERTION).length;
}

// A floor is one only as long as it makes the edits that the gate makes: the same names of headers at the origin and at the browser.
async function compareEdits(origin, cases) {
  const headersOf = async ({ port, requests }) => {
    origin.forget();
    const answer = await once(port, requests[0]);
    const names = (head) => head.split("\r\n").slice(1).map((line) => line.slice(0, line.indexOf(":")).toLowerCase()).sort().join(" ");
    return `${names(origin.samples[0])}; ${names(answer.head)}`;
  };
  for (const one of cases.filter(({ worker, status }) => worker === "gate" && status === 200)) {
    const floor = cases.find(({ name }) => name === one.floor);
    const [made, expected] = [await headersOf(one), await headersOf(floor)];
    if (made !== expected) throw new Error(`${one.name} edits other headers than ${floor.name}:\n${made}\n${expected}`);
  }
}
