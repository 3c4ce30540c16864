// The README's lines that look at a deployment from outside, run as they stand against the built Worker.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import { startGate } from "../e2e/harness/gate.mjs";
import { verifyAssertion } from "../e2e/harness/jws.mjs";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const [, block] = /\n### Check it from outside\n[^]*?```sh\n([^]*?)```/.exec(readme);
const lines = block.trim().split("\n").slice(2).map(line => /^(.*?) +# (\d{3}(?: [a-z]+\/[a-z+]+)?)(?: {3}.*)?$/.exec(line).slice(1));
const noCurl = spawnSync("curl", ["--version"]).error ? "there is no curl" : false;

let gate;
test.before(async () => {
  gate = await startGate({ config: { login_url: "/", paths: [{ path: "/", access: "optional" }] } });
  // An application as it should be: what has not come through the gate is refused.
  gate.origin.handler = async (request, response) => {
    response.statusCode = await verifyAssertion(gate, request.header("edge-session-assertion") ?? "").then(() => 200, () => 403);
    response.end();
  };
});
test.after(() => gate.stop());

// What the lines print, in order.
async function printed() {
  const script = block.replace(/^SITE=.*$/m, `SITE=${gate.issuer} ORIGIN=${gate.origin.url}`);
  const { stdout } = await promisify(execFile)("sh", ["-c", script]);
  return stdout.split("\n").slice(0, -1).map(line => line.trim());
}

test("a deployment that is right answers every line as its comment says", { skip: noCurl }, async () => {
  assert.equal(lines.length, 8);
  const answers = await printed();
  assert.deepEqual(lines.map(([command], place) => [command, answers[place]]), lines);
});

test("one that is wrong is told, each fault by the line that is for it", { skip: noCurl }, async () => {
  const differing = async () => (await printed()).map((answer, place) => (answer === lines[place][1] ? undefined : [place, answer])).filter(Boolean);
  const { handler } = gate.origin;
  gate.origin.handler = (request, response) => response.end();
  assert.deepEqual(await differing(), [[6, "200"], [7, "200"]], "an application that believes everybody");
  gate.origin.handler = (request, response) => response.writeHead(403).end();
  assert.deepEqual(await differing(), [[5, "403"]], "one with other keys");
  gate.origin.handler = handler;
  await gate.setConfig(gate.config, { EDGE_SESSION_KEYS: null });
  assert.deepEqual((await differing())[0], [0, "500 application/problem+json"], "a secret that is missing");
});
