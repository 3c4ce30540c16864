// What is deployed stays as small as tests/data/bytes.json says. A hundredth more is let pass: the Wasm holds the paths of the machine that
// built it. BYTES_PIN=write writes the file anew.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { bytes } from "../../scripts/benchmarks/bytes.mjs";

const FILE = new URL("../data/bytes.json", import.meta.url);
const RISE = 1.01;
const FALL = 0.95;
const how = "BYTES_PIN=write node_modules/.bin/node --test tests/e2e/bytes.test.mjs";

const now = await bytes();
if (process.env.BYTES_PIN === "write") writeFileSync(FILE, `${JSON.stringify(now, null, 2)}\n`);
const pinned = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};

for (const part of Object.keys(now)) {
  for (const form of Object.keys(now[part])) {
    test(`the ${part} has no more ${form} bytes than pinned`, () => {
      const [size, pin] = [now[part][form], pinned[part]?.[form]];
      assert.notEqual(pin, undefined, `nothing is pinned: ${how}`);
      assert.ok(size <= pin * RISE, `${part}, ${form}: ${pin} bytes rose to ${size}. If they are worth it, pin them: ${how}`);
      assert.ok(size >= pin * FALL, `${part}, ${form}: ${pin} bytes fell to ${size}. Pin that, so that they stay away: ${how}`);
    });
  }
}
