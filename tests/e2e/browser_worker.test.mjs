// In Chromium: a site whose service worker hands every request on with `fetch`, as those that work offline do. The browser then says of a page
// that its destination is "empty", and the gate takes it for a page all the same.
import assert from "node:assert/strict";
import test from "node:test";
import { sendHtml, startOther, startSite } from "./harness/site.mjs";

const WORKER = "oninstall = () => skipWaiting(); onactivate = (event) => event.waitUntil(clients.claim()); onfetch = (event) => event.respondWith(fetch(event.request));";
let site;
let other;
test.before(async () => {
  site = await startSite({ logout_url: "/bye" });
  site.app.on("/worker.js", (recorded, response) => response.writeHead(200, { "Content-Type": "text/javascript" }).end(WORKER));
  site.app.on("/bye", (recorded, response) => sendHtml(response, '<p id="bye">Signed out.</p>'));
  other = await startOther();
});
test.after(async () => {
  await site?.stop();
  await other?.stop();
});

async function visitor() {
  const { page } = await site.visitor();
  await page.goto(site.at("/"));
  await page.evaluate(async () => {
    const taken = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    await navigator.serviceWorker.register("/worker.js");
    await taken;
  });
  return page;
}

// Of the last page, as the application was told; the service worker is looked for anew beside it.
const destination = () => site.gate.origin.requests.findLast(({ url }) => url === "/private/page").header("sec-fetch-dest");

test("a page that needs a session leads to the login, and the logout button away from it", async () => {
  const page = await visitor();
  await site.signIn(page, "alice");
  assert.equal(await page.textContent("#who"), "alice");
  assert.equal(destination(), "empty", "the service worker was asked");
  await page.click("text=Sign out >> nth=-1");
  await page.waitForURL(site.at("/bye"));
});

for (const [place, base] of [["another site", () => other.crossSite], ["another origin of the same site", () => other.sameSite]]) {
  test(`a link from ${place} opens a private page with the session`, async () => {
    const page = await visitor();
    await site.signIn(page, "alice");
    other.on("/link", `<a href="${site.at("/private/page")}">go</a>`);
    await page.goto(`${base()}/link`);
    site.gate.origin.forget();
    await page.click("a");
    await page.waitForURL(site.at("/private/page"));
    assert.equal(await page.textContent("#who"), "alice");
    assert.equal(destination(), "empty", "the service worker was asked");
  });

  test(`a form from ${place} is refused nevertheless`, async () => {
    const page = await visitor();
    await site.signIn(page, "alice");
    other.on("/attack", `<form method="post" action="${site.at("/private/note")}"><input name="note" value="attacked"></form><script>onload = () => document.forms[0].submit();</script>`);
    site.gate.origin.forget();
    await page.goto(`${base()}/attack`);
    await page.waitForURL(site.at("/private/note"));
    assert.deepEqual(site.reached().filter((line) => line !== "GET /worker.js"), []);
  });
}
