// scripts/dev: what its options mean, and the configuration that comes out.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { asDeployed, build, readSettings, readTable } from "../../scripts/demo/config.mjs";
import { devVars } from "../../scripts/demo/dev-vars.mjs";
import { examine, reach } from "../../scripts/demo/examine.mjs";
import { Failure } from "../../scripts/demo/failure.mjs";
import { Ids } from "../../scripts/demo/ids.mjs";
import { UsageError, parse } from "../../scripts/demo/options.mjs";
import { parse as parseKeys } from "../../scripts/keylist/list.mjs";

const settings = { vars: { EDGE_SESSION: { issuer: "https://app.example.com", origin: "https://origin.example.com", audience: "origin", lifetime: { idle: "30m" } } } };
const configure = (args, file) => build({ settings, options: parse(args), file });

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "edge-session-test-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("--set: numbers, booleans, lists and tables are JSON, all else is text", () => {
  const values = {
    "5s": "5s", "50": 50, "-1": -1, "1e3": 1000, true: true, false: false, '["a"]': ["a"], '[{"path":"/x"}]': [{ path: "/x" }],
    '{"a":1}': { a: 1 }, '"50"': "50", "a=b": "a=b", "[::1]": "[::1]", "": "", truely: "truely", "127.0.0.1": "127.0.0.1", null: "null",
  };
  for (const [text, value] of Object.entries(values)) {
    assert.deepEqual(parse(["--set", `a.b=${text}`]).sets, [{ path: ["a", "b"], value }], text);
  }
});

test("wrong options are usage errors", () => {
  const wrong = [["--nope"], ["extra"], ["--port", "0"], ["--port", "65535"], ["--port", "x"], ["--set", "x"], ["--set", "=1"], ["--set", "a..b=1"],
    ["--set", "__proto__.x=1"], ["--origin", "localhost:3000"], ["--origin", "http://h/path"], ["--origin", "ftp://h"], ["--port"], ["--quiet=yes"]];
  for (const args of wrong) assert.throws(() => parse(args), UsageError, args.join(" "));
});

test("--set: a list or table as wrangler.toml has it is an error that shows the form", () => {
  for (const value of ['[{ path = "/x", access = "public" }]', '{ idle = "5s" }', '["a", ]']) {
    assert.throws(() => parse(["--set", `paths=${value}`]), error => error instanceof UsageError && error.message.includes('\'paths=[{"path":'), value);
  }
});

test("--check: the table stays as it is deployed, but for what --set says", () => {
  assert.equal(parse(["--check"]).check, true);
  const file = { issuer: "https://shop.example/", origin: "route" };
  assert.deepEqual(asDeployed({ settings, file, options: parse(["--set", "store=kv"]) }), { ...file, store: "kv" });
  assert.deepEqual(asDeployed({ settings, options: parse([]) }), settings.vars.EDGE_SESSION);
});

test("--check: the examples of wrangler.toml are no configuration, bound services are there, and keys are none of the development's", async () => {
  let asked;
  const config = { issuer: "https://app.example.com", origin: "binding:SHOP" };
  const ask = given => {
    asked = given;
    return ["lifetime.idle: the gate's words"];
  };
  assert.deepEqual(await examine({ settings: { services: [{ binding: "SHOP" }] }, config, ask }), ["issuer: is https://app.example.com still, the example", "lifetime.idle: the gate's words"]);
  assert.deepEqual(await examine({ settings, config: { issuer: "https://shop.example", origin: "http://localhost:3000" }, ask: () => [] }), ["origin: http://localhost:3000 is on this machine"]);
  assert.deepEqual(await examine({ settings, config: { issuer: "https://shop.example", origin: "route" }, ask: () => [] }), []);
  assert.equal(typeof asked.vars.SHOP, "string");
  assert.ok(Object.values(asked.vars).every(text => !text.startsWith("dev-")));
  assert.throws(() => statSync(asked.state), { code: "ENOENT" });
});

test("--check: a Worker that nothing leads to is told of", () => {
  for (const settings of [{ routes: [{ pattern: "shop.example", custom_domain: true }] }, { route: "shop.example/*" }, { workers_dev: true }]) assert.deepEqual(reach(settings), []);
  assert.match(reach({ workers_dev: false })[0], /no route/);
});

test("the site is here and the origin is the demonstration, whatever wrangler.toml names", () => {
  const { config, port, demonstration } = configure(["--set", "lifetime.idle=5s", "--set", "cookie.same_site=Strict"]);
  assert.equal(port, 8787);
  assert.equal(demonstration, true);
  assert.equal(config.issuer, "http://localhost:8787");
  assert.equal(config.origin, undefined, "set once it listens");
  assert.equal(config.lifetime.idle, "5s");
  assert.deepEqual(config.cookie, { same_site: "Strict" });
  assert.equal(config.paths.find(({ path }) => path === "/live").activity, false);
  assert.equal(settings.vars.EDGE_SESSION.lifetime.idle, "30m", "the settings themselves stay as they are");
});

test("--origin: no demonstration, and none of its path rules", () => {
  const { config, demonstration } = configure(["--origin", "http://localhost:3000/", "--port", "9000"]);
  assert.equal(demonstration, false);
  assert.equal(config.origin, "http://localhost:3000");
  assert.equal(config.issuer, "http://localhost:9000");
  assert.equal(config.paths, undefined);
});

test("--set has the last word", () => {
  const { config } = configure(["--set", "default_access=optional", "--set", 'paths=[{"path":"/","access":"public"}]']);
  assert.equal(config.default_access, "optional");
  assert.deepEqual(config.paths, [{ path: "/", access: "public" }]);
  assert.equal(configure(["--set", "origin=http://127.0.0.1:1"]).demonstration, false);
});

test("--config replaces the whole table, and its own port counts", () => {
  const file = { issuer: "http://localhost:9999", audience: "x", origin: "http://127.0.0.1:1" };
  const here = configure([], file);
  assert.equal(here.port, 9999);
  assert.deepEqual(here.config, file);
  assert.deepEqual(here.notes, []);
  const elsewhere = configure([], { ...file, issuer: "https://app.example.com" });
  assert.equal(elsewhere.config.issuer, "http://localhost:8787");
  assert.match(elsewhere.notes.join(), /not https:\/\/app\.example\.com/);
  assert.equal(configure(["--port", "9000"], file).config.issuer, "http://localhost:9000");
  assert.equal(configure([], { audience: "x" }).config.paths, undefined, "the file says all, the demonstration's rules too");
});

test("the audience is the gate's own default where neither file says one", () => {
  assert.equal(configure([], { issuer: "http://localhost:8787" }).config.audience, "origin");
});

test("a file may be JSON or TOML, bare or a whole wrangler.toml, of any name", t => {
  const wrangler = createRequire(import.meta.url)("wrangler");
  const path = join(folder(t), "table");
  const expected = { audience: "x", lifetime: { idle: "5s" } };
  for (const text of [
    JSON.stringify(expected), 'audience = "x"\n[lifetime]\nidle = "5s"\n', '[vars.EDGE_SESSION]\naudience = "x"\nlifetime = { idle = "5s" }\n',
  ]) {
    writeFileSync(path, text);
    assert.deepEqual(structuredClone(readTable(path, wrangler)), expected);
  }
  for (const text of ["{", "not toml", "[["]) {
    writeFileSync(path, text);
    assert.throws(() => readTable(path, wrangler), UsageError);
  }
  writeFileSync(path, 'a = 1\nb =\n');
  assert.throws(() => readTable(path, wrangler), /line 2: /);
  assert.throws(() => readTable(`${path}.missing`, wrangler), UsageError);
});

test("a wrangler.toml that cannot be read is told by file and line, without a stack", t => {
  const wrangler = createRequire(import.meta.url)("wrangler");
  const path = join(folder(t), "wrangler.toml");
  assert.throws(() => readSettings(path, wrangler), error => error instanceof Failure && /wrangler\.toml.*could not read/i.test(error.message));
  writeFileSync(path, 'name = "x"\nmain =\n');
  assert.throws(() => readSettings(path, wrangler), error => error instanceof Failure && /wrangler\.toml, line 2: /.test(error.message));
});

test(".dev.vars is made once, for its owner only, with ids that no real site accepts", t => {
  const path = join(folder(t), ".dev.vars");
  const first = devVars(path);
  assert.equal(first.made.length, 3);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  for (const name of ["EDGE_SESSION_KEYS", "EDGE_SESSION_ORIGIN_KEYS"]) {
    for (const { kid } of parseKeys(first.vars[name], name)) assert.match(kid, /^dev-/);
  }
  const second = devVars(path);
  assert.deepEqual(second.made, []);
  assert.deepEqual(second.vars, first.vars);

  writeFileSync(path, `OTHER=1\n${readFileSync(path, "utf8").replace(/^EDGE_SESSION_LOCATOR_KEY=.*\n/m, "")}`);
  const third = devVars(path);
  assert.deepEqual(third.made, ["EDGE_SESSION_LOCATOR_KEY"], "only what is missing");
  assert.equal(third.vars.EDGE_SESSION_KEYS, first.vars.EDGE_SESSION_KEYS);
  assert.equal(third.vars.OTHER, "1");
});

test("a list of keys that is none is left for the gate to name, in words", () => {
  for (const keys of ["garbage", "", "k:short"]) assert.doesNotThrow(() => new Ids(keys), keys);
});
