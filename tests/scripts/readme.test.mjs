// The lines of the README that an application copies.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { dollars, written } from "../../scripts/pricing/prices.mjs";
import { sign } from "../e2e/harness/jws.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
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

// Of the Django kit, with the PyJWT that it is tested with.
const python = join(root, ".tools/venv/bin/python");

test("the lines for Python take an assertion, and no other message", { skip: existsSync(python) ? false : "there is no .tools/venv" }, () => {
  const [lines] = readme.match(/(?<=```python\n)[^]*?(?=```)/);
  const key = Buffer.alloc(32, 7);
  const KEYS = `o2:${"B".repeat(43)},o1:${key.toString("base64url")}`;
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://app.example.com", aud: "origin", iat: now, exp: now + 60, jti: "r1", sub: "user-17" };
  const header = { alg: "HS256", typ: "edge-session-assertion+jwt", kid: "o1" };
  const read = (given, of = {}) => {
    const token = sign({ ...header, ...given }, { ...claims, ...of }, key);
    return spawnSync(python, ["-c", `import os\nKEYS, token = os.environ["KEYS"], os.environ["TOKEN"]\n${lines}\nprint(claims["sub"])`], {
      env: { KEYS, TOKEN: token }, encoding: "utf8",
    });
  };
  assert.equal(read({}).stdout, "user-17\n", read({}).stderr);
  for (const [given, of] of [[{ typ: "edge-session-control+jwt" }], [{ kid: "o2" }], [{ kid: "o3" }], [{ alg: "none" }], [{}, { aud: "other" }], [{}, { exp: now - 61 }]]) {
    const { status, stdout } = read(given, of);
    assert.deepEqual([status, stdout], [1, ""], JSON.stringify([given, of]));
  }
});

test("what a day costs is what was counted", () => {
  const { day } = JSON.parse(readFileSync(join(root, "tests/data/cost.json"), "utf8"));
  const [, rows] = /\| \$ per million requests \|\n\|[-|]+\n((?:\|.*\n)+)/.exec(readme);
  const told = rows.trim().split("\n").map(row => row.split("|").slice(1, -1).map(cell => cell.replaceAll("`", "").replace(" (default)", "").trim()))
    .map(([name, ...figures]) => [name, ...figures.map(Number)]);
  const counted = Object.entries(day).map(([name, { requests, ...counts }]) => {
    const all = { calls: 0, alarms: 0, kv_reads: 0, kv_writes: 0, kv_deletes: 0, kv_lists: 0, ...counts };
    const per = count => Math.round((count / requests) * 1e4) / 10;
    const [store, window] = name.split(" ");
    return [`${store}, window ${window}`, per(all.calls + all.alarms), per(written(all)), per(all.kv_reads), per(all.kv_writes + all.kv_deletes + all.kv_lists), Number(dollars(requests, all).toFixed(3))];
  });
  assert.deepEqual(told, counted);
});
