// scripts/dev: what its options mean, and the configuration that comes out.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { asDeployed, build, readSettings, readTable } from "../../scripts/demo/config.mjs";
import { devVars } from "../../scripts/demo/dev-vars.mjs";
import { examine, remarks } from "../../scripts/demo/examine.mjs";
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
    ["--set", "__proto__.x=1"], ["--origin", "localhost:3000"], ["--origin", "http://h/path"], ["--origin", "ftp://h"], ["--port"], ["--quiet=yes"],
    ["--check", "--origin", "https://shop.example"], ["--check", "--port", "9000"], ["--env", "staging"]];
  for (const args of wrong) assert.throws(() => parse(args), UsageError, args.join(" "));
});

test("--set: a list or table as wrangler.toml has it is an error that shows the form", () => {
  for (const value of ['[{ path = "/x", access = "public" }]', '{ idle = "5s" }', '["a", ]']) {
    assert.throws(() => parse(["--set", `paths=${value}`]), error => error instanceof UsageError && error.message.includes('\'paths=[{"path":'), value);
  }
});

test("--check: the table stays as it is deployed, but for what --set says", () => {
  assert.equal(parse(["--check"]).check, true);
  const table = { issuer: "https://shop.example/", origin: "route" };
  assert.deepEqual(asDeployed({ settings, file: { table }, options: parse(["--set", "store=kv"]) }), { settings, config: { ...table, store: "kv" } });
  assert.deepEqual(asDeployed({ settings, options: parse([]) }), { settings, config: settings.vars.EDGE_SESSION });
});

test("a table that is written as text is one, as it is to the gate", () => {
  const text = { vars: { EDGE_SESSION: JSON.stringify(settings.vars.EDGE_SESSION) } };
  const options = parse(["--set", "lifetime.idle=5m"]);
  const { config } = asDeployed({ settings: text, options });
  assert.deepEqual(config, { ...settings.vars.EDGE_SESSION, lifetime: { idle: "5m" } });
  assert.deepEqual(build({ settings: text, options }), build({ settings, options }));
  assert.throws(() => asDeployed({ settings: { vars: { EDGE_SESSION: "{" } }, options }), Failure);
});

test("--check: a whole wrangler.toml is looked at with its own bindings, on the Worker that is built here", () => {
  const whole = { name: "shop", main: "theirs.js", kv_namespaces: [{ binding: "SESSIONS_KV" }], vars: { EDGE_SESSION: { store: "kv" } } };
  const here = { ...settings, name: "edge-session", main: "src/shell/entry.js", compatibility_date: "2026-10-01", routes: ["app.example.com/*"] };
  const { config, settings: around } = asDeployed({ settings: here, file: { table: whole.vars.EDGE_SESSION, whole }, options: parse([]) });
  assert.deepEqual(config, { store: "kv" });
  assert.deepEqual(around, { ...whole, name: here.name, main: here.main, compatibility_date: here.compatibility_date });
});

test("--check --env: an environment has its own table and bindings, and the routes and migrations of the top level", () => {
  const staging = { vars: { EDGE_SESSION: { issuer: "https://staging.example.com" } } };
  const all = { ...settings, routes: ["app.example.com/*"], kv_namespaces: [{ binding: "SESSIONS_KV" }], migrations: [{ tag: "v1" }], env: { staging, bare: {} } };
  const asked = name => asDeployed({ settings: all, options: parse(["--check", "--env", name]) });
  assert.deepEqual(asked("staging"), { config: staging.vars.EDGE_SESSION, settings: { ...staging, routes: all.routes, migrations: all.migrations } });
  assert.deepEqual(asked("bare").config, {});
  for (const name of ["production", "constructor"]) assert.throws(() => asked(name), UsageError);
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
});

test("--check: addresses that no gate on Cloudflare has or reaches are told of, and nothing untrue of others", async () => {
  const found = origin => examine({ settings, config: { issuer: "https://shop.example", origin }, ask: () => [] });
  for (const here of ["https://localhost:3000", "https://app.localhost", "https://127.0.0.1", "http://[::1]:80"]) assert.deepEqual(await found(here), [`origin: ${here} is on this machine`]);
  for (const address of ["https://10.0.0.5", "https://[2001:db8::1]", "https://0x0a000005"]) assert.match((await found(address)).join(), /^origin: .* is an IP address/);
  for (const other of ["http://origin.shop.example", "https://localhost.example", "https://10.example", "binding:SHOP", "route", 5, undefined]) assert.deepEqual(await found(other), [], String(other));
});

test("--check: whatever can be bound and fetches is bound, and hides no key", async () => {
  let asked;
  for (const kind of ["services", "mtls_certificates", "vpc_services", "vpc_networks"]) {
    await examine({ settings: { [kind]: [{ binding: "SHOP" }, { binding: "EDGE_SESSION_KEYS" }] }, config: {}, ask: given => ((asked = given), []) });
    assert.equal(asked.vars.SHOP, "bound", kind);
    assert.match(asked.vars.EDGE_SESSION_KEYS, /^k1:/);
  }
});

test("--check: what goes around the gate, keys that all can read, and objects that nothing makes, are refused", async () => {
  const config = { issuer: "https://shop.example", origin: "route" };
  const found = async settings => (await examine({ settings, config, ask: () => [] })).join();
  const secret = "k1:c2VjcmV0";
  const told = await found({ vars: { EDGE_SESSION: config, EDGE_SESSION_ORIGIN_KEYS: secret } });
  assert.match(told, /^EDGE_SESSION_ORIGIN_KEYS: stands in \[vars\]/);
  assert.ok(!told.includes(secret));
  for (const run_worker_first of [undefined, false, ["/account/*"]]) assert.match(await found({ assets: { directory: "public", run_worker_first } }), /^assets: /);
  assert.equal(await found({ assets: { directory: "public", run_worker_first: true } }), "");
  assert.match(await found({ cache: { enabled: true } }), /^cache: /);
  assert.match(await found({ routes: [{ pattern: "shop.example", custom_domain: true }] }), /^origin: is "route"/);
  assert.match(await found({ routes: [{ pattern: "shop.example", custom_domain: true }, "www.shop.example/*"] }), /^origin: is "route"/);
  assert.equal(await found({ routes: [{ pattern: "shop.example", custom_domain: true }, "shop.example/*"] }), "");
  const objects = { durable_objects: { bindings: [{ name: "SESSIONS", class_name: "SessionObject" }] } };
  assert.match(await found({ ...objects, migrations: [{ tag: "v1", new_sqlite_classes: ["Other"] }] }), /^SESSIONS: no \[\[migrations\]\] makes SessionObject/);
  assert.equal(await found({ ...objects, migrations: [{ tag: "v1", new_sqlite_classes: ["SessionObject"] }] }), "");
  assert.equal(await found({ ...objects, exports: { SessionObject: { type: "durable-object", storage: "sqlite" } } }), "");
});

test("--check: a table where wrangler wants a list is told of in words", async () => {
  const found = settings => examine({ settings, config: { issuer: "https://shop.example", origin: "route" }, ask: () => assert.fail("no gate starts with it") });
  for (const name of ["services", "kv_namespaces", "migrations"]) assert.deepEqual(await found({ [name]: { tag: "v1" } }), [`${name}: is a list, as [[${name}]]`]);
  assert.deepEqual(await found({ durable_objects: { bindings: { name: "SESSIONS" } } }), ["durable_objects.bindings: is a list, as [[durable_objects.bindings]]"]);
  assert.match((await found({ routes: "shop.example/*" })).join(), /^routes: is a list/);
});

test("--check: a Worker that nothing leads to, or not all that it is to guard, is told of", () => {
  const told = (settings, issuer = "https://shop.example") => remarks(settings, { issuer }).join();
  const routes = [{ pattern: "shop.example", custom_domain: true }];
  for (const settings of [{ routes }, { route: "shop.example/*" }, { routes: ["https://shop.example/*"] }, { routes: ["*shop.example/*"] }, { routes: ["shop.example*"] }]) {
    assert.equal(told(settings), "", JSON.stringify(settings));
  }
  assert.match(told({ workers_dev: false }), /^wrangler\.toml has no route/);
  for (const pattern of ["www.shop.example/*", "*.shop.example/*"]) assert.match(told({ routes: [pattern] }), /^no route and no custom domain is for shop\.example,/, pattern);
  assert.match(told({ routes: ["shop.example/*"] }, "https://shop-example"), /^no route/);
  for (const pattern of ["shop.example", "shop.example/account/*"]) assert.match(told({ routes: [pattern] }), /is reached without the gate$/, pattern);
  assert.equal(told({ workers_dev: true }, "https://gate.shop.workers.dev"), "");
  assert.match(told({ workers_dev: false }, "https://gate.shop.workers.dev"), /^workers_dev is off/);
  assert.match(told({ routes, workers_dev: true, preview_urls: true }), /^workers_dev is on.*,preview_urls is on/);
  assert.match(told({ routes, observability: { enabled: true } }), /^invocation_logs is on/);
  assert.equal(told({ routes, observability: { enabled: true, logs: { invocation_logs: false } } }), "");
  assert.equal(told({ routes, env: { staging: { vars: { EDGE_SESSION: {} } }, other: {} } }), "not looked at: --env staging");
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
    assert.deepEqual(structuredClone(readTable(path, wrangler)), { table: expected, whole: undefined });
  }
  writeFileSync(path, '// of a Worker\n{ "main": "x.js", "vars": { "EDGE_SESSION": { "audience": "x", }, }, }\n');
  assert.deepEqual(structuredClone(readTable(path, wrangler)), { table: { audience: "x" }, whole: { main: "x.js", vars: { EDGE_SESSION: { audience: "x" } } } });
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
