// The command line of scripts/keys. What goes into a secret goes to stdout and nothing else does;
// every explanation goes to stderr, so that a pipe or a file never holds more or less than the secret.
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { parseArgs } from "node:util";
import { KeyListError, distinct, format, newId, newKey, parse, rotate } from "./list.mjs";
import { HELP, afterNew, afterRotation } from "./explain.mjs";

const LISTS = {
  gate: { secret: "EDGE_SESSION_KEYS", prefix: "k", wait: 30 * 86_400_000 },
  origin: { secret: "EDGE_SESSION_ORIGIN_KEYS", prefix: "o", wait: 3_600_000 },
};
const LOCATOR = "EDGE_SESSION_LOCATOR_KEY";
const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

class UsageError extends Error {}

function main(argv) {
  const { values, positionals } = read(argv);
  const [command, which, ...rest] = positionals;
  if (values.help || command === "help") return out(HELP);
  if (rest.length) throw new UsageError(`too many arguments: ${rest.join(" ")}`);
  if (command === "new") return create(which, values);
  if (command === "rotate") return next(which, values);
  throw new UsageError(command ? `unknown command: ${command}` : "say what to do: new or rotate");
}

function read(argv) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        "ids-only": { type: "boolean" },
        step: { type: "string" },
        longest: { type: "string" },
        now: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function create(which, values) {
  for (const name of ["ids-only", "step", "longest", "now"]) {
    if (values[name] !== undefined) throw new UsageError(`--${name} belongs to rotate`);
  }
  const today = new Date();
  const fresh = {
    gate: () => `${newId("k", today, new Set())}:${newKey()}`,
    origin: () => `${newId("o", today, new Set())}:${newKey()}`,
    locator: () => newKey(),
  };
  if (which === undefined) {
    out(`${LISTS.gate.secret}=${fresh.gate()}\n${LISTS.origin.secret}=${fresh.origin()}\n${LOCATOR}=${fresh.locator()}\n`);
  } else if (Object.hasOwn(fresh, which)) {
    out(`${fresh[which]()}\n`);
  } else {
    throw new UsageError(`new makes gate, origin or locator, not "${which}"`);
  }
  explain(afterNew(which));
}

function next(which, values) {
  const step = values.step;
  if (step !== undefined && !["append", "promote", "remove"].includes(step)) {
    throw new UsageError(`--step is append, promote or remove, not "${step}"`);
  }
  if (which !== undefined && !Object.hasOwn(LISTS, which)) {
    throw new UsageError(`rotate takes gate or origin, not "${which}"`);
  }
  const lists = current(which);
  const side = which ?? only(lists);
  distinct(Object.fromEntries(Object.entries(lists).map(([name, list]) => [LISTS[name].secret, list])));
  const { secret, prefix } = LISTS[side];
  const wait = values.longest === undefined ? LISTS[side].wait : duration(values.longest);
  const taken = new Set(Object.values(lists).flat().map(({ kid }) => kid));
  const result = rotate(lists[side], { step, prefix, today: new Date(), wait, now: values.now, taken });
  out(values["ids-only"] ? `${result.list.map(({ kid }) => kid).join(",")}\n` : `${format(result.list)}\n`);
  explain(afterRotation(side, secret, result, values));
}

/** The lists as they are now, by name: from stdin (one bare list, or NAME=list lines), else from the environment. */
function current(which) {
  // Not process.stdin: opening that lets a read fail where a pipe has nothing yet, as when a password manager is still asking.
  const text = isatty(0) ? "" : readFileSync(0, "utf8");
  const named = {};
  if (text.trim() !== "") {
    const bare = text.split(/\r?\n/).filter(line => line !== "");
    if (bare.every(line => /^[A-Z_]+=/.test(line))) {
      for (const line of bare) {
        const at = line.indexOf("=");
        if (Object.hasOwn(named, line.slice(0, at))) throw new KeyListError(`${line.slice(0, at)} appears twice in the input`);
        named[line.slice(0, at)] = line.slice(at + 1).replace(/^(["'])(.*)\1$/, "$2");
      }
    } else {
      if (!which) throw new UsageError("stdin holds a bare list; say whose it is: rotate gate, or rotate origin");
      named[LISTS[which].secret] = text;
    }
  } else {
    for (const { secret } of Object.values(LISTS)) if (process.env[secret]) named[secret] = process.env[secret];
  }
  const lists = {};
  for (const [name, { secret }] of Object.entries(LISTS)) {
    if (named[secret] !== undefined) lists[name] = parse(named[secret], secret);
  }
  if (which && !lists[which]) throw new UsageError(`no list to rotate: give ${LISTS[which].secret} on stdin or in the environment`);
  return lists;
}

function only(lists) {
  const names = Object.keys(lists);
  if (names.length === 1) return names[0];
  throw new UsageError(names.length === 0
    ? "no list to rotate: give it on stdin or in the environment (scripts/keys --help)"
    : "both lists were given; say which one to rotate: gate or origin");
}

function duration(text) {
  const match = /^([1-9]\d{0,8})([smhd])$/.exec(text);
  if (!match) throw new UsageError(`--longest is a duration such as 12h or 30d, not "${text}"`);
  return Number(match[1]) * UNITS[match[2]];
}

const out = text => process.stdout.write(text);
const explain = text => process.stderr.write(text);

try {
  main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    explain(`scripts/keys: ${error.message}\nTry scripts/keys --help.\n`);
    process.exitCode = 2;
  } else if (error instanceof KeyListError) {
    explain(`scripts/keys: ${error.message}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
