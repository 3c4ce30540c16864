// What the commands say on a machine whose Node.js is missing or too old.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const TOOLS = ["bash", "env", "sed", "dirname", "mkdir", "cat"];

// A fresh clone's scripts, with nothing installed beside them, and a PATH with this Node.js in it: the text of a program, or none.
function machine(t, node) {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-fresh-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true, filter: file => !file.includes("node_modules") });
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = (name, text) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  for (const name of TOOLS) symlinkSync(["/usr/bin", "/bin"].map(place => join(place, name)).find(existsSync), join(bin, name));
  for (const name of ["cargo", "npm"]) program(name, "exit 7");
  if (node) program("node", node);
  return (...args) => spawnSync(join(folder, args[0]), args.slice(1), { env: { PATH: bin, HOME: folder }, encoding: "utf8", timeout: 20_000 });
}

for (const [what, node, says] of [
  ["missing", undefined, /^tools: Node\.js is missing\. Install 18 or newer/],
  ["too old", `case $1 in --version) echo v12.22.9 ;; *) echo "SyntaxError: Unexpected token" >&2; exit 1 ;; esac`, /^tools: Node\.js v12\.22\.9 is too old\. Install 18 or newer/],
]) {
  test(`a Node.js that is ${what} is told in one line`, t => {
    const run = machine(t, node);
    for (const name of ["bench", "dev", "build", "tools"]) {
      const { status, stderr, stdout } = run(`scripts/${name}`);
      assert.deepEqual([status, stdout], [1, ""], name);
      assert.match(stderr, says, name);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    for (const name of ["keys", "cost"]) {
      const { status, stderr } = run(`scripts/${name}`, "new");
      assert.deepEqual([status, stderr], [1, `scripts/${name}: needs Node.js 18 or newer (or run scripts/dev once, which installs one)\n`]);
    }
  });
}
