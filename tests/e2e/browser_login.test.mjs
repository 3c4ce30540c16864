// In Chromium: the login journey, the cookie as the browser keeps it, and pages that show what was just changed.
import assert from "node:assert/strict";
import test from "node:test";
import { FRESH, SESSION, eventually, logged } from "./harness/app.mjs";
import { sendHtml, startOther, startSite, watch } from "./harness/site.mjs";

let site;
let gate;
test.before(async () => {
  site = await startSite({ freshness: { safe: "10s" } });
  gate = site.gate;
});
test.after(() => site?.stop());
test.beforeEach(() => {
  site.loginWith = {};
  gate.origin.forget();
});

test("a page that needs a session leads to the login, and the login leads back to it with the session", async () => {
  const { page, cookie } = await site.visitor();
  site.app.on("/private/orders", (recorded, response) => sendHtml(response, `<p id="who">${recorded.claims.sub}</p>`));
  await page.goto(site.at("/private/orders?of=2026&name=%C3%A4#third"));
  assert.equal(new URL(page.url()).pathname, "/login");
  assert.equal(new URL(page.url()).searchParams.get("return_to"), "/private/orders?of=2026&name=%C3%A4");
  assert.equal(await cookie(), undefined, "no session before the login");
  assert.deepEqual(site.reached().filter((line) => line.includes("/private/")), [], "the page itself reached nobody");
  await page.fill("[name=user]", "alice");
  await page.click("button");
  await page.waitForURL((url) => url.pathname === "/private/orders");
  assert.equal(new URL(page.url()).search, "?of=2026&name=%C3%A4");
  assert.equal(await page.textContent("#who"), "alice");
  assert.ok(await cookie());
  await page.reload();
  assert.equal(await page.textContent("#who"), "alice", "and stays");
});

test("Chromium keeps the cookie as HttpOnly, Secure, SameSite=Lax, for this host and every path, until it is closed", async () => {
  const { cookie, fresh } = await site.member("alice");
  const { value, ...kept } = await cookie();
  assert.deepEqual(kept, { name: SESSION, domain: "localhost", path: "/", expires: -1, httpOnly: true, secure: true, sameSite: "Lax" });
  assert.match(value, /^[A-Za-z0-9_-]{1,199}$/);
  const { value: one, expires, ...rest } = await fresh();
  assert.deepEqual(rest, { name: FRESH, domain: "localhost", path: "/", httpOnly: true, secure: true, sameSite: "Lax" });
  assert.match(one, /^[A-Za-z0-9_-]{1,40}$/);
  assert.ok(expires - Date.now() / 1000 <= 10);
});

test("\"remember me\" is kept until the absolute deadline", async () => {
  const { page, cookie } = await site.visitor();
  await page.goto(site.at("/private/page"));
  await page.fill("[name=user]", "alice");
  await page.check("[name=remember]");
  await page.click("button");
  await page.waitForURL(site.at("/private/page"));
  const { absolute } = gate.origin.last.claims.session;
  const { expires } = await cookie();
  // It is told how long it may keep it, and counts from when it hears that.
  assert.ok(expires - absolute > -2 && expires - absolute < 60, `${expires} against ${absolute}`);
  assert.ok(expires > Date.now() / 1000 + 29 * 86_400);
});

test("the cookies of a redirect are kept, the application's beside the session's", async () => {
  const { context, page } = await site.member("alice");
  const names = (await context.cookies()).map(({ name }) => name).sort();
  assert.deepEqual(names, [SESSION, FRESH, "app", "theme"].sort());
  await page.evaluate(() => fetch("/login?return_to=/private/page", { method: "POST", body: new URLSearchParams({ user: "bob" }) }));
  await page.reload();
  assert.equal(await page.textContent("#who"), "bob", "a redirect that a script follows sets them too");
});

test("a script of the page neither reads the session's cookie nor writes over it", async () => {
  const { page, cookie } = await site.member("alice");
  const before = await cookie();
  const seen = await page.evaluate((name) => {
    document.cookie = `${name}=mine; Path=/; Secure`;
    document.cookie = `${name}=; Path=/; Secure; Max-Age=0`;
    document.cookie = `${name}=mine; Path=/private; Secure`;
    document.cookie = `${name}=mine; Path=/; Domain=localhost; Secure`;
    document.cookie = `${name}=mine; Path=/`;
    return document.cookie;
  }, SESSION);
  assert.ok(seen.includes("app=1"), "it reads what is its own");
  assert.ok(!seen.includes(SESSION));
  assert.deepEqual(await cookie(), before);
  await page.reload();
  assert.equal(await page.textContent("#who"), "alice");
});

test("a session cookie that a script makes up where there is none is worth nothing, and does not stand in the way of a login", async () => {
  const { page, cookie } = await site.visitor();
  await page.goto(site.at("/"));
  await page.evaluate((name) => {
    document.cookie = `${name}=AAAA; Path=/; Secure`;
  }, SESSION);
  // Chromium's cookie store is another process: what a script sets is there a moment later.
  assert.ok(await eventually(async () => (await cookie())?.value === "AAAA"), "Chromium lets it");
  await page.goto(site.at("/private/page"));
  assert.equal(new URL(page.url()).pathname, "/login");
  await site.signIn(page, "alice");
  assert.equal(await page.textContent("#who"), "alice");
  assert.equal((await cookie()).httpOnly, true);
});

test("the application cannot set the session's cookie, in no spelling that Chromium takes for it", async () => {
  const { page, cookie } = await site.member("alice");
  const before = await cookie();
  const lines = [`${SESSION}=x; Path=/; Secure`, ` ${SESSION} =x; Path=/; Secure`, `=${SESSION}=x; Path=/; Secure`, `\t${SESSION}=x; Path=/; Secure; Max-Age=0`, `__host-SESSION=x; Path=/; Secure`];
  site.app.on("/tries", (recorded, response) => sendHtml(response, "<p>tried</p>", { "Set-Cookie": [...lines, "other=kept; Path=/"] }));
  await page.goto(site.at("/tries"));
  assert.deepEqual(await cookie(), before);
  assert.equal((await cookie("other")).value, "kept");
  assert.equal(await cookie("__host-SESSION"), undefined);
  assert.ok((await logged(gate, "cookie.shadowed")).length > 0);
  await page.goto(site.at("/private/page"));
  assert.equal(await page.textContent("#who"), "alice");
  assert.equal(gate.origin.last.header("cookie").split("; ").filter((pair) => pair.toLowerCase().includes(SESSION.toLowerCase())).length, 1);
});

test("a neighbour under another name cannot set the session's cookie for this host", async () => {
  const { page, cookie } = await site.member("alice");
  const before = await cookie();
  const other = await startOther();
  try {
    other.on("/tries", (request, response) => sendHtml(response, "tried", { "Set-Cookie": [`${SESSION}=x; Path=/; Secure; Domain=localhost`, `${SESSION}=x; Path=/private; Secure; Domain=localhost`] }));
    await page.goto(`http://neighbour.localhost:${other.port}/tries`);
    assert.equal(await page.textContent("body"), "tried");
    assert.deepEqual(await cookie(), before);
  } finally {
    await other.stop();
  }
});

test("POST, redirect, GET shows what was just changed, and the page after a change is not from memory", async (t) => {
  await gate.stopClock(); // Chromium's goes on
  t.after(() => gate.startClock());
  const { context, page, fresh } = await site.member("alice");
  const seen = await watch(site, context);
  for (const note of ["milk", "bread", "ä"]) {
    await page.fill("[name=note]", note);
    await Promise.all([page.waitForEvent("load"), page.click("text=Save")]);
    assert.equal(await page.textContent("#note"), note);
  }
  assert.deepEqual(seen.answers.map(({ method, path, status }) => `${method} ${path} ${status}`).slice(0, 2), ["POST /private/note 303", "GET /private/page 200"]);
  assert.ok(await fresh());
  const hold = site.app.hold("/private/note");
  await page.fill("[name=note]", "last");
  const saved = Promise.all([page.waitForEvent("load"), page.click("text=Save")]);
  await hold.arrived;
  await gate.forgetCalls();
  hold.release();
  await saved;
  assert.equal(await page.textContent("#note"), "last");
  assert.ok((await gate.storeCalls()).length >= 2, "the store was told, and asked again");
  const { expires } = await fresh();
  assert.ok(await eventually(async () => (await fresh()) === undefined, 60_000), "for ten seconds");
  assert.ok(Date.now() / 1000 >= expires);
  await page.reload();
  await gate.forgetCalls();
  await page.reload();
  assert.equal(await page.textContent("#note"), "last");
  assert.deepEqual(await gate.storeCalls(), [], "from then on memory is asked again");
  for (const { headers } of gate.origin.requests) {
    assert.ok(!headers.some(([name, value]) => name.toLowerCase() === "cookie" && value.includes(FRESH)), "the application is not told");
  }
});

test("a page open in one tab has the session that another tab began", async () => {
  const { context, page } = await site.visitor();
  await page.goto(site.at("/"));
  assert.equal(await page.textContent("#who"), "nobody");
  await site.signIn(await context.newPage(), "alice");
  assert.equal(await page.evaluate(async () => (await (await fetch("/private/page")).text()).includes("the account of alice")), true);
  await page.reload();
  assert.equal(await page.textContent("#who"), "alice");
});
