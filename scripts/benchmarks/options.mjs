// The command line of scripts/bench.

export const HELP = `Measures what the gate costs in CPU, beside the least that a Worker can do and beside other gateways.

  scripts/bench [--rounds N] [--seconds S] [--only CASE,...] [--json FILE] [--svg FILE] [--peer NAME=URL[,pid=N][,cookie=...]]

  --rounds N        rounds of all cases, one after another (default 5)
  --seconds S       how long each case runs in each round (default 1)
  --only CASE,...   only these cases, and those that they are compared with; a part of a name and * is enough: --only 'gate*'
                    Parts beside the cases: bodies (10 MiB up and down), cold (cold start and memory), bytes (of Wasm and glue)
  --list            the names of all cases
  --peer NAME=URL   one more gateway, already running in front of --origin-port. pid= is its process: all it has started counts too.
                    cookie= is a Cookie header with a session. Several times for several.
  --origin-port N   the port of the benchmark's own origin, for the configuration of a --peer (default: a free one)
  --json FILE       all figures, with machine and date
  --svg FILE        a chart of the main cases
  --core            only the native benchmark of the decisions (cargo bench)
  --help            this

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
    else if (name === "--only") options.only = value(name).split(",");
    else if (name === "--peer") options.peers.push(peer(value(name)));
    else if (name === "--origin-port") options.originPort = Math.trunc(number(name, value(name), 1));
    else if (name === "--json") options.json = value(name);
    else if (name === "--svg") options.svg = value(name);
    else throw new UsageError(`there is no option ${name}`);
  }
  return options;
}

/** Whether --only names this. */
export const isWanted = (only, name) =>
  only === undefined || only.some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
