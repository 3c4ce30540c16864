// The command line of scripts/bench.
import { NAMES } from "./names.mjs";

export const HELP = `Measures what the gate costs in CPU, beside the least that a Worker can do and beside other gateways.

  scripts/bench [--rounds N] [--seconds S] [--only CASE,...] [--json FILE] [--svg FILE] [--peer NAME=URL[,pid=N][,cookie=...]]

  --rounds N        rounds of all cases, one after another (default 5)
  --seconds S       how long each case runs in each round (default 1)
  --only CASE,...   only these, and those that they are compared with; the beginning of a name and * is enough: --only 'gate*'.
                    Beside the cases there are: bodies (10 MiB up and down), cold (cold start and memory), bytes (of Wasm and glue)
  --list            the names of all cases and parts
  --peer NAME=URL   one more gateway, already running in front of --origin-port. pid= is its process: all it has started counts too.
                    cookie= is a Cookie header with a session. Several times for several.
  --origin-port N   the port of the benchmark's own origin, for the configuration of a --peer (default: a free one)
  --json FILE       all figures, with machine and date
  --svg FILE        a chart of the main cases
  --core            only the native benchmark of the decisions, which is cargo bench
  --help            this

The README's oauth2-proxy ran with --upstream=http://127.0.0.1:9911/ --http-address=127.0.0.1:9912 --htpasswd-file=FILE, was signed in to
at /oauth2/sign_in, and added with
  scripts/bench --origin-port 9911 --peer "oauth2-proxy=http://127.0.0.1:9912/page,pid=PID,cookie=_oauth2_proxy=..."

Needs Linux (/proc). Servers run on one core and the load on another, where taskset and two cores are there.`;

export class UsageError extends Error {}

const number = (name, text, least) => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least) throw new UsageError(`${name} takes a number of at least ${least}`);
  return value;
};

/** NAME=URL[,pid=N][,cookie=...]. What follows `cookie=` is taken to the end: cookies hold commas and equals signs. */
export function peer(text) {
  const match = /^([\w.-]+)=(http:\/\/[^,]+)(?:,pid=(\d+))?(?:,cookie=(.*))?$/.exec(text);
  if (!match || !URL.canParse(match[2])) throw new UsageError(`--peer takes NAME=http://HOST:PORT/PATH[,pid=N][,cookie=...], not ${text}`);
  const [, name, url, pid, cookie] = match;
  return { name, url: new URL(url), pid: pid === undefined ? undefined : Number(pid), cookie };
}

function patterns(text) {
  const all = text.split(",");
  const unknown = all.find((one) => !NAMES.some((name) => isWanted([one], name)));
  if (unknown !== undefined) throw new UsageError(`there is no case ${unknown}; --list has them all`);
  return all;
}

export function read(args) {
  const options = { rounds: 5, seconds: 1, only: undefined, peers: [], json: undefined, svg: undefined, originPort: 0, help: false, list: false };
  const rest = [...args];
  const value = (name) => {
    if (rest.length === 0) throw new UsageError(`${name} takes a value`);
    return rest.shift();
  };
  while (rest.length > 0) {
    const name = rest.shift();
    if (name === "--help" || name === "-h") options.help = true;
    else if (name === "--list") options.list = true;
    else if (name === "--rounds") options.rounds = Math.trunc(number(name, value(name), 1));
    else if (name === "--seconds") options.seconds = number(name, value(name), 0.1);
    else if (name === "--only") options.only = patterns(value(name));
    else if (name === "--peer") options.peers.push(peer(value(name)));
    else if (name === "--origin-port") options.originPort = Math.trunc(number(name, value(name), 1));
    else if (name === "--json") options.json = value(name);
    else if (name === "--svg") options.svg = value(name);
    else throw new UsageError(`there is no option ${name}`);
  }
  return options;
}

/** Whether --only names this. */
export function isWanted(only, name) {
  return only === undefined || only.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}

/** Runs a program; what is wrong with how it was called is said in a line. */
export async function orSay(program) {
  try {
    await program();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`scripts/bench: ${error.message} (--help has the options)`);
    process.exitCode = 2;
  }
}
