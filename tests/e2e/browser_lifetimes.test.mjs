// In Chromium, with the gate's clock in the test's hand: sliding, both deadlines, and a new session ID under a busy page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./harness/app.mjs";
import { sendHtml, startSite, watch } from "./harness/site.mjs";

const PICTURES = 20;
const MINUTE = 60_000;
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
let site; // sessions that end
let turning; // session IDs that change

test.before(async () => {
  site = await startSite({ lifetime: { idle: "40m", absolute: "3h", touch: "10m" }, rotation: { every: "0s" }, freshness: { safe: "1s" } });
  turning = await startSite({ lifetime: { idle: "2h" }, rotation: { every: "15m", grace: "4m" }, freshness: { safe: "1s" } });
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

const pathOf = (page) => new URL(page.url()).pathname;
const loaded = (page) => page.evaluate(() => [...document.images].filter(({ complete, naturalWidth }) => complete && naturalWidth > 0).length);
// Moves the clock to so many minutes from this second on; a slow machine is later by the time that it takes.
const until = async ({ gate }, second, minutes) => gate.advance((second * 1000) + minutes * MINUTE - (await gate.now()));
const sessionOf = (user) => site.gate.origin.requests.findLast((recorded) => recorded.claims?.sub === user).claims.session;

test("a page that is used goes on beyond the idle deadline, and ends once it is left alone", async () => {
  const { page } = await site.member("slider");
  const { created } = sessionOf("slider");
  for (const minutes of [20, 40, 60]) {
    await until(site, created, minutes);
    await page.reload();
    assert.equal(await page.textContent("#who"), "slider", `after ${minutes} minutes`);
  }
  const { idle, absolute } = sessionOf("slider");
  assert.ok(idle > created + 60 * 60 && idle < absolute, "the deadline has moved");
  assert.equal(absolute, created + 3 * 3600, "the other has not");
  await until(site, idle + 1, 0); // claims are whole seconds
  await page.reload();
  assert.equal(pathOf(page), "/login");
});

test("a page that is not used ends at the idle deadline, for its scripts as well", async () => {
  const { page } = await site.member("sleeper");
  await until(site, sessionOf("sleeper").idle + 1, 0);
  assert.equal(await page.evaluate(async () => (await fetch("/private/page", { redirect: "manual" })).status), 401);
  await page.fill("[name=note]", "too late");
  await page.click("text=Save");
  await page.waitForURL(site.at("/private/note"));
  assert.ok(!site.gate.origin.requests.some((recorded) => recorded.method === "POST" && recorded.url === "/private/note" && recorded.claims.sub === "sleeper"));
});

test("the absolute deadline ends a page that is used all the time, and a new login begins a new session", async () => {
  const { page } = await site.member("worker");
  const { created, absolute } = sessionOf("worker");
  assert.equal(absolute, created + 3 * 3600);
  for (const minutes of [30, 60, 90, 120, 150, 179]) {
    await until(site, created, minutes);
    await page.reload();
    assert.equal(pathOf(page), "/private/page", `after ${minutes} minutes`);
  }
  await until(site, absolute + 1, 0);
  await page.reload();
  assert.equal(pathOf(page), "/login");
  assert.equal(new URL(page.url()).searchParams.get("return_to"), "/private/page");
  await page.fill("[name=user]", "worker");
  await page.click("button");
  await page.waitForURL("**/private/page");
  assert.equal(await page.textContent("#who"), "worker");
  assert.ok(sessionOf("worker").created >= absolute);
});

test(`a page with ${PICTURES} pictures that is opened when a new ID is due: all load, the cookie changes once, and the page goes on`, async () => {
  const { context, page, cookie } = await turning.member("gallery");
  const before = (await cookie()).value;
  await turning.gate.advance(16 * MINUTE);
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
  await turning.gate.advance(31 * MINUTE);
  const seen = await watch(turning, context);
  const statuses = await page.evaluate((count) => Promise.all(Array.from({ length: count }, (_, i) => fetch(`/private/picture?${i}`).then(({ status }) => status))), PICTURES);
  assert.deepEqual(statuses, Array(PICTURES).fill(200));
  assert.ok(await eventually(async () => seen.answers.length === PICTURES && (await cookie()).value !== before));
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
  await turning.gate.advance(16 * MINUTE);
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
