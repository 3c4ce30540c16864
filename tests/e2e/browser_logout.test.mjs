// In Chromium: after a logout nothing of the session is left to see, in this tab, in the others, and behind the back button.
import assert from "node:assert/strict";
import test from "node:test";
import { sendHtml, startSite } from "./harness/site.mjs";

let site;
test.before(async () => {
  // Playwright turns the back/forward cache off; here it has to be there.
  site = await startSite({ logout_url: "/bye" }, { chromium: { ignoreDefaultArgs: ["--disable-back-forward-cache"] } });
  site.app.on("/bye", (recorded, response) => sendHtml(response, '<p id="bye">Signed out.</p>'));
});
test.after(() => site?.stop());

const pathOf = (page) => new URL(page.url()).pathname;

async function signOut(page) {
  await page.click("text=Sign out >> nth=-1");
  await page.waitForURL(site.at("/bye"));
}

// The back button, as a person presses it; resolves to what is then seen.
async function back(page) {
  const away = page.waitForURL(({ pathname }) => pathname !== "/bye", { waitUntil: "commit" }); // a page from the cache loads nothing
  await page.evaluate(() => void setTimeout(() => history.back(), 0));
  await away;
  await page.waitForFunction(() => document.readyState === "complete");
  return page.evaluate(() => document.body.textContent);
}

test("the logout button ends the session, takes the cookie away and leads to logout_url", async () => {
  const { page, cookie } = await site.member("alice");
  await signOut(page);
  assert.equal(await page.textContent("#bye"), "Signed out.");
  assert.equal(await cookie(), undefined);
});

test("the back button after a logout shows no private page", async () => {
  const { page } = await site.member("alice");
  await page.goto(site.at("/private/page?again"));
  assert.match(await page.textContent("body"), /the account of alice/);
  await signOut(page);
  site.gate.origin.forget();
  assert.doesNotMatch(await back(page), /the account of/);
  assert.equal(pathOf(page), "/login");
  assert.deepEqual(site.reached(), ["GET /login?return_to=%2Fprivate%2Fpage%3Fagain"], "the page was asked for, and refused");
});

// Chromium keeps copies of no-store pages too, and throws one away when HttpOnly cookies change more often than the navigation that led to
// it had changed them itself. A login that is redirected here sets two, a logout clears one.
test("the back button after a logout shows no private page, not even the one that the login led to", async () => {
  const { page } = await site.member("alice");
  await signOut(page);
  assert.doesNotMatch(await back(page), /the account of/);
  assert.equal(pathOf(page), "/login");
});

test("the back button does show a page whose application allows copies: this browser keeps them", async () => {
  const { page } = await site.member("alice");
  site.app.on("/private/copy", (recorded, response) => {
    sendHtml(response, `<p>the account of ${recorded.claims.sub}</p><form method="post" action="/.edge-session/logout"><button>Sign out</button></form>`, { "Cache-Control": "private, no-cache" });
  });
  await page.goto(site.at("/private/copy"));
  await signOut(page);
  assert.match(await back(page), /the account of alice/);
});

test("a private page that is reloaded after a logout in another tab leads to the login", async () => {
  const { context, page } = await site.member("alice");
  const tab = await context.newPage();
  await tab.goto(site.at("/private/page"));
  await signOut(page);
  await tab.reload();
  assert.equal(pathOf(tab), "/login");
  assert.equal(new URL(tab.url()).searchParams.get("return_to"), "/private/page");
});

test("a logout in one tab ends the other: its scripts and forms do nothing more", async () => {
  const { context, page } = await site.member("alice");
  const tab = await context.newPage();
  await tab.goto(site.at("/private/page"));
  await signOut(page);
  site.gate.origin.forget();
  assert.equal(await tab.evaluate(async () => (await fetch("/private/page")).status), 401);
  await tab.fill("[name=note]", "too late");
  await tab.click("text=Save");
  await tab.waitForURL(site.at("/private/note"));
  assert.match(await tab.textContent("body"), /"session_required"/);
  assert.deepEqual(site.reached(), []);
});

test("a login as somebody else in one tab is what the other tab then has, and never the first one's data", async () => {
  const { context, page } = await site.member("alice");
  await page.fill("[name=note]", "alice's own");
  await Promise.all([page.waitForEvent("load"), page.click("text=Save")]);
  const tab = await context.newPage();
  await tab.goto(site.at("/login?return_to=/private/page"));
  await tab.fill("[name=user]", "bob");
  await tab.click("button");
  await tab.waitForURL(site.at("/private/page"));
  await page.reload();
  for (const one of [page, tab]) assert.deepEqual([await one.textContent("#who"), await one.textContent("#note")], ["bob", ""]);
});

test("\"sign out everywhere\" ends the sessions of a user in every browser, and nobody else's", async () => {
  const desktop = await site.member("carol");
  const phone = await site.member("carol");
  const neighbour = await site.member("dave");
  assert.notEqual((await desktop.cookie()).value, (await phone.cookie()).value);
  await desktop.page.click("text=Sign out everywhere");
  await desktop.page.waitForURL(site.at("/"));
  assert.equal(await desktop.page.textContent("#who"), "nobody");
  assert.equal(await desktop.cookie(), undefined);
  await phone.page.reload();
  assert.equal(pathOf(phone.page), "/login");
  await neighbour.page.reload();
  assert.equal(await neighbour.page.textContent("#who"), "dave");
});

test("a logout in one browser leaves the same user's other browser alone", async () => {
  const desktop = await site.member("erin");
  const phone = await site.member("erin");
  await signOut(desktop.page);
  await phone.page.reload();
  assert.equal(await phone.page.textContent("#who"), "erin");
});

test("a slow answer that arrives after the logout does not bring the session back", async () => {
  const { page, context, cookie } = await site.member("alice");
  const tab = await context.newPage();
  await tab.goto(site.at("/private/page"));
  site.app.on("/private/slow", (recorded, response) => {
    site.instruct(recorded, response, { op: "update", set: { note: "late" } });
    response.end("done");
  });
  const hold = site.app.hold("/private/slow");
  const late = tab.evaluate(async () => (await fetch("/private/slow", { method: "POST" })).text());
  await hold.arrived;
  await signOut(page);
  hold.release();
  assert.equal(await late, "done");
  assert.equal(await cookie(), undefined);
  await tab.reload();
  assert.equal(pathOf(tab), "/login");
});
