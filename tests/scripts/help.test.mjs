// Every command says what it does when asked, and does nothing then.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const scripts = fileURLToPath(new URL("../../scripts/", import.meta.url));

function isCommand(name) {
  if (!statSync(join(scripts, name)).isFile()) return false;
  try {
    accessSync(join(scripts, name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

for (const name of readdirSync(scripts).filter(isCommand)) {
  test(`scripts/${name} --help`, t => {
    const elsewhere = mkdtempSync(join(tmpdir(), "edge-session-help-"));
    t.after(() => rmSync(elsewhere, { recursive: true }));
    const run = spawnSync(join(scripts, name), ["--help"], { cwd: elsewhere, encoding: "utf8", timeout: 20_000 });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(run.stderr, "");
    assert.match(run.stdout, /^\S.{20}/);
    assert.doesNotMatch(run.stdout, /^(#|set -e)/m);
  });
}
