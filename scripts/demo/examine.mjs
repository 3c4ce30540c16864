// scripts/dev --check: whether the gate takes a table as it would be deployed. It is asked itself, with keys that are made for this and forgotten.
import { newKey } from "../keylist/list.mjs";
import { LOOPBACK } from "./config.mjs";

const EXAMPLES = { issuer: "https://app.example.com", origin: "https://origin.example.com" };

const SECRETS = ["EDGE_SESSION_KEYS", "EDGE_SESSION_ORIGIN_KEYS", "EDGE_SESSION_LOCATOR_KEY"];

/** What is bound by these is somewhere else; here it is enough that it has its name. */
const ELSEWHERE = ["services", "mtls_certificates", "vpc_services", "vpc_networks"];

/** What is wrong with the table, or with what stands around it, in words. `ask` starts a gate and gives what it lists. */
export async function examine({ settings, config, ask }) {
  const odd = shapeless(settings);
  if (odd.length > 0) return odd;
  const found = [...examples(config), ...hosts(config), ...around(settings, config)];
  const classes = unmade(settings);
  if (classes.length > 0) return [...found, ...classes]; // with these no gate starts that could be asked
  const keys = { EDGE_SESSION_KEYS: `k1:${newKey()}`, EDGE_SESSION_ORIGIN_KEYS: `o1:${newKey()}`, EDGE_SESSION_LOCATOR_KEY: newKey() };
  const bound = [...ELSEWHERE.flatMap(kind => settings[kind] ?? []), settings.assets ?? {}].filter(({ binding }) => binding !== undefined);
  return [...found, ...await ask({ config, vars: { ...Object.fromEntries(bound.map(({ binding }) => [binding, "bound"])), ...keys } })];
}

const examples = config => Object.entries(EXAMPLES)
  .filter(([name, example]) => config[name] === example)
  .map(([name, example]) => `${name}: is ${example} still, the example`);

/** Addresses that the gate takes, and that no gate on Cloudflare can be at or reach. */
const hosts = config => ["issuer", "origin"].flatMap(name => {
  const host = hostOf(config[name]);
  if (host === undefined) return [];
  if (LOOPBACK.test(host)) return [`${name}: ${config[name]} is on this machine`];
  return /^\[|^[\d.]+$/.test(host) ? [`${name}: ${config[name]} is an IP address, which Workers don't reach; give it a name`] : [];
});

const hostOf = address => (typeof address === "string" && /^https?:/i.test(address) && URL.canParse(address) ? new URL(address).hostname : undefined);

/** What keeps requests from the gate, or keys from being secret. */
function around(settings, config) {
  const { vars = {}, assets, cache } = settings;
  const here = routesOf(settings).filter(route => route.host.test(hostOf(config.issuer)));
  return [
    ...SECRETS.filter(name => name in vars).map(name => `${name}: stands in [vars], as plain text; it is a secret, for wrangler secret bulk`),
    ...assets && assets.run_worker_first !== true ? ["assets: without run_worker_first = true files are served without the gate"] : [],
    ...cache?.enabled ? ["cache: it answers without running the gate"] : [],
    ...config.origin === "route" && here.length > 0 && here.every(route => route.custom)
      ? ['origin: is "route", and with a custom domain there is no server behind the host'] : [],
  ];
}

/** wrangler wants a list where TOML is easily written as a table. */
function shapeless({ durable_objects: objects, ...settings }) {
  const lists = { ...settings, "durable_objects.bindings": objects?.bindings };
  return [...ELSEWHERE, "kv_namespaces", "migrations", "routes", "durable_objects.bindings"]
    .filter(name => lists[name] !== undefined && !Array.isArray(lists[name]))
    .map(name => (name === "routes" ? 'routes: is a list, as routes = ["app.example.com/*"]' : `${name}: is a list, as [[${name}]]`));
}

/** Durable Objects whose class no migration makes. */
function unmade({ durable_objects: objects, migrations = [], exports = {} }) {
  const made = new Set([...migrations.flatMap(one => one.new_sqlite_classes ?? []), ...Object.keys(exports)]);
  return (objects?.bindings ?? [])
    .filter(({ class_name: name }) => !made.has(name))
    .map(({ name, class_name: type }) => `${name}: no [[migrations]] makes ${type} with new_sqlite_classes`);
}

/** What is no mistake of the table, but keeps visitors away or is better known. */
export function remarks(settings, config) {
  const { workers_dev: dev, preview_urls: previews, observability, env = {} } = settings;
  const routes = routesOf(settings);
  const host = hostOf(config.issuer);
  const here = routes.filter(route => route.host.test(host));
  const isWorkersDev = host?.endsWith(".workers.dev") === true;
  const others = Object.keys(env).filter(name => env[name].vars?.EDGE_SESSION);
  return [
    ...isWorkersDev && dev === false ? ["workers_dev is off, so no visitor comes to this Worker"] : [],
    ...!isWorkersDev && routes.length === 0 ? ["wrangler.toml has no route and no custom domain, so no visitor comes to this Worker yet"] : [],
    ...!isWorkersDev && routes.length > 0 && here.length === 0 ? [`no route and no custom domain is for ${host}, so no visitor comes to this Worker`] : [],
    ...here.length > 0 && !here.some(route => route.whole) ? [`what is on ${host} and not on ${here.map(route => route.pattern).join(", ")} is reached without the gate`] : [],
    ...!isWorkersDev && dev === true ? ["workers_dev is on: a second address, where the gate answers 421"] : [],
    ...previews === true ? ["preview_urls is on: more addresses, where the gate answers 421"] : [],
    ...observability?.enabled && observability.logs?.invocation_logs !== false ? ["invocation_logs is on: each request's whole URL is logged, reset links included"] : [],
    ...others.length > 0 ? [`not looked at: ${others.map(name => `--env ${name}`).join(", ")}`] : [],
  ];
}

/** A pattern is a host with a path, both with `*`; that of a custom domain is a host. */
const routesOf = ({ routes, route }) => [...routes ?? [], ...route === undefined ? [] : [route]].map(one => {
  const { pattern, custom_domain: custom = false } = typeof one === "string" ? { pattern: one } : one;
  const [, host, path] = /^(?:https?:\/\/)?([^/]*)(.*)$/.exec(pattern);
  const glob = host.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return { pattern, custom, host: new RegExp(`^${glob}$`, "i"), whole: custom || path === "/*" || path === "" && host.endsWith("*") };
});
