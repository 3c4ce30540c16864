// In Firefox: logging in and out, new IDs under a busy page, and the attacks that depend on what the browser says of itself.
import assert from "node:assert/strict";
import nodeTest from "node:test";
import { eventually } from "./harness/app.mjs";
import { findFirefox, launchFirefox } from "./harness/firefox.mjs";
import { sendHtml, startOther, startSite } from "./harness/site.mjs";

const skip = findFirefox() === undefined && "there is no Firefox";
const test = (name, act) => nodeTest(name, { skip }, act);
const MINUTE = 60_000;
const WORKER = "oninstall = () => skipWaiting(); onactivate = (event) => event.waitUntil(clients.claim()); onfetch = (event) => { if (event.request.method === 'GET') event.respondWith(fetch(event.request)); };";
let site;
let gate;
let other;
let firefox;
nodeTest.before(async () => {
  if (skip) return;
  [site, other, firefox] = await Promise.all([startSite({ logout_url: "/bye", lifetime: { idle: "2h" }, rotation: { every: "15m", grace: "4m" }, freshness: { safe: "1s" } }), startOther(), launchFirefox()]);
  gate = site.gate;
  site.app.on("/bye", (recorded, response) => sendHtml(response, '<p id="bye">Signed out.</p>'));
  site.app.on("/worker.js", (recorded, response) => response.writeHead(200, { "Content-Type": "text/javascript" }).end(WORKER));
});
nodeTest.after(async () => {
  await firefox?.close();
  await site?.stop();
  await other?.stop();
});

async function member(user = "alice") {
  const visitor = await firefox.visitor(gate.issuer);
  await site.signIn(visitor.page, user);
  return visitor;
}

async function signOut(page) {
  await page.click("form[action='/.edge-session/logout'] button");
  await page.waitForURL(site.at("/bye"));
}

test("the login leads back to the page, Firefox keeps the cookie as it should, and the logout takes it away", async () => {
  const { page, cookie } = await firefox.visitor(gate.issuer);
  await page.goto(site.at("/private/page"));
  assert.equal(await page.url(), site.at("/login?return_to=%2Fprivate%2Fpage"));
  await site.signIn(page, "alice");
  assert.equal(await page.textContent("#who"), "alice");
  const { path, secure, httpOnly, sameSite, expiry } = await cookie();
  assert.deepEqual({ path, secure, httpOnly, sameSite, expiry }, { path: "/", secure: true, httpOnly: true, sameSite: "lax", expiry: undefined });
  await page.fill("[name=note]", "milk");
  await page.click("form[action='/private/note'] button");
  assert.ok(await eventually(() => page.textContent("#note").then((note) => note === "milk", () => false)), "it shows what was just changed");
  await page.goto(site.at("/private/page?again"));
  await signOut(page);
  assert.equal(await cookie(), undefined);
  await page.goBack();
  await page.waitForURL(site.at("/login?return_to=%2Fprivate%2Fpage%3Fagain")); // and no private page
});

test("\"remember me\" is kept for thirty days", async () => {
  const { page, cookie } = await firefox.visitor(gate.issuer);
  await page.goto(site.at("/private/page"));
  await page.click("[name=remember]");
  await page.fill("[name=user]", "alice");
  await page.click("button");
  await page.waitForURL(site.at("/private/page"));
  const days = ((await cookie()).expiry - Date.now() / 1000) / 86_400;
  assert.ok(days > 29 && days < 31, `${days}`);
});

test("20 requests at once when a new ID is overdue: all are answered, the cookie changes, and WebSocket and event stream have the session", async () => {
  const { page, cookie } = await member();
  const before = (await cookie()).value;
  await gate.advance(31 * MINUTE);
  const statuses = await page.evaluate(() => Promise.all(Array.from({ length: 20 }, (_, i) => fetch(`/private/page?${i}`).then(({ status }) => status))));
  assert.deepEqual(statuses, Array(20).fill(200));
  assert.notEqual((await cookie()).value, before);
  site.app.on("/private/events", (recorded, response) => response.writeHead(200, { "Content-Type": "text/event-stream" }).end(`data: ${recorded.claims.sub}\n\n`));
  const heard = await page.evaluate(() => new Promise((resolve) => {
    const source = new EventSource("/private/events");
    source.onmessage = ({ data }) => resolve(data, source.close());
  }));
  const echoed = await page.evaluate(() => new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/private/socket`);
    socket.onopen = () => socket.send("hello");
    socket.onmessage = ({ data }) => resolve(data, socket.close());
    socket.onclose = ({ code }) => resolve(code);
  }));
  assert.deepEqual([heard, echoed], ["alice", "hello"]);
  await page.reload();
  assert.equal(await page.textContent("#who"), "alice");
});

const form = (target = "") => `<form method="post" ${target} action="${site.at("/private/note")}"><input name="note" value="attacked"></form>`;
const url = (path) => JSON.stringify(site.at(path));
// What a page of another origin does, and how many requests come of it: a form that hides its origin is led elsewhere, which is one more.
const ATTACKS = {
  "a form": [1, "/private/note", () => `${form()}<script>onload = () => document.forms[0].submit();</script>`],
  "a form that says where it comes from to nobody": [2, "/.edge-session/cross-site", () => `<meta name="referrer" content="no-referrer">${form()}<script>onload = () => document.forms[0].submit();</script>`],
  "scripts, pictures and frames": [6, undefined, () => `<img src=${url("/private/page?picture")}><iframe src=${url("/private/page?frame")}></iframe><object data=${url("/private/page?object")}></object>
    <script>fetch(${url("/private/note")}, { method: "POST", mode: "no-cors", credentials: "include", body: "note=attacked" });
    navigator.sendBeacon(${url("/private/note")}, "note=attacked"); new WebSocket(${url("/private/socket")}.replace("http", "ws"));</script>`],
};

const PLACES = [
  ["another site", () => other.crossSite],
  ["another origin of the same site", () => other.sameSite],
];

for (const [place, base] of PLACES) {
  for (const [name, [count, end, attack]] of Object.entries(ATTACKS)) {
    test(`${name} from ${place}: refused, and nothing reaches application or store`, async () => {
      const { page, newPage, cookie } = await member();
      const before = (await cookie()).value;
      other.on("/attack", attack());
      const tab = await newPage();
      gate.origin.forget();
      await gate.forgetCalls();
      const begun = await gate.begun();
      await tab.goto(`${base()}/attack`).catch(() => {}); // a form may break it off; whether it was tried is seen next
      assert.ok(await eventually(async () => (await gate.begun()) - begun >= count, 30_000), "it was tried");
      if (end) await tab.waitForURL(site.at(end));
      assert.deepEqual(site.reached(), []);
      assert.deepEqual(await gate.storeCalls(), []);
      await page.reload();
      assert.deepEqual([await page.textContent("#who"), await page.textContent("#note"), (await cookie()).value], ["alice", "", before]);
    });
  }
}

// The last ones: a service worker is looked for anew now and then, which reaches the application.
for (const [place, base] of PLACES) {
  test(`a link from ${place} opens a private page, also where a service worker hands it on`, async () => {
    const { page } = await member();
    other.on("/link", `<a href="${site.at("/private/page")}">go</a>`);
    const follow = async () => {
      await page.goto(`${base()}/link`);
      await page.click("a");
      await page.waitForURL(site.at("/private/page"));
      assert.equal(await page.textContent("#who"), "alice");
    };
    await follow();
    await page.evaluate(async () => {
      const taken = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
      await navigator.serviceWorker.register("/worker.js");
      await taken;
    });
    await follow();
    const pages = gate.origin.requests.filter((recorded) => recorded.url === "/private/page");
    assert.equal(pages.at(-1).header("sec-fetch-dest"), "empty", "the service worker was asked");
    await signOut(page);
    await page.goto(site.at("/private/page"));
    assert.equal(await page.url(), site.at("/login?return_to=%2Fprivate%2Fpage"));
  });
}
