// The figures, out of all runs, and as text.
import { median, ratio, spread } from "./statistics.mjs";

/** One entry for each case. */
export function figures(cases, results) {
  const runsOf = (name) => results.get(name).runs;
  return cases.map(({ name, label, note, floor, operations }) => {
    const { runs, memory } = results.get(name);
    const isKnown = runs[0].cpu !== undefined;
    const middle = (member) => median(runs.map((run) => run[member]));
    return {
      name,
      label,
      note,
      cpu: isKnown ? spread(runs.map((run) => run.cpu)) : undefined,
      toPass: isKnown && name !== "pass" ? ratio(runs, runsOf("pass")) : undefined,
      toHeader: isKnown && !["pass", "header"].includes(name) ? ratio(runs, runsOf("header")) : undefined,
      floor,
      toFloor: isKnown && floor ? ratio(runs, runsOf(floor)) : undefined,
      p50: middle("p50"),
      p99: middle("p99"),
      rate: middle("rate"),
      operations,
      memory,
      runs,
    };
  });
}

const one = (value, digits = 1) => (value === undefined ? "" : value.toFixed(digits));
const range = ({ median, least, most }, digits) => `${one(median, digits)} (${one(least, digits)}-${one(most, digits)})`;

/** A table: the first column to the left, the others to the right. */
function table(titles, rows) {
  const widths = titles.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ").trimEnd();
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const CASES = ["case", "CPU us/request", "/ pass-through", "/ one header", "/ its floor", "p50 us", "p99 us", "requests/s", "store ops", "RSS MB"];

export function text({ date, machine, settings, cases, leftOut, cold, bodies, bytes }) {
  const parts = [];
  const { cpu, cores, pinned, system, node } = machine;
  parts.push(`${date}, ${cpu}, ${cores} cores, ${pinned ? "server and load on a core each" : "not pinned to cores"}, ${system}, Node ${node}, workerd ${machine.workerd}`);
  if (cases.length > 0) {
    parts.push(`${settings.rounds} interleaved rounds of ${settings.seconds} s, ${settings.connections} connections; median (least-most).`);
    parts.push(
      table(
        CASES,
        cases.map((c) => [
          c.label,
          c.cpu ? range(c.cpu) : "not known",
          c.toPass ? range(c.toPass, 2) : "",
          c.toHeader ? range(c.toHeader, 2) : "",
          c.toFloor ? `${range(c.toFloor, 2)} ${c.floor}` : "",
          one(c.p50, 0),
          one(c.p99, 0),
          one(c.rate, 0),
          one(c.operations, c.operations % 1 === 0 ? 0 : 2),
          c.memory === undefined ? "" : one(c.memory / 1e6, 0),
        ]),
      ),
    );
    parts.push("Cases on workerd share one process, so one RSS. A floor is the Worker that makes the same edits to the same request and checks nothing.");
    const notes = cases.filter(({ note }) => note).map(({ label, note }) => `${label}: ${note}.`);
    if (notes.length > 0) parts.push(notes.join("\n"));
  }
  if (bodies) {
    parts.push("A body of 10 MiB, CPU ms:");
    parts.push(table(["case", "down", "up"], bodies.map((b) => [b.label, range(b.down), range(b.up)])));
  }
  if (cold) {
    parts.push("A process with one Worker, from its start to its first answer:");
    parts.push(table(["case", "ms", "CPU ms", "RSS MB"], cold.map((c) => [c.label, range(c.elapsed), range(c.cpu), range(c.memory)])));
  }
  if (bytes) {
    const kb = (value) => one(value / 1000);
    parts.push("What is deployed, kB:");
    parts.push(table(["part", "raw", "gzip", "brotli"], Object.entries(bytes).map(([name, size]) => [name, kb(size.raw), kb(size.gzip), kb(size.brotli)])));
  }
  for (const { name, reason } of leftOut) parts.push(`left out: ${name}: ${reason}`);
  return `${parts.join("\n\n")}\n`;
}
