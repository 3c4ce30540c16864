// The lines of the README that an application copies.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { dollars, written } from "../../scripts/pricing/prices.mjs";
import { sign } from "../e2e/harness/jws.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const [reading, answering] = [...readme.matchAll(/```js\n([^]*?)```/g)].map(([, lines]) => lines);
const now = Math.floor(Date.now() / 1000);
const key = Buffer.alloc(32, 7);
const KEYS = `o1:${key.toString("base64url")},o0:${"B".repeat(43)}`;
const claims = { iss: "https://app.example.com", aud: "origin", iat: now, exp: now + 60, jti: "r1", sub: "user-17" };
const header = { alg: "HS256", typ: "edge-session-assertion+jwt", kid: "o1" };
// What its lines in both languages make for this assertion.
const LOGIN = { iss: "origin", aud: "https://app.example.com", req: "r1", op: "create", sub: "user-17" };

function isLogin(control) {
  const [head, body, mac] = control.split(".");
  assert.deepEqual(decoded(head), { alg: "HS256", typ: "edge-session-control+jwt", kid: "o1" });
  const { iat, exp, ...rest } = decoded(body);
  assert.deepEqual(rest, LOGIN);
  assert.ok(Number.isInteger(iat) && exp === iat + 30);
  const signed = createHmac("sha256", key).update(`${head}.${body}`).digest("base64url");
  assert.equal(mac, signed);
}
const decoded = part => JSON.parse(Buffer.from(part, "base64url"));

test("the lines for Node.js are those that scripts/dev prints, and take an assertion and answer it", async t => {
  assert.ok(reading.includes(readFileSync(join(root, "scripts/demo/ten-lines.mjs"), "utf8").trimEnd()));
  const folder = mkdtempSync(join(tmpdir(), "edge-session-readme-"));
  t.after(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const file = join(folder, "lines.mjs");
  writeFileSync(file, `const KEYS = ${JSON.stringify(KEYS)};\n${reading}\nexport async function answer(claims, response) {\n${answering}}\n`);
  const { gate, answer } = await import(file);
  const taken = await gate.verify(sign(header, claims, key));
  assert.equal(taken.sub, "user-17");
  // An id that names no key is never an empty key, which some libraries verify with.
  for (const kid of ["", "o3", "__proto__", undefined]) await assert.rejects(gate.verify(sign({ ...header, kid }, claims, Buffer.alloc(0))), Error, kid);
  const set = {};
  await answer(taken, { setHeader: (name, value) => (set[name] = value) });
  isLogin(set["Edge-Session-Control"]);
});

// Of the Django kit, with the PyJWT that it is tested with.
const python = join(root, ".tools/venv/bin/python");

test("the lines for Python take an assertion, and no other message, and answer it", { skip: existsSync(python) ? false : "there is no .tools/venv" }, () => {
  const lines = [...readme.matchAll(/```python\n([^]*?)```/g)].map(([, block]) => block).join("\n");
  const read = (given, of = {}) => {
    const token = sign({ ...header, ...given }, { ...claims, ...of }, key);
    return spawnSync(python, ["-c", `import os\nKEYS, token = os.environ["KEYS"], os.environ["TOKEN"]\n${lines}\nprint(claims["sub"], control)`], {
      env: { KEYS, TOKEN: token }, encoding: "utf8",
    });
  };
  const [sub, control] = read({}).stdout.trim().split(" ");
  assert.equal(sub, "user-17", read({}).stderr);
  isLogin(control);
  for (const [given, of] of [[{ typ: "edge-session-control+jwt" }], [{ kid: "o0" }], [{ kid: "o3" }], [{ alg: "none" }], [{}, { aud: "other" }], [{}, { exp: now - 61 }]]) {
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
