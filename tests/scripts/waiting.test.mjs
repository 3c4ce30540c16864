// scripts/build and scripts/tools when another run of them is at work.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const without = spawnSync("flock", ["--version"]).error ? "there is no flock here" : false;

for (const name of ["tools", "build"]) {
  test(`scripts/${name} says what it waits for`, { skip: without }, async t => {
    // A folder of its own, in which nothing is installed: it is asked only whether it waits in silence.
    const folder = mkdtempSync(join(tmpdir(), "edge-session-waiting-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, ".tools"));
    cpSync(join(root, "scripts", name), join(folder, "scripts", name));
    if (name === "build") cpSync("/bin/true", join(folder, "scripts/tools"));
    const lock = join(folder, ".tools", name === "build" ? "build-lock" : "lock");
    const holder = spawn("flock", [lock, "sh", "-c", "echo held; read -r _"], { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise(resolve => holder.stdout.once("data", resolve));
    const run = spawn(join(folder, "scripts", name), { stdio: ["ignore", "ignore", "pipe"], detached: true });
    let said = "";
    await new Promise(resolve => {
      const timer = setTimeout(resolve, 10_000);
      run.stderr.on("data", data => {
        said += data;
        if (said.includes("\n")) resolve(clearTimeout(timer));
      });
    });
    process.kill(-run.pid);
    holder.stdin.end();
    assert.match(said, new RegExp(`^${name}: waiting for another run`));
  });
}
