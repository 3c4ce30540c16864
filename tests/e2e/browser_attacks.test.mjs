// In Chromium: pages of another site (127.0.0.1) and of another origin of the same site (another port of localhost) attack a user who is
// signed in. Every attack is refused and reaches neither the application nor the store.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually } from "./harness/app.mjs";
import { sendHtml, startOther, startSite, watch } from "./harness/site.mjs";

let site;
let gate;
let other;
test.before(async () => {
  site = await startSite();
  gate = site.gate;
  other = await startOther();
  // A page of the application itself, which should never have left this door open: it sends whoever comes, with a POST too, wherever it is told.
  site.app.on("/go", (recorded, response) => response.writeHead(307, { Location: new URL(recorded.url, gate.issuer).searchParams.get("to") }).end());
  other.on("/bounce", (request, response) => response.writeHead(307, { Location: site.at(new URL(request.url, other.crossSite).searchParams.get("to") ?? "/private/note") }).end());
  other.on("/bounce-login", (request, response) => response.writeHead(307, { Location: site.at("/login") }).end());
  site.app.on("/private/picture", (recorded, response) => {
    response.setHeader("Content-Type", "image/svg+xml");
    response.end('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
  });
});
test.after(async () => {
  await site?.stop();
  await other?.stop();
});

const PLACES = [
  ["another site", () => other.crossSite],
  ["another origin of the same site", () => other.sameSite],
];

const form = (path, { fields = '<input name="note" value="attacked">', more = "" } = {}) =>
  `<form method="post" action="${site.at(path)}" ${more}>${fields}</form>`;
const submit = "<script>onload = () => document.forms[0].submit();</script>";

// A victim, and a tab of hers for the attacks from a place; the same for all of them, for none may have changed anything.
const fields = new Map();
async function battlefield(place) {
  if (!fields.has(place)) {
    const victim = await site.member("alice");
    const tab = await victim.context.newPage();
    fields.set(place, { victim, tab, seen: await watch(site, victim.context, tab), before: await victim.cookie() });
  }
  return fields.get(place);
}

// name, the page that attacks a path, and the refusals that it may meet: [method, path, statuses of another site, statuses of another origin of the same site].
// Another site's loads carry no cookie (SameSite=Lax), so that the gate sees nobody there; those of the same site do, and are refused as such.
// A form that hides where it comes from is led to a page that says so, so that there is nothing to send again.
const ATTACKS = [
  ["a form that is submitted", (path) => form(path) + submit, ["POST", "/private/note", 403, 403]],
  ["a form of JSON dressed as text", (path) => form(path, { fields: `<input name='{"note":"' value='"}'>`, more: 'enctype="text/plain"' }) + submit, ["POST", "/private/note", 403, 403]],
  ["a form that says where it comes from to nobody", (path) => `<meta name="referrer" content="no-referrer">${form(path)}${submit}`, ["POST", "/private/note", 303, 303]],
  ["a form in a frame", (path) => `<iframe name="f"></iframe>${form(path, { more: 'target="f"' })}${submit}`, ["POST", "/private/note", 403, 403]],
  ["a form on a sandboxed page, of no origin", (path) => form(path) + submit, ["POST", "/private/note", 303, 303], { "Content-Security-Policy": "sandbox allow-forms allow-scripts" }],
  ["a form that is sent on from elsewhere with 307", (path) => `<form method="post" action="/bounce?to=${encodeURIComponent(path)}"></form>${submit}`, ["POST", "/private/note", 303, 303]],
  ["a login with the attacker's account", (path) => form(path, { fields: '<input name="user" value="mallory">' }) + submit, ["POST", "/login?return_to=/private/page", 403, 403]],
  ["a logout", (path) => form(path, { fields: "" }) + submit, ["POST", "/.edge-session/logout", 403, 403]],
  ["a script's POST that reads no answer", (path) => script(`fetch(${url(path)}, { method: "POST", mode: "no-cors", credentials: "include", body: "note=attacked" })`), ["POST", "/private/note", 403, 403]],
  ["a script's POST that keeps going after the page", (path) => script(`navigator.sendBeacon(${url(path)}, "note=attacked")`), ["POST", "/private/note", 403, 403]],
  ["a script's GET that reads no answer", (path) => script(`fetch(${url(path)}, { mode: "no-cors", credentials: "include" })`), ["GET", "/private/page", 401, 403]],
  ["a picture", (path) => `<img src="${site.at(path)}">`, ["GET", "/private/picture", 401, 403]],
  ["a page read as a script", (path) => `<script src="${site.at(path)}"></script>`, ["GET", "/private/page", 401, 403]],
  ["a page read as a style sheet", (path) => `<link rel="stylesheet" href="${site.at(path)}">`, ["GET", "/private/page", 401, 403]],
  ["a page in a frame", (path) => `<iframe src="${site.at(path)}"></iframe>`, ["GET", "/private/page", 401, 403]],
  ["a page in an object", (path) => `<object data="${site.at(path)}" type="text/html"></object>`, ["GET", "/private/page", 401, 403]],
];
const url = (path) => JSON.stringify(site.at(path));
const script = (code) => `<script>onload = () => { ${code}; };</script>`;

let attacks = 0;
for (const [name, page, [method, path, cross, same], headers = {}] of ATTACKS) {
  for (const [place, base] of PLACES) {
    test(`${name}, from ${place}: refused, and nothing reaches application or store`, { timeout: 90_000 }, async () => {
      const { victim, tab, seen, before } = await battlefield(place);
      attacks += 1;
      const asked = `${path}${path.includes("?") ? "&" : "?"}attack=${attacks}`; // so that no answer to the attack before is taken for this one's
      other.on("/attack", (request, response) => sendHtml(response, page(asked), headers));
      await clear();
      seen.forget();
      await tab.goto(`${base()}/attack`);
      const statuses = () => seen.answers.filter((answer) => answer.method === method && answer.path === asked).map((answer) => answer.status);
      assert.ok(await eventually(() => statuses().length > 0, 30_000), `it was tried: ${JSON.stringify(seen.answers)}`);
      assert.deepEqual([...new Set(statuses())], [place === "another site" ? cross : same]);
      await untouched(victim, before);
    });
  }
}

async function clear() {
  gate.origin.forget();
  await gate.forgetCalls();
}

// The application and the store have seen nothing, and the victim is who she was.
async function untouched(victim, before) {
  assert.deepEqual(site.reached(), []);
  assert.deepEqual(await gate.storeCalls(), []);
  assert.deepEqual(await victim.cookie(), before, "the cookie is the same");
  const page = await victim.page.evaluate(() => fetch("/private/page").then((answer) => answer.text()));
  assert.match(page, /<p id="who">alice<\/p><p id="note"><\/p>/);
}

for (const [place, base] of PLACES) {
  test(`a WebSocket opened from ${place}: refused, and nothing reaches application or store`, { timeout: 90_000 }, async () => {
    const victim = await site.member("alice");
    const before = await victim.cookie();
    const tab = await victim.context.newPage();
    other.on("/attack", "<p>quiet</p>");
    await tab.goto(`${base()}/attack`);
    await clear();
    const end = await tab.evaluate((address) => new Promise((resolve) => {
      const socket = new WebSocket(address);
      socket.onopen = () => resolve("opened");
      socket.onclose = ({ code }) => resolve(`closed ${code}`);
    }), site.at("/private/socket").replace("http", "ws"));
    assert.equal(end, "closed 1006");
    await untouched(victim, before);
  });

  test(`a script from ${place} that asks first, with a preflight, is not let through`, async () => {
    const victim = await site.member("alice");
    const before = await victim.cookie();
    const tab = await victim.context.newPage();
    other.on("/attack", "<p>quiet</p>");
    await tab.goto(`${base()}/attack`);
    await clear();
    const failed = await tab.evaluate((address) => fetch(address, { method: "PUT", credentials: "include", headers: { "X-Mine": "1" }, body: "x" }).then(() => false, () => true), site.at("/private/note"));
    assert.ok(failed);
    await untouched(victim, before);
  });

  test(`a POST that leaves the site and comes back by way of ${place} is refused, whatever cookies Chromium sends with it`, async () => {
    const victim = await site.member("alice");
    const before = await victim.cookie();
    await clear();
    const seen = await watch(site, victim.context);
    await victim.page.evaluate((there) => {
      const form = Object.assign(document.createElement("form"), { method: "post", action: `/go?to=${encodeURIComponent(there)}` });
      document.body.append(form);
      form.submit();
    }, `${base()}/bounce`);
    await victim.page.waitForURL(site.at("/.edge-session/cross-site"));
    assert.deepEqual(seen.answers.map(({ method, status }) => `${method} ${status}`), ["POST 307", "POST 303", "GET 403"]);
    assert.equal(site.reached().length, 1, "the first step alone");
    await clear();
    await untouched(victim, before);
  });

  test(`a login with the attacker's account from ${place} leaves a visitor who is nobody with no session`, async () => {
    const { page, cookie } = await site.visitor();
    other.on("/attack", form("/login", { fields: '<input name="user" value="mallory">' }) + submit);
    await clear();
    await page.goto(`${base()}/attack`);
    await page.waitForURL(site.at("/login"));
    assert.match(await page.textContent("body"), /"cross_site"/);
    assert.deepEqual(site.reached(), []);
    assert.equal(await cookie(), undefined);
  });

  test(`reloading the refused answer to a POST from ${place} does not turn it into the user's own`, async () => {
    const victim = await site.member("alice");
    const before = await victim.cookie();
    const tab = await victim.context.newPage();
    other.on("/attack", form("/private/note") + submit);
    await clear();
    await tab.goto(`${base()}/attack`);
    await tab.waitForURL(site.at("/private/note"));
    const seen = await watch(site, victim.context);
    await tab.reload();
    await tab.reload();
    assert.deepEqual(seen.answers.map(({ method, status }) => `${method} ${status}`), ["POST 403", "POST 403"]);
    await untouched(victim, before);
  });
}

test("a link from another site opens a private page with the session, for that is what SameSite=Lax is for", async () => {
  const victim = await site.member("alice");
  const tab = await victim.context.newPage();
  other.on("/link", `<a href="${site.at("/private/page")}">go</a>`);
  await tab.goto(`${other.crossSite}/link`);
  await tab.click("a");
  await tab.waitForURL(site.at("/private/page"));
  assert.equal(await tab.textContent("#who"), "alice");
});

test("the site's own form and script pass, also on a page that sends no referrer", async () => {
  const victim = await site.member("alice");
  site.app.on("/quiet", (recorded, response) => sendHtml(response, `<form method="post" action="/private/note"><input name="note" value="mine"></form>`, { "Referrer-Policy": "no-referrer" }));
  await victim.page.goto(site.at("/quiet"));
  await victim.page.evaluate(() => document.forms[0].submit());
  await victim.page.waitForURL(site.at("/private/page"));
  assert.equal(await victim.page.textContent("#note"), "mine");
  assert.equal(gate.origin.requests.findLast(({ method }) => method === "POST").header("origin"), "null");
});
