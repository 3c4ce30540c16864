// The command line of scripts/dev.
import { parseArgs } from "node:util";
import { STACKS } from "./stacks.mjs";

const NAMES = Object.keys(STACKS);

export const HELP = `scripts/dev starts the gate on this machine, with a demonstration application behind it.

  scripts/dev                      build, make development keys, serve http://localhost:8787
  scripts/dev --origin NAME        the demonstration on a framework, with its kit: ${NAMES.join(", ")}
  scripts/dev --origin URL         put the gate in front of an application that already runs,
                                   such as http://localhost:3000; prints what it needs
  --port N                         another port (the attacker's page takes N+1)
  --set NAME=VALUE                 one setting for this run, such as --set lifetime.idle=5s;
                                   repeatable; VALUE is a JSON number, boolean, list or table, else text
  --config FILE                    a TOML or JSON file in the place of the [vars.EDGE_SESSION] table
  --check                          only say whether the gate would take that table as it stands, deployed
  --env NAME                       with --check: the table of [env.NAME]
  --quiet                          only the address on stdout
  --help                           this text

Everything listens on this machine only. Sessions and keys stay between runs, in .edge-session/ and
.dev.vars (delete them to start afresh). Ctrl-C ends everything.
`;

/** What was asked for cannot be done as asked: the command exits with 2. */
export class UsageError extends Error {}

export function parse(argv) {
  const { values } = read(argv);
  if (values.check && (values.origin ?? values.port) !== undefined) {
    throw new UsageError("--check takes the table as it stands: --origin and --port are for a gate that runs here");
  }
  if (values.env !== undefined && !values.check) throw new UsageError("--env goes with --check");
  return {
    help: values.help ?? false,
    quiet: values.quiet ?? false,
    check: values.check ?? false,
    env: values.env,
    port: values.port === undefined ? undefined : port(values.port),
    ...origin(values.origin),
    config: values.config,
    sets: (values.set ?? []).map(setting),
  };
}

function read(argv) {
  try {
    return parseArgs({
      args: argv,
      options: {
        help: { type: "boolean", short: "h" },
        quiet: { type: "boolean", short: "q" },
        check: { type: "boolean" },
        env: { type: "string" },
        port: { type: "string", short: "p" },
        origin: { type: "string" },
        config: { type: "string" },
        set: { type: "string", multiple: true },
      },
    });
  } catch (error) {
    // Node's first sentence says what is wrong; the rest is about positional arguments, which there are none of.
    throw new UsageError(error.message.split(". ")[0]);
  }
}

function port(text) {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  // The attacker's page needs the port after it.
  if (number < 1 || number > 65534) throw new UsageError(`--port is a number from 1 to 65534, not "${text}"`);
  return number;
}

/** `stack` where it is one of ours, `origin` where it is an application that already runs. */
function origin(text) {
  if (text === undefined) return {};
  return NAMES.includes(text) ? { stack: text } : { origin: address(text) };
}

/** Only scheme, host and port: the gate keeps the path of each request. */
function address(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(`--origin is an address such as http://localhost:3000, or one of ${NAMES.join(", ")}, not "${text}"`);
  }
  if (url.pathname !== "/" || url.search || url.hash || url.username || url.password) {
    throw new UsageError(`--origin is scheme, host and port only: "${url.protocol}//${url.host}", not "${text}"`);
  }
  return url.origin;
}

/** `a.b=value` as a path of names and a value. */
function setting(text) {
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(equals, 0)).split(".");
  if (!path.every(name => /^[a-z][a-z0-9_]*$/.test(name))) {
    throw new UsageError(`--set takes NAME=VALUE, such as lifetime.idle=5s, not "${text}"`);
  }
  const value = literal(text.slice(equals + 1));
  // As it stands in wrangler.toml, which would go to the gate as a text.
  if (typeof value === "string" && /^(?:\{|\[\s*[[{"])/.test(text.slice(equals + 1))) {
    throw new UsageError(`--set takes lists and tables as JSON, such as 'paths=[{"path":"/assets/*","access":"public"}]', not "${text}"`);
  }
  return { path, value };
}

/** Text is the common case and needs no quotes; quoted, it is text even where it looks like a number. */
function literal(text) {
  if (!/^(?:-?\d|true$|false$|\[|\{|")/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // "5s", "30m", "127.0.0.1"
  }
}
