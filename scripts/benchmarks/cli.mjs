// scripts/bench: starts everything, measures it, says what came out.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureBodies } from "./bodies.mjs";
import { bytes } from "./bytes.mjs";
import { workerdCases } from "./cases.mjs";
import { measureCold } from "./cold.mjs";
import { bind, chooseCores, describe } from "./machine.mjs";
import { isWanted, read } from "./options.mjs";
import { headerOf, startOrigin } from "./origin.mjs";
import { text } from "./report.mjs";
import { CONNECTIONS, measure, prove } from "./rounds.mjs";
import { ASSERTION, makeSite, startTapped, startWorkers } from "./site.mjs";
import { ratio, spread } from "./statistics.mjs";
import { root } from "./workerd.mjs";

const progress = (line) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `bench: ${line}\n`);

async function main(options) {
  const cores = chooseCores();
  const folder = mkdtempSync(join(tmpdir(), "edge-session-bench-"));
  const started = [];
  const own = async (server) => {
    started.push(server);
    return server;
  };
  try {
    if (cores) bind(cores.load);
    const core = cores?.server;
    const origin = await startOrigin(options.originPort);
    started.push(origin);
    const site = makeSite(origin);
    const storage = join(folder, "storage");

    progress("starting the gate behind taps, logging users in");
    const tapped = await own(await startTapped(site, { folder, storage, core }));
    const operations = new Map();
    for (const one of workerdCases(site, tapped).filter(({ port }) => port !== undefined)) operations.set(one.name, await prove(origin, one));
    const [sample] = await seen(origin, workerdCases(site, tapped).find(({ name }) => name === "gate"));
    await tapped.stop();

    progress("starting all Workers in one process");
    const assertion = "x".repeat(headerOf(sample, ASSERTION).length);
    const workers = await own(await startWorkers(site, { folder, storage, core, sessions: tapped.sessions, questions: tapped.questions, assertion }));
    const all = workerdCases(site, workers);
    const chosen = choose(all, options.only);
    for (const one of chosen) {
      const counted = await prove(origin, one);
      if (!operations.has(one.name)) operations.set(one.name, counted);
    }
    const results = await measure(origin, chosen, { ...options, progress });
    const wants = (part) => isWanted(options.only, part);
    const ways = ["pass", "floor", "gate"].map((name) => all.find((one) => one.name === name));
    const report = {
      date: new Date().toISOString(),
      machine: { ...describe(cores), workerd: JSON.parse(readFileSync(join(root, "node_modules/workerd/package.json"))).version },
      settings: { rounds: options.rounds, seconds: options.seconds, connections: CONNECTIONS },
      cases: chosen.map((one) => figures(one, results, operations)),
      leftOut: [],
      bodies: wants("bodies") ? await measureBodies(origin, ways, { ...options, progress }) : undefined,
    };
    await workers.stop();
    if (wants("cold")) report.cold = await measureCold(site, { folder, core, progress, rounds: Math.max(options.rounds, 5) });
    if (wants("bytes")) report.bytes = await bytes();
    progress("done");
    if (process.stderr.isTTY) process.stderr.write("\n");
    process.stdout.write(text(report));
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    for (const server of started.reverse()) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The cases that were asked for, and what they are compared with. */
function choose(all, only) {
  const wanted = new Set(all.filter((one) => isWanted(only, one.name)).map((one) => one.name));
  if (wanted.size > 0) wanted.add("pass");
  for (const one of all) if (wanted.has(one.name) && one.floor) wanted.add(one.floor);
  return all.filter((one) => wanted.has(one.name));
}

async function seen(origin, one) {
  await prove(origin, one);
  return origin.samples;
}

function figures(one, results, operations) {
  const { runs, memory } = results.get(one.name);
  const of = (name) => results.get(name)?.runs;
  const all = (member) => spread(runs.map((run) => run[member])).median;
  return {
    name: one.name,
    label: one.label,
    cpu: spread(runs.map((run) => run.cpu)),
    toPass: one.name === "pass" ? undefined : ratio(runs, of("pass")),
    floor: one.floor,
    toFloor: one.floor ? ratio(runs, of(one.floor)) : undefined,
    p50: all("p50"),
    p99: all("p99"),
    rate: all("rate"),
    operations: operations.get(one.name),
    memory,
    runs,
  };
}

await main(read(process.argv.slice(2)));
