// What the README says of operating the gate: it names every event, code and reason of the code, and an environment that wrangler takes.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import wrangler from "wrangler";
import { readToml } from "../../scripts/demo/config.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const text = name => readFileSync(join(root, name), "utf8");
const [, operating] = /\n## Operate it\n([^]*?)\n## /.exec(text("README.md"));
const words = (source, pattern) => [...source.matchAll(pattern)].map(([, word]) => word);
// The names of one `as_str`, which begins after this line.
const names = (file, after) => words(text(file).split(after)[1].split("\n    }\n")[0], /=> "([a-z_.]+)"/g);

const SOURCES = {
  "events": names("src/event.rs", "impl What {"),
  "events of the entry": words(text("src/shell/entry.js"), /event: "([a-z.]+)"/g),
  "codes": names("src/error.rs", "impl Code {"),
  "reasons of csrf.refused": names("src/csrf.rs", "impl Reason {"),
  "reasons of session_required": names("src/gate/no_session.rs", "impl Lack {"),
  "faults of the store": names("src/store.rs", "impl Fault {"),
  "reasons of an end": ["control.rs", "logout.rs", "out_of_band.rs"].flatMap(file => words(text(`src/gate/${file}`), /note_ended\([^;]*?"([a-z_]+)"/g)),
};

for (const [what, found] of Object.entries(SOURCES)) {
  test(`every one of the ${what} is named`, () => {
    assert.ok(found.length >= 2, found.join());
    assert.deepEqual(found.filter(word => !operating.includes(`\`${word}\``)), []);
  });
}

test("the second environment has what the first has, under an address of its own", t => {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-environment-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [, lines] = /```toml\n([^]*?)```/.exec(operating);
  writeFileSync(join(folder, "wrangler.toml"), `${text("wrangler.toml")}\n${lines}`);
  const { env, ...top } = readToml(join(folder, "wrangler.toml"), wrangler);
  assert.deepEqual(env.staging.durable_objects, top.durable_objects);
  assert.deepEqual(Object.keys(env.staging.vars.EDGE_SESSION), ["issuer", "origin"]);
  assert.ok(env.staging.routes[0].custom_domain);
});
