// scripts/dev --check: whether the gate takes a table as it would be deployed. It is asked itself, with keys that are made for this and forgotten.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newKey } from "../keylist/list.mjs";

const EXAMPLES = { issuer: "https://app.example.com", origin: "https://origin.example.com" };

/** What is wrong with the table, or with what stands around it, in words. `ask` starts a gate and gives what it lists. */
export async function examine({ settings, config, ask }) {
  const state = mkdtempSync(join(tmpdir(), "edge-session-check-"));
  const vars = { EDGE_SESSION_KEYS: `k1:${newKey()}`, EDGE_SESSION_ORIGIN_KEYS: `o1:${newKey()}`, EDGE_SESSION_LOCATOR_KEY: newKey() };
  // A service that is bound is somewhere else; here it is enough that it has its name.
  const bound = Object.fromEntries((settings.services ?? []).map(({ binding }) => [binding, "bound"]));
  try {
    return [...examples(config), ...local(config), ...await ask({ config, state, vars: { ...vars, ...bound } })];
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

const examples = config => Object.entries(EXAMPLES)
  .filter(([name, example]) => config[name] === example)
  .map(([name, example]) => `${name}: is ${example} still, the example`);

/** Plain http is for a gate on this machine, which is the only one that can come there. */
const local = config => ["issuer", "origin"]
  .filter(name => typeof config[name] === "string" && config[name].startsWith("http:"))
  .map(name => `${name}: ${config[name]} is on this machine`);

/** What is no mistake of the table, but keeps visitors away. */
export const reach = ({ routes, route, workers_dev: dev }) =>
  routes?.length > 0 || route || dev ? [] : ["wrangler.toml has no route and no custom domain, so no visitor comes to this Worker yet"];
