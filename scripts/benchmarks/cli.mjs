// scripts/bench: starts everything, measures it, says what came out.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureBodies } from "./bodies.mjs";
import { bytes } from "./bytes.mjs";
import { chart } from "./chart.mjs";
import { measureCold } from "./cold.mjs";
import { choose, startContenders } from "./contenders.mjs";
import { bind, chooseCores, describe } from "./machine.mjs";
import { isWanted, orSay, read } from "./options.mjs";
import { startOrigin } from "./origin.mjs";
import { figures, text } from "./report.mjs";
import { CONNECTIONS, measure } from "./rounds.mjs";
import { makeSite } from "./site.mjs";
import { root } from "./workerd.mjs";

const progress = (line) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `bench: ${line}\n`);

async function main(options) {
  const { rounds, seconds } = options;
  const cores = chooseCores();
  const core = cores?.server;
  // Objects are written to memory where that is possible: how fast a disk syncs is not what is measured here.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "edge-session-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const wants = (part) => isWanted(options.only, part);
  let origin;
  let contenders;
  try {
    if (cores) bind(cores.load);
    origin = await startOrigin(options.originPort);
    const site = makeSite(origin);
    const report = {
      date: new Date().toISOString(),
      machine: { ...describe(cores), workerd: JSON.parse(readFileSync(join(root, "node_modules/workerd/package.json"))).version },
      settings: { rounds, seconds, connections: CONNECTIONS },
      cases: [],
      leftOut: [],
    };
    const names = choose(options);
    if (names.size > 0 || wants("bodies")) {
      contenders = await startContenders(site, { folder, core, names, peers: options.peers, progress });
      const { cases, ways, leftOut, stop } = contenders;
      const results = await measure(origin, cases, { rounds, seconds, progress });
      report.cases = figures(cases, results);
      report.leftOut = leftOut;
      if (wants("bodies")) report.bodies = await measureBodies(origin, ways, { rounds, progress });
      await stop();
    }
    if (wants("cold")) report.cold = await measureCold(site, { folder, core, progress, rounds });
    if (wants("bytes")) report.bytes = await bytes();
    progress("done\n");
    process.stdout.write(text(report));
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (options.svg) writeFileSync(options.svg, chart(report));
  } finally {
    await contenders?.stop();
    await origin?.stop();
  }
}

await orSay(() => main(read(process.argv.slice(2))));
