// A misconfigured Worker answers 500 config_invalid, forwards nothing, and tells the operator everything that is wrong at once.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, cookieIn, eventually } from "./harness/app.mjs";
import { makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, get, send } from "./harness/raw.mjs";

let gate;
test.before(async () => {
  gate = await startGate({ config: {} });
  application(gate);
});
test.after(() => gate.stop());

const key = () => makeKey("x").entry.slice(2);
const problems = () => gate.events("config.invalid").flatMap((event) => event.problems);

// Deploys it, and returns what the log says is wrong with it.
async function isInvalid(what, config, secrets = {}) {
  gate.origin.forget();
  await gate.setConfig(config, secrets);
  await gate.forgetLogs();
  const requests = [["GET", "/"], ["POST", "/x"], ["GET", "/.edge-session/x"], ["POST", "/.edge-session/logout"], ["POST", "/.edge-session/control"]];
  for (const [method, path] of requests) {
    const answer = await send(gate, method, path, [...BROWSER.fetch, ["Cookie", `${SESSION}=x`]]);
    assert.deepEqual([answer.status, answer.code, answer.header("cache-control")], [500, "config_invalid", "no-store"], what);
    assert.deepEqual(Object.keys(answer.json()).sort(), ["code", "status", "title", "type"], "the browser is told no more");
  }
  assert.equal(gate.origin.requests.length, 0, what);
  assert.deepEqual(await gate.storeCalls(), []);
  assert.ok(await eventually(() => problems().length > 0), `${what} is logged`);
  return problems();
}

test("no configuration, and a configuration that is no table", async () => {
  for (const [what, config] of [["none", null], ["empty text", ""], ["no JSON", "issuer = 1"], ["a list", "[]"], ["JSON null", "null"], ["a member twice", '{"issuer":"https://a","issuer":"https://b"}']]) {
    assert.match((await isInvalid(what, config)).join(), /EDGE_SESSION/, what);
  }
});

test("everything that is wrong is reported at once, each by its full name, and no value is repeated", async () => {
  const found = await isInvalid("all", {
    isuer: "typo-value", default_access: "maybe-value", paths: [{ path: "no-slash-value", access: "public" }, { path: "/x", acess: "y" }],
    lifetime: { idle: "-5m", absolute: "soon-value", idel: "1m" }, rotation: { grace: "10m", reuse_after: "1m" }, limits: { data: 1_000_000, per_subject: 0 },
    csrf: { trusted_origins: ["*"], insecure_exempt_paths: ["/hook/*"] }, cookie: { name: "session", same_site: "None" }, freshness: { safe: 10 }, log: { level: "loud" }, store: "redis", assertion: { ttl: "1h" }, store_deadline: "0s",
  });
  for (const name of [
    "isuer", "default_access", "paths[1].path", "paths[2]", "lifetime.idle", "lifetime.absolute", "lifetime.idel", "rotation.grace", "limits.data", "limits.per_subject", "csrf.trusted_origins", "csrf.insecure_exempt_paths",
    "cookie.name", "cookie.same_site", "freshness.safe", "log.level", "store", "assertion.ttl", "store_deadline",
  ]) {
    assert.ok(found.some((problem) => problem.startsWith(name)), `${name} in ${found.join("\n")}`);
  }
  assert.doesNotMatch(found.join(), /-value/);
});

// A deployment takes a while, and all of its mistakes are reported at once: so each of these has as many as fit, and what is to be named.
const CONTRADICTIONS = [
  ["an issuer that is missing", (gate) => JSON.stringify({ origin: gate.origin.url, audience: "origin" }), ["issuer"]],
  ["an origin that is missing", (gate) => JSON.stringify({ issuer: gate.issuer, audience: "origin" }), ["origin"]],
  ["an issuer with a path, a plain http origin", () => ({ issuer: "https://app.example.com/", origin: "http://origin.example.com" }), ["issuer", "origin"]],
  ["http beyond loopback, an origin with a path", () => ({ issuer: "http://app.example.com", origin: "https://origin.example.com/app" }), ["issuer", "origin"]],
  ["an issuer in capitals, a binding without a name", () => ({ issuer: "https://App.example.com", origin: "binding:" }), ["issuer", "origin"]],
  ["an issuer with its default port, route on loopback", () => ({ issuer: "https://app.example.com:443" }), ["issuer"]],
  ["route on loopback", () => ({ origin: "route" }), ["origin"]],
  ["an audience and an origin that are the issuer", (gate) => ({ audience: gate.issuer, origin: gate.issuer }), ["audience", "origin"]],
  ["public as a plain default, rules that cannot be", () => ({ default_access: "public", paths: [{ path: "/a/*/b", access: "public" }, { path: "/a//b", access: "public" }, { path: "/a?b", access: "public" }, { path: "/a" }] }), ["default_access", "paths[1]", "paths[2]", "paths[3]", "paths[4]"]],
  ["two defaults, times that are none", () => ({ default_access: "optional", insecure_default_access: "public", lifetime: { idle: "0s", anonymous: "5 minutes", touch: 300, absolute: "99999999999999999999d" } }), ["insecure_default_access", "lifetime.idle", "lifetime.anonymous", "lifetime.touch", "lifetime.absolute"]],
  ["pages that cannot be reached", () => ({ login_url: "/login", logout_url: "//evil.example" }), ["login_url", "logout_url"]],
  ["pages that are dangerous", () => ({ login_url: "javascript:alert(1)", logout_url: "http://evil.example/" }), ["login_url", "logout_url"]],
  ["an idle time beyond the absolute one, a freshness beyond the idle time", () => ({ lifetime: { idle: "2h", anonymous: "5s", absolute: "1h" }, freshness: { safe: "6s" } }), ["lifetime.idle", "freshness.safe"]],
  ["an exemption that is required", () => ({ csrf: { insecure_exempt_paths: ["/hook"] } }), ["csrf.insecure_exempt_paths"]],
  ["trust in a path, weak options under other names, a table that is none", () => ({ csrf: { trusted_origins: ["https://a.example/"], report_only: true, exempt_paths: ["/x"] }, rotation: "15m", cookie: { same_site: "none", name: "sid", secure: false } }), ["csrf.trusted_origins", "csrf.report_only", "csrf.exempt_paths", "rotation", "cookie.same_site", "cookie.name", "cookie.secure"]],
  ["trust in null", () => ({ csrf: { trusted_origins: ["null"] } }), ["csrf.trusted_origins"]],
];

for (const [what, config, names] of CONTRADICTIONS) {
  test(`${what}: an error`, async () => {
    const found = await isInvalid(what, config(gate));
    for (const name of names) assert.ok(found.some((problem) => problem.startsWith(name)), `${name} in ${found.join("; ")}`);
  });
}

test("missing, malformed, short and repeated keys are errors, and no part of one is logged", async () => {
  const [a, b] = [key(), key()];
  const short = Buffer.alloc(31, 7).toString("base64url");
  const [KEYS, ORIGIN, LOCATOR] = ["EDGE_SESSION_KEYS", "EDGE_SESSION_ORIGIN_KEYS", "EDGE_SESSION_LOCATOR_KEY"];
  const cases = {
    "none at all": { [KEYS]: null, [ORIGIN]: null, [LOCATOR]: null },
    "empty, no id, short": { [KEYS]: "", [ORIGIN]: a, [LOCATOR]: short },
    "short, padding, white space": { [KEYS]: `k:${short}`, [ORIGIN]: `o:${a}=`, [LOCATOR]: `${b} ` },
    "white space in a list, a line feed": { [KEYS]: `k:${a}, j:${b}`, [ORIGIN]: `o:${key()}\n` },
    "an empty entry, hex": { [KEYS]: `k:${a},`, [ORIGIN]: `o:${Buffer.from(b, "base64url").toString("hex").slice(0, 41)}+/` },
    "an id twice, a key twice": { [KEYS]: `k:${a},k:${b}`, [ORIGIN]: `o:${a}` },
    "an id in both lists, the locator key in one": { [KEYS]: `k:${a}`, [ORIGIN]: `k:${b}`, [LOCATOR]: a },
  };
  for (const [what, secrets] of Object.entries(cases)) {
    const found = await isInvalid(what, {}, secrets);
    for (const name of Object.keys(secrets).slice(what.includes("twice") || what.includes("both") ? 1 : 0)) assert.ok(found.some((problem) => problem.startsWith(name)), `${what}: ${name} in ${found.join("; ")}`);
    for (const secret of [a, b, short]) assert.ok(!JSON.stringify(gate.logs).includes(secret.slice(0, 8)), what);
  }
});

test("keys and configuration are reported together", async () => {
  const found = await isInvalid("both", { nonsense: 1 }, { EDGE_SESSION_KEYS: null, EDGE_SESSION_LOCATOR_KEY: null });
  assert.ok(found.length >= 3, found.join());
});

test("development keys are for loopback: a real site refuses them", async () => {
  const found = await isInvalid("dev keys", { issuer: "https://app.example.com" });
  assert.match(found.join(), /development key/);
});

test("bindings that are missing are errors, before anybody needs them", async () => {
  assert.match((await isInvalid("the origin's", { origin: "binding:NOWHERE" })).join(), /NOWHERE/);
});

test("the same table as text, as .dev.vars and --var deliver it, is the same configuration", async () => {
  await gate.setConfig(JSON.stringify({ issuer: gate.issuer, origin: gate.origin.url, audience: gate.audience, default_access: "optional", cookie: { name: "__Host-app", same_site: "Strict" } }), {});
  const answer = await new Browser(gate).does({ op: "create", sub: "alice" });
  assert.equal(cookieIn(answer, "__Host-app").attributes.samesite, "Strict");
});

test("a configuration that is put right works at once", async () => {
  await isInvalid("wrong", { default_access: "open" });
  await gate.setConfig({ default_access: "optional" }, {});
  assert.equal((await get(gate, "/", BROWSER.navigate)).status, 200);
});

test("options that are spelled out with their defaults change nothing", async () => {
  await gate.setConfig({
    default_access: "required", login_return_param: "return_to", logout_url: "/", store: "durable", store_deadline: "2s", paths: [], cookie: { name: "__Host-session", same_site: "Lax" }, assertion: { ttl: "60s" },
    lifetime: { idle: "30m", anonymous: "30m", absolute: "12h", remember: "30d", touch: "60s" }, rotation: { every: "15m", grace: "30s", reuse_after: "5m", reuse: "end" }, freshness: { safe: "10s" },
    limits: { per_subject: 50, data: 2048 }, csrf: { trusted_origins: [], insecure_exempt_paths: [], insecure_report_only: false, resource_isolation: true }, log: { level: "info", ip: false },
  }, {});
  assert.equal((await get(gate, "/", BROWSER.fetch)).code, "session_required");
});
