// What wrangler.toml says of the Worker as it is deployed, read as wrangler reads it.
import assert from "node:assert/strict";
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
