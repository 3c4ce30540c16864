// What wrangler.toml says of the Worker as it is deployed, read as wrangler reads it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import wrangler from "wrangler";
import { readToml } from "../../scripts/demo/config.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const deployed = readToml(join(root, "wrangler.toml"), wrangler);

test("there is no second address, and nothing that answers before the gate does", () => {
  assert.deepEqual([deployed.workers_dev, deployed.preview_urls], [false, false]);
  assert.deepEqual([deployed.cache, deployed.assets], [undefined, undefined]);
});

test("the platform's log has what the gate says in it, and no request with address, path and query", () => {
  const { enabled, logs, traces, redact_query_string } = deployed.observability;
  assert.deepEqual([enabled, logs?.enabled, logs?.invocation_logs, traces?.enabled, redact_query_string], [true, true, false, false, true]);
});

test("every option that wrangler.toml names is in the README's table, and the other way round", () => {
  const text = name => readFileSync(join(root, name), "utf8");
  const named = [];
  let table = "";
  for (const line of text("wrangler.toml").split("[vars.EDGE_SESSION]")[1].split("\n")) {
    table = /^\[vars\.EDGE_SESSION\.([a-z]+)\]$/.exec(line)?.[1].concat(".") ?? table;
    const option = /^(?:# )?([a-z_]+) = /.exec(line)?.[1];
    if (option) named.push(table + option);
  }
  const [, rows] = /\| option \| default \| meaning \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/.exec(text("README.md"));
  const told = [...rows.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.deepEqual(told.sort(), named.sort());
});
