// Development secrets in .dev.vars, the file that wrangler reads too. Made once, never committed, readable
// by its owner only. The ids begin with `dev-`, which the gate refuses anywhere but on a loopback host.
import { chmodSync, closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { parseEnv } from "node:util";
import { newKey } from "../keylist/list.mjs";

const FRESH = {
  EDGE_SESSION_KEYS: () => `dev-gate-1:${newKey()}`,
  EDGE_SESSION_ORIGIN_KEYS: () => `dev-origin-1:${newKey()}`,
  EDGE_SESSION_LOCATOR_KEY: () => newKey(),
};

/** Reads the file, adding the secrets that it lacks. `{ vars, made }`: all variables, and the names just made. */
export function devVars(path) {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const made = Object.keys(FRESH).filter(name => !parseEnv(text)[name]);
  if (made.length > 0) {
    const lines = made.map(name => `${name}=${FRESH[name]()}\n`).join("");
    const head = text === "" ? "# Development secrets, made by scripts/dev. Deployed gates have their own: scripts/keys.\n" : "";
    const added = `${text === "" || text.endsWith("\n") ? "" : "\n"}${head}${lines}`;
    const file = openSync(path, "a", 0o600);
    writeSync(file, added);
    closeSync(file);
    chmodSync(path, 0o600); // also where the file was there before
    text += added;
  }
  return { vars: parseEnv(text), made };
}
