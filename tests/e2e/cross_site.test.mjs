// Cross-site requests on the wire: what is refused reaches neither the store nor the application.
import assert from "node:assert/strict";
import test from "node:test";
import { Browser, SESSION, application, logged } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const PARTNER = "https://partner.example";
const EVIL = "https://evil.example";
const paths = [{ path: "/private/*", access: "required" }, { path: "/public/*", access: "public" }];
const csrf = { trusted_origins: [PARTNER], insecure_exempt_paths: ["/webhook", "/public/hook"] };
const config = { default_access: "optional", paths, csrf };

let gate;
let alice;
test.before(async () => {
  gate = await startGate({ config });
  await gate.stopClock();
  application(gate);
  alice = await new Browser(gate).login("alice");
});
test.after(() => gate.stop());
test.beforeEach(async () => {
  await gate.advance(1100); // what anyone can provoke is logged once a second
  await gate.forgetCalls();
  gate.origin.forget();
  await gate.forgetLogs();
});

const cookie = () => ["Cookie", alice.jar.header];
const ask = (method, path, headers) => send(gate, method, path, headers, method === "POST" ? "" : undefined);

async function isRefused(what, method, path, headers) {
  const answer = await ask(method, path, headers);
  if (headers.some(([, value]) => value === "navigate")) {
    assert.deepEqual([answer.status, answer.header("location")], [303, "/.edge-session/cross-site"], what);
  } else {
    assert.equal(answer.status, 403, what);
    if (method !== "HEAD") assert.equal(answer.code, "cross_site", what);
  }
  assert.deepEqual(answer.all("set-cookie"), [], what);
  assert.equal(gate.origin.requests.length, 0, `${what}: the application heard of it`);
  assert.deepEqual(await gate.storeCalls(), [], `${what}: the store heard of it`);
}

async function passes(what, method, path, headers) {
  const answer = await ask(method, path, headers);
  assert.equal(answer.status, 200, `${what} ${answer.status} ${answer.text}`);
  return gate.origin.last.claims;
}

const own = () => ["Origin", gate.issuer];
const site = (value) => ["Sec-Fetch-Site", value];

test("an unsafe request of another site is refused: with a session, without one, on every kind of path", async () => {
  const attacks = {
    "another origin": [["Origin", EVIL]],
    "another origin that claims to be the same": [["Origin", EVIL], site("same-origin")],
    "cross-site": [site("cross-site")],
    "same-site": [site("same-site")],
    "our origin and cross-site": [own(), site("cross-site")],
    "a null origin": [["Origin", "null"]],
    "a null origin and none": [["Origin", "null"], site("none")],
    "a null origin and cross-site": [["Origin", "null"], site("cross-site")],
    "an unknown Sec-Fetch-Site": [site("friendly")],
    "Sec-Fetch-Site in capitals": [site("Same-Origin")],
    "two values of Sec-Fetch-Site": [site("same-origin"), site("cross-site")],
    "two origins": [own(), ["Origin", EVIL]],
    "our origin twice": [own(), own()],
    "our origin with a path": [["Origin", `${gate.issuer}/`]],
    "our origin with userinfo": [["Origin", gate.issuer.replace("//", "//evil@")]],
    "our origin in capitals": [["Origin", gate.issuer.toUpperCase()]],
    "our host over https": [["Origin", gate.issuer.replace("http:", "https:")]],
    "our host on another port": [["Origin", gate.issuer.replace(/:\d+$/, ":1")]],
    "our host as a prefix": [["Origin", `${gate.issuer}.evil.example`]],
    "an origin that is none": [["Origin", "evil"]],
    "the trusted one with a path": [["Origin", `${PARTNER}/`]],
    "the trusted one's subdomain": [["Origin", "https://a.partner.example"]],
  };
  for (const [what, headers] of Object.entries(attacks)) {
    for (const path of ["/private/x", "/x", "/public/x"]) {
      await isRefused(`${what}, with a session, ${path}`, "POST", path, [...headers, cookie()]);
      await isRefused(`${what}, without, ${path}`, "POST", path, headers);
    }
  }
  for (const method of ["PUT", "PATCH", "DELETE", "PROPFIND"]) await isRefused(method, method, "/x", [["Origin", EVIL]]);
});

test("the site's own requests pass, and so do those of no browser", async () => {
  const good = {
    "same-origin": [own(), site("same-origin")],
    "same-origin without an Origin": [site("same-origin")],
    "Origin null under no-referrer": [["Origin", "null"], site("same-origin")],
    "typed by the user": [site("none")],
    "an old browser": [own()],
    "empty headers count as absent": [["Origin", ""], site("same-origin")],
  };
  for (const [what, headers] of Object.entries(good)) assert.equal((await passes(what, "POST", "/private/x", [...headers, cookie()])).sub, "alice", what);
  assert.equal((await passes("curl", "POST", "/x", [])).sub, undefined);
  await gate.forgetCalls();
  gate.origin.forget();
  await isRefused("a cookie that nobody accounts for", "POST", "/x", [cookie()]);
  await isRefused("a forged cookie that nobody accounts for", "POST", "/x", [["Cookie", `${SESSION}=forged`]]);
  await isRefused("the same behind a comma", "POST", "/x", [["Cookie", `a=b, ${SESSION}=forged`]]);
});

test("a method override makes a GET an unsafe request, in every spelling", async () => {
  for (const name of ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x_http_method_override", "X.HTTP.Method", "X_Method_Override"]) {
    await isRefused(name, "GET", "/private/x", [[name, "DELETE"], site("cross-site"), ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"], cookie()]);
    await isRefused(name, "GET", "/x", [[name, "DELETE"], cookie()]);
    assert.equal((await passes(name, "GET", "/x", [[name, "DELETE"], site("same-origin"), cookie()])).sub, "alice");
    gate.origin.forget();
    await gate.forgetCalls();
  }
});

test("a page of another site may link to us, and cannot embed what a session is needed for", async () => {
  const link = [site("cross-site"), ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"], cookie()];
  assert.equal((await passes("a link", "GET", "/private/x", link)).sub, "alice");
  gate.origin.forget();
  await gate.forgetCalls();
  const embeds = { image: "no-cors", script: "no-cors", iframe: "navigate", frame: "navigate", embed: "navigate", object: "navigate", empty: "cors", audio: "no-cors" };
  for (const from of ["cross-site", "same-site"]) {
    for (const [dest, mode] of Object.entries(embeds)) {
      for (const method of ["GET", "HEAD"]) {
        for (const path of ["/private/x", "/x"]) await isRefused(`${from} ${dest}`, method, path, [site(from), ["Sec-Fetch-Mode", mode], ["Sec-Fetch-Dest", dest], cookie()]);
      }
      await passes(`${from} ${dest} of a public path`, "GET", "/public/x", [site(from), ["Sec-Fetch-Mode", mode], ["Sec-Fetch-Dest", dest], cookie()]);
      await passes(`${from} ${dest} without a session`, "GET", "/x", [site(from), ["Sec-Fetch-Mode", mode], ["Sec-Fetch-Dest", dest]]);
      gate.origin.forget();
    }
  }
  const partner = [["Origin", PARTNER], site("cross-site"), ["Sec-Fetch-Mode", "cors"], ["Sec-Fetch-Dest", "empty"], cookie()];
  assert.equal((await passes("a trusted page", "GET", "/private/x", partner)).sub, "alice");
});

test("a trusted origin may send anything, with the session", async () => {
  for (const headers of [[["Origin", PARTNER]], [["Origin", PARTNER], site("cross-site")]]) assert.equal((await passes("trusted", "POST", "/private/x", [...headers, cookie()])).sub, "alice");
});

test("an exempt path takes anyone's request, without a session, and only exactly this path", async () => {
  for (const path of ["/webhook", "/public/hook", "/webhook?x=1"]) {
    const claims = await passes(path, "POST", path, [["Origin", EVIL], site("cross-site"), cookie()]);
    assert.deepEqual([claims.sub, claims.sid, gate.origin.last.header("cookie")], [undefined, undefined, undefined], path);
    assert.deepEqual(await gate.storeCalls(), []);
  }
  assert.equal((await passes("our own there", "POST", "/webhook", [own(), site("same-origin"), cookie()])).sub, "alice", "our own request needs no exemption");
  gate.origin.forget();
  await gate.forgetCalls();
  for (const path of ["/webhook/", "/webhook/x", "/Webhook", "/webhook;x", "//webhook", "/webhook%2f", "/x/..;/webhook", "/webhooks"]) await isRefused(path, "POST", path, [["Origin", EVIL], cookie()]);
  await isRefused("two origins", "POST", "/webhook", [["Origin", EVIL], ["Origin", PARTNER]]);
});

test("a preflight from our own or a trusted origin is forwarded without a session, on paths that need one too; the request is judged by itself", async () => {
  const preflight = (origin) => [["Origin", origin], ["Access-Control-Request-Method", "POST"], site("cross-site"), cookie()];
  for (const origin of [PARTNER, gate.issuer]) {
    const claims = await passes(origin, "OPTIONS", "/private/x", preflight(origin));
    assert.deepEqual([claims.sub, gate.origin.last.method, gate.origin.last.header("cookie")], [undefined, "OPTIONS", undefined]);
    assert.deepEqual(await gate.storeCalls(), []);
  }
  gate.origin.forget();
  const refused = await ask("OPTIONS", "/private/x", preflight(EVIL).slice(0, 3));
  assert.equal(refused.code, "session_required");
  await isRefused("the request after it", "POST", "/private/x", [["Origin", EVIL], cookie()]);
});

test("refusals are logged with the rule and the reason, once a second and with a count", async () => {
  for (let i = 0; i < 10; i += 1) await ask("POST", "/private/secret-path", [["Origin", EVIL], cookie()]);
  await gate.advance(1100);
  await ask("POST", "/private/secret-path", [["Origin", EVIL], cookie()]);
  const events = await logged(gate, "csrf.refused", 2);
  assert.deepEqual(events.map((event) => event.count), [1, 10]);
  assert.deepEqual([events[0].rule, events[0].reason, events[0].code], ["/private/*", "foreign_origin", "cross_site"]);
  assert.doesNotMatch(JSON.stringify(gate.logs), /secret-path|evil\.example/);
});

test("in report mode cross-site requests pass and are logged; the gate's own endpoints still refuse them", async () => {
  await gate.setConfig({ ...config, csrf: { ...csrf, insecure_report_only: true } });
  try {
    assert.equal((await passes("reported", "POST", "/private/x", [["Origin", EVIL], cookie()])).sub, "alice");
    const [event] = await logged(gate, "csrf.refused");
    assert.deepEqual([event.mode, event.reason], ["report_only", "foreign_origin"]);
    assert.equal((await ask("POST", "/.edge-session/logout", [["Origin", EVIL], cookie()])).code, "cross_site");
  } finally {
    await gate.setConfig(config);
  }
});

test("isolation of reads can be turned off, protection of writes cannot", async () => {
  await gate.setConfig({ ...config, csrf: { resource_isolation: false } });
  try {
    assert.equal((await passes("an image", "GET", "/private/x", [site("cross-site"), ["Sec-Fetch-Mode", "no-cors"], ["Sec-Fetch-Dest", "image"], cookie()])).sub, "alice");
    assert.equal((await ask("POST", "/private/x", [site("cross-site"), cookie()])).code, "cross_site");
    assert.equal((await ask("POST", "/private/x", [...BROWSER.attack, cookie()])).header("location"), "/.edge-session/cross-site");
  } finally {
    await gate.setConfig(config);
  }
});
