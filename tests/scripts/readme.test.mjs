// The lines of the README that an application copies.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const readme = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../../README.md"), "utf8");
const [verifying] = readme.match(/(?<=```js\n)[^`]*jwtVerify[^]*?(?=```)/);
const AsyncFunction = (async () => {}).constructor;

// Runs them with a library that asks for the key that a protected header names, and gives that key.
async function keyFor(kid) {
  const jwtVerify = async (token, keyOf) => ({ payload: await keyOf({ alg: "HS256", kid }) });
  const KEYS = `o2:${"B".repeat(43)},o1:${"A".repeat(43)}`;
  const lines = `${verifying.replace(/^import .*$/m, "")}\nreturn payload;`;
  return new AsyncFunction("jwtVerify", "KEYS", "request", lines)(jwtVerify, KEYS, { headers: {} });
}

test("every key of the list is found by its id", async () => {
  assert.deepEqual(await keyFor("o1"), Buffer.alloc(32));
  assert.equal((await keyFor("o2")).length, 32);
});

test("an id that names no key is an error, and never an empty key, which some libraries verify with", async () => {
  for (const kid of ["", "o3", "__proto__", undefined]) await assert.rejects(keyFor(kid), Error, kid);
});
