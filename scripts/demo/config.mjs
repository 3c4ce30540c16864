// The gate's configuration for development: what wrangler.toml says, what a site on this machine must
// change, and what the command line asked for, in this order.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "./failure.mjs";
import { UsageError } from "./options.mjs";
import { STACKS } from "./stacks.mjs";

/** How the demonstration wants to be guarded, on every stack. It has a login page and a few private pages. */
const DEMONSTRATION = {
  default_access: "required",
  login_url: "/login",
  logout_url: "/",
  paths: [
    { path: "/", access: "optional" },
    { path: "/login", access: "optional" },
    { path: "/counter", access: "optional" },
    { path: "/assets/*", access: "public" },
    // An open stream is not a person at work.
    { path: "/live", access: "required", activity: false },
  ],
};

/** Reads wrangler.toml with wrangler's own reader, so that nothing is understood differently on deployment. */
export function readToml(path, wrangler) {
  return wrangler.experimental_readRawConfig({ config: path }).rawConfig;
}

/** wrangler.toml of this project; what is wrong with it is for the reader, who has changed it. */
export function readSettings(path, wrangler) {
  try {
    return readToml(path, wrangler);
  } catch (error) {
    throw new Failure(`${path}${place(error)}: ${error.message}`);
  }
}

const place = ({ location }) => (location ? `, line ${location.line}` : "");

/** The `table` of --config FILE: JSON or TOML, the bare table or a whole wrangler.toml. `whole` is the file itself where it says of a Worker what it runs. */
export function readTable(path, wrangler) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--config ${path}: ${error.code === "ENOENT" ? "there is no such file" : error.message}`);
  }
  let table;
  try {
    table = parse(text, wrangler);
  } catch (error) {
    throw new UsageError(`--config ${path} is neither JSON nor TOML${place(error)}: ${error.message}`);
  }
  return { table: asTable(table.vars?.EDGE_SESSION ?? table), whole: table.main === undefined ? undefined : table };
}

/** The gate takes its table as text, too. */
function asTable(value) {
  if (typeof value !== "string") return structuredClone(value ?? {});
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new Failure(`EDGE_SESSION is a text, and no JSON: ${error.message}`);
  }
}

/** wrangler tells TOML from JSON by the file's name, and a pipe such as <(…) has none. */
function parse(text, wrangler) {
  const directory = mkdtempSync(join(tmpdir(), "edge-session-"));
  try {
    const path = join(directory, /^\s*(?:\{|\/[/*])/.test(text) ? "table.jsonc" : "table.toml");
    writeFileSync(path, text);
    return readToml(path, wrangler);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * Without --config the site's address and origin are always ours, for wrangler.toml names the real ones. A file
 * given by --config stands as it is; only what it leaves out is filled in, and an issuer elsewhere is replaced,
 * because the gate would answer nothing but 421 here. Without an origin, the demonstration is to be it.
 */
export function build({ settings, file, options }) {
  const notes = [];
  const config = asTable(file ?? settings.vars?.EDGE_SESSION);
  const given = file && loopbackIssuer(file.issuer);
  const port = options.port ?? given?.port ?? 8787;
  if (given?.port !== port) {
    config.issuer = `http://localhost:${port}`;
    if (file?.issuer !== undefined) notes.push(`issuer is ${config.issuer} in this run, not ${file.issuer}`);
  }
  if (!file || options.stack) delete config.origin;
  if (options.origin) config.origin = options.origin;
  config.audience ??= "origin"; // what the gate takes where nothing is set
  const demonstration = options.stack !== undefined || config.origin === undefined && !options.sets.some(({ path }) => path[0] === "origin");
  if (demonstration && !file) Object.assign(config, structuredClone(DEMONSTRATION), STACKS[options.stack]?.settings);
  for (const { path, value } of options.sets) set(config, path, value);
  return { config, port, notes, demonstration };
}

/** What wrangler's environments do not inherit. */
const OWN = ["vars", "durable_objects", "kv_namespaces", "services", "mtls_certificates", "vpc_services", "vpc_networks"];

/** For --check: the table as a deployment has it, and what the command line says, with what stands around it. */
export function asDeployed({ settings, file, options }) {
  // The Worker is the one that is built here, whatever else the file says.
  const all = file?.whole ? { compatibility_date: settings.compatibility_date, ...file.whole, name: settings.name, main: settings.main } : settings;
  const around = options.env === undefined ? all : environment(all, options.env);
  const config = asTable(file && !file.whole ? file.table : around.vars?.EDGE_SESSION);
  for (const { path, value } of options.sets) set(config, path, value);
  return { config, settings: around };
}

function environment({ env = {}, ...top }, name) {
  if (!Object.hasOwn(env, name)) throw new UsageError(`--env ${name}: there is no such environment in the file`);
  return { ...Object.fromEntries(Object.entries(top).filter(([key]) => !OWN.includes(key))), ...env[name] };
}

/** An issuer that can work here, with its port. */
function loopbackIssuer(issuer) {
  if (typeof issuer !== "string" || !URL.canParse(issuer)) return;
  const url = new URL(issuer);
  if (url.protocol === "http:" && LOOPBACK.test(url.hostname) && url.origin === issuer) return { port: Number(url.port || 80) };
}

export const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

function set(table, path, value) {
  let at = table;
  for (const name of path.slice(0, -1)) {
    if (typeof at[name] !== "object" || at[name] === null || Array.isArray(at[name])) at[name] = {};
    at = at[name];
  }
  at[path.at(-1)] = value;
}
