// Spring Boot with the kit behind the gate, in Chromium: Spring Security's own login page, and what a browser keeps.
import assert from "node:assert/strict";
import test from "node:test";
import { missing, startSpring } from "../../origins/spring/site/site.mjs";
import { SESSION } from "./harness/app.mjs";
import { arrives, launchBrowser } from "./harness/browser.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";

test("Spring Boot in Chromium", { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
  assert.equal(missing, undefined);
  const port = await freePort();
  const key = makeKey("dev-origin1");
  const [issuer, audience] = [`http://localhost:${port}`, "spring"];
  const spring = await startSpring({ issuer, audience, keys: key.entry, boot: "3.5" });
  t.after(() => spring.stop());
  const gate = await startGate({ port, origin: { url: spring.url }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config: { audience, default_access: "optional", login_url: "/login" } });
  t.after(() => gate.stop());

  const visitor = async (t) => {
    const { context, close } = await launchBrowser();
    t.after(close);
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const cookie = async (name = SESSION) => (await context.cookies(issuer)).find((one) => one.name === name);
    const state = () => page.evaluate(async () => (await fetch("/data")).json());
    return { page, cookie, state };
  };
  const signIn = async (page, username, { twice = false, remember = false } = {}) => {
    await page.goto(`${issuer}/private`);
    assert.equal(page.url(), `${issuer}/login`);
    await page.fill("[name=username]", username);
    await page.fill("[name=password]", "secret");
    if (remember) await page.check("[name=remember-me]");
    await (twice ? page.dblclick("button") : page.click("button"));
    await arrives(page, `${issuer}/private?continue`);
  };

  await t.test("a page that needs a login leads to it, twice clicked, and back; logging out ends it", async (t) => {
    const { page, cookie, state } = await visitor(t);
    await signIn(page, "user-1", { twice: true });
    assert.equal(await page.textContent("body"), "the page of user-1");
    const { httpOnly, secure, expires } = await cookie();
    assert.deepEqual([httpOnly, secure, expires], [true, true, -1]);
    assert.equal((await state()).user, "user-1");
    await page.goto(`${issuer}/logout`);
    await page.click("button");
    await page.waitForURL(`${issuer}/login?logout`);
    assert.match(await page.textContent("body"), /You have been signed out/);
    assert.equal((await state()).user, "");
  });

  await t.test("remember me makes the gate's cookie outlast the browser, and there is no other", async (t) => {
    const { page, cookie } = await visitor(t);
    await signIn(page, "user-2", { remember: true });
    assert.ok((await cookie()).expires > Date.now() / 1000 + 86400);
    assert.equal(await cookie("remember-me"), undefined);
  });

  await t.test("a second sign-in throws the first browser out and says so", async (t) => {
    const [first, second] = [await visitor(t), await visitor(t)];
    await signIn(first.page, "single-3");
    await signIn(second.page, "single-3");
    // The gate may answer this browser's reads from memory for freshness.safe; a form asks the store.
    await first.page.evaluate(async () => (document.body.textContent = await (await fetch("/data", { method: "POST" })).text()));
    assert.match(await first.page.textContent("body"), /This session has been expired/);
    assert.equal((await first.state()).user, "");
    assert.equal((await second.state()).user, "single-3");
  });

  await t.test("a form of another site is refused, and the application does not hear of it", async (t) => {
    const { page, state } = await visitor(t);
    await signIn(page, "user-4");
    const reached = async () => (await fetch(`${spring.url}/healthz`)).text();
    const before = await reached();
    await page.goto(`data:text/html,<form method="post" action="${issuer}/data"><button>Click</button></form>`);
    await page.click("button");
    await page.waitForURL(`${issuer}/.edge-session/cross-site`);
    assert.match(await page.textContent("body"), /cross_site/);
    assert.equal(await reached(), before);
    await page.goto(`${issuer}/private`);
    assert.equal((await state()).user, "user-4");
  });

  await gate.logsArrived();
  assert.deepEqual(gate.events("control.invalid"), []);
});
