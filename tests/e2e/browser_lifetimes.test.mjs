// In Chromium, in real time and with short lifetimes: sliding, both deadlines, and a new session ID under a busy page.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventually } from "./harness/app.mjs";
import { sendHtml, startSite, watch } from "./harness/site.mjs";

const PICTURES = 20;
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
let site; // sessions that end soon
let turning; // session IDs that change often

test.before(async () => {
  site = await startSite({ lifetime: { idle: "4s", absolute: "9s", touch: "1s" }, rotation: { every: "0s" }, freshness: { safe: "1s" } });
  turning = await startSite({ rotation: { every: "2s", grace: "5s" }, freshness: { safe: "1s" } });
  turning.app.on("/private/picture", async (recorded, response) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    response.setHeader("Content-Type", "image/svg+xml");
    response.end(svg);
  });
  turning.app.on("/private/gallery", (recorded, response) => {
    const pictures = Array.from({ length: PICTURES }, (_, i) => `<img src="/private/picture?${i}">`).join("");
    sendHtml(response, `<p id="who">${recorded.claims.sub}</p>${pictures}`);
  });
});
test.after(async () => {
  await site?.stop();
  await turning?.stop();
});

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const pathOf = (page) => new URL(page.url()).pathname;
const loaded = (page) => page.evaluate(() => [...document.images].filter(({ complete, naturalWidth }) => complete && naturalWidth > 0).length);

// They mostly wait, so they wait together.
describe("deadlines", { concurrency: true }, () => {
  test("a page that is used goes on beyond the idle deadline, and ends once it is left alone", async () => {
    const { page } = await site.member("slider");
    const begun = Date.now();
    while (Date.now() - begun < 5000) {
      await wait(1000);
      await page.reload();
      assert.equal(await page.textContent("#who"), "slider", `after ${Date.now() - begun} ms`);
    }
    const claims = site.gate.origin.requests.findLast((recorded) => recorded.claims?.sub === "slider").claims;
    assert.ok(claims.session.idle > claims.session.created + 4, "the deadline has moved");
    assert.ok(claims.session.absolute === claims.session.created + 9, "the other has not");
    await wait((claims.session.idle + 1) * 1000 - Date.now());
    await page.reload();
    assert.equal(pathOf(page), "/login");
  });

  test("a page that is not used ends at the idle deadline, for its scripts as well", async () => {
    const { page } = await site.member("sleeper");
    await wait(5000);
    assert.equal(await page.evaluate(async () => (await fetch("/private/page", { redirect: "manual" })).status), 401);
    await page.fill("[name=note]", "too late");
    await page.click("text=Save");
    await page.waitForLoadState();
    assert.ok(!site.gate.origin.requests.some((recorded) => recorded.method === "POST" && recorded.url === "/private/note" && recorded.claims.sub === "sleeper"));
  });

  test("the absolute deadline ends a page that is used all the time, and a new login begins a new session", async () => {
    const { page } = await site.member("worker");
    const { created, absolute } = site.gate.origin.requests.findLast((recorded) => recorded.claims?.sub === "worker").claims.session;
    assert.equal(absolute, created + 9);
    let last;
    for (;;) {
      const asked = Date.now();
      await page.reload();
      if (pathOf(page) === "/login") break;
      last = asked;
      assert.ok(asked < absolute * 1000, "let in after the deadline");
      await wait(300);
    }
    assert.ok(last > (created + 6) * 1000, `ended ${last - created * 1000} ms after it began`);
    assert.equal(new URL(page.url()).searchParams.get("return_to"), "/private/page");
    await page.fill("[name=user]", "worker");
    await page.click("button");
    await page.waitForURL("**/private/page");
    assert.equal(await page.textContent("#who"), "worker");
  });

  test(`a page with ${PICTURES} pictures that is opened when a new ID is due: all load, the cookie changes once, and the page goes on`, async () => {
    const { context, page, cookie } = await turning.member("gallery");
    const before = (await cookie()).value;
    await wait(2100);
    const seen = await watch(turning, context);
    await page.goto(turning.at("/private/gallery"));
    assert.equal(await loaded(page), PICTURES);
    assert.ok(seen.answers.every(({ status }) => status === 200));
    const ids = await seen.ids();
    assert.equal(new Set(ids).size, 1);
    assert.notEqual(ids[0], `__Host-session=${before}`);
    assert.equal(`__Host-session=${(await cookie()).value}`, ids[0]);
    await goesOn(page, "gallery");
  });

  test(`${PICTURES} requests of an open page at once when a new ID is overdue: all are answered, the cookie changes once, and the page goes on`, async () => {
    const { context, page, cookie } = await turning.member("busy");
    const before = (await cookie()).value;
    await wait(4100);
    const seen = await watch(turning, context);
    const statuses = await page.evaluate((count) => Promise.all(Array.from({ length: count }, (_, i) => fetch(`/private/picture?${i}`).then(({ status }) => status))), PICTURES);
    assert.deepEqual(statuses, Array(PICTURES).fill(200));
    assert.ok(await eventually(async () => (await cookie()).value !== before));
    const ids = new Set(await seen.ids());
    assert.deepEqual([...ids], [`__Host-session=${(await cookie()).value}`], "one new ID, for all who asked at once");
    await goesOn(page, "busy");
  });

  test("a page that waits for a slow answer while its ID changes loses neither the answer nor the session", async () => {
    const { page, context, cookie } = await turning.member("slow");
    const before = (await cookie()).value;
    const hold = turning.app.hold("/private/slow");
    turning.app.on("/private/slow", (recorded, response) => response.end(recorded.claims.sub));
    const answer = page.evaluate(() => fetch("/private/slow").then((got) => got.text()));
    await hold.arrived;
    await wait(2100);
    const tab = await context.newPage();
    await tab.goto(turning.at("/private/page"));
    await tab.reload();
    assert.notEqual((await cookie()).value, before);
    const after = (await cookie()).value;
    hold.release();
    assert.equal(await answer, "slow");
    assert.equal((await cookie()).value, after, "the late answer does not bring the old ID back");
    await goesOn(page, "slow");
  });

  async function goesOn(page, user) {
    await page.goto(turning.at("/private/page"));
    await page.fill("[name=note]", "goes on");
    await Promise.all([page.waitForEvent("load"), page.click("text=Save")]);
    assert.deepEqual([await page.textContent("#who"), await page.textContent("#note")], [user, "goes on"]);
  }
});
