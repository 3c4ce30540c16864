// The command line of scripts/cost.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { usersDay } from "./model.mjs";
import { ASSUMED, READ_ON, SOURCES, dollars, written } from "./prices.mjs";

const HELP = `usage: scripts/cost [options]

What the gate costs at Cloudflare's list prices, for a site's own figures, so that store and freshness window can be chosen before
deploying. Every operation's share was counted on the built Worker (tests/data/cost.json); prices were read on ${READ_ON}.

  --requests-per-day N   requests that reach the gate in a day          (1000000)
  --users N              users who are active in a day                  (1000)
  --posts SHARE          share of POST, PUT and so on: 0.02 or 2%       (2%)
  --changes SHARE        share of those that change the session's data  (25%)
  --logins N             logins of a user in a day                      (2)
  --per-page N           reads that come at once: a page and its parts  (21)
  --think TIME           how long a page is looked at, on average       (20s)
  --store NAME           durable, kv or both                            (both)
  --window TIME          freshness.safe; several with commas            (0s,10s,60s)
  --touch TIME           lifetime.touch                                 (60s)
  --rotation TIME        rotation.every; 0s: never                      (15m)
  --idle TIME            lifetime.idle                                  (30m)
  --help

Times are 10s, 15m or 1h.
`;

class UsageError extends Error {}

const OPTIONS = {
  "requests-per-day": "1000000", users: "1000", posts: "2%", changes: "25%", logins: "2", "per-page": "21", think: "20s",
  store: "both", window: "0s,10s,60s", touch: "60s", rotation: "15m", idle: "30m",
};

function read(argv) {
  const options = { help: { type: "boolean", short: "h" } };
  for (const name of Object.keys(OPTIONS)) options[name] = { type: "string", default: OPTIONS[name] };
  try {
    return parseArgs({ args: argv, options }).values;
  } catch (error) {
    throw new UsageError(error.message.split(/\n|\. To specify/)[0]);
  }
}

function number(values, name, least, what) {
  const text = values[name];
  if (!/^\d{1,15}(\.\d+)?$/.test(text) || Number(text) < least) throw new UsageError(`--${name} takes ${what}, not "${text}"`);
  return Number(text);
}

function share(values, name) {
  const [, digits, percent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(values[name]) ?? [];
  const value = digits === undefined ? NaN : Number(digits) / (percent ? 100 : 1);
  if (!(value <= 1)) throw new UsageError(`--${name} takes a share, like 0.02 or 2%, not "${values[name]}"`);
  return value;
}

function time(text, name, { least = 0 } = {}) {
  const [, digits, unit] = /^(\d{1,9})([smh])$/.exec(text) ?? [];
  const value = digits === undefined ? NaN : Number(digits) * { s: 1, m: 60, h: 3600 }[unit];
  if (!(value >= least)) throw new UsageError(`--${name} takes a time of at least ${least}s, like 10s or 15m, not "${text}"`);
  return value;
}

function main(argv) {
  const values = read(argv);
  if (values.help) return void process.stdout.write(HELP);
  if (!["durable", "kv", "both"].includes(values.store)) throw new UsageError(`--store is durable, kv or both, not "${values.store}"`);
  const figures = {
    requestsPerDay: number(values, "requests-per-day", 1, "a number of at least 1"),
    users: number(values, "users", 1, "a number of at least 1"),
    posts: share(values, "posts"),
    changes: share(values, "changes"),
    logins: number(values, "logins", 0, "a number"),
    perPage: number(values, "per-page", 1, "a number of at least 1"),
    think: time(values.think, "think", { least: 1 }),
    touch: time(values.touch, "touch", { least: 1 }),
    rotation: time(values.rotation, "rotation"),
    idle: time(values.idle, "idle", { least: 1 }),
  };
  const windows = values.window.split(",").map((text) => [text, time(text, "window")]);
  for (const [text, window] of windows) if (window > figures.idle) throw new UsageError(`--window ${text} is longer than --idle ${values.idle}`);
  if (figures.users > figures.requestsPerDay) throw new UsageError("--users are more than --requests-per-day: nobody is active without a request");
  const { operations } = JSON.parse(readFileSync(new URL("../../tests/data/cost.json", import.meta.url), "utf8"));

  const rows = [["store", "window", "object calls", "rows written", "KV reads", "KV writes", "$ per million", "$ a month"]];
  for (const store of values.store === "both" ? ["durable", "kv"] : [values.store]) {
    for (const [text, window] of windows) {
      const { requests, counts } = usersDay({ ...figures, store, window }, operations);
      const per = (count = 0) => ((count / requests) * 1000).toFixed(1);
      const million = dollars(requests, counts);
      const others = ["kv_writes", "kv_deletes", "kv_lists"].reduce((sum, name) => sum + (counts[name] ?? 0), 0);
      rows.push([
        store, text, per((counts.calls ?? 0) + (counts.alarms ?? 0)), per(written(counts)), per(counts.kv_reads), per(others),
        million.toFixed(3), ((million * figures.requestsPerDay * 30) / 1e6).toFixed(2),
      ]);
    }
  }
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) => row.map((cell, i) => (i < 1 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "));
  process.stdout.write(`${lines.join("\n")}

Operations are per thousand requests. A month has 30 days; what a plan includes is not subtracted, and storage not added.
List prices of ${READ_ON}:
${SOURCES.map((source) => `  ${source}`).join("\n")}
Assumed: ${ASSUMED.cpu_ms} ms of CPU a request, ${ASSUMED.object_ms} ms of an object's time a call.
`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`scripts/cost: ${error.message}\nscripts/cost --help says more.\n`);
  process.exitCode = 2;
}
