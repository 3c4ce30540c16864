// Django with the kit behind the gate, in Chromium: its login page, its admin, and what a browser keeps.
import assert from "node:assert/strict";
import test from "node:test";
import { environments, startDjango } from "../../origins/django/tests/site.mjs";
import { SESSION } from "./harness/app.mjs";
import { arrives, launchBrowser } from "./harness/browser.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";

const { venv, missing } = environments().find((one) => one.missing === undefined) ?? environments()[0];

test("Django in Chromium", { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
  assert.equal(missing, undefined);
  const [port, djangoPort] = [await freePort(), await freePort()];
  const key = makeKey("dev-origin1");
  const [issuer, audience] = [`http://localhost:${port}`, "django"];
  const django = await startDjango({ venv, port: djangoPort, issuer, audience, keys: key.entry });
  t.after(() => django.stop());
  const config = { audience, default_access: "optional", login_url: "/login", login_return_param: "next", paths: [{ path: "/where", access: "required" }] };
  const gate = await startGate({ port, origin: { url: django.url }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config });
  t.after(() => gate.stop());

  const visitor = async (t) => {
    const { context, close } = await launchBrowser();
    t.after(close);
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const cookie = async () => (await context.cookies(issuer)).find(({ name }) => name === SESSION);
    const state = () => page.evaluate(async () => (await fetch("/data")).json());
    return { page, cookie, state };
  };
  const fill = async (page, username, password = "secret") => {
    await page.fill("[name=username]", username);
    await page.fill("[name=password]", password);
  };

  await t.test("a page that needs a session leads to the login, twice clicked, and back; logging out ends it", async (t) => {
    const { page, cookie, state } = await visitor(t);
    await page.goto(`${issuer}/where`);
    assert.equal(page.url(), `${issuer}/login?next=%2Fwhere`);
    await fill(page, "user-1");
    await page.dblclick("button");
    await arrives(page, `${issuer}/where`);
    assert.match(await page.textContent("body"), new RegExp(`"uri": "${issuer}/x"`));
    const { httpOnly, secure, expires } = await cookie();
    assert.deepEqual([httpOnly, secure, expires], [true, true, -1]);
    assert.equal((await state()).user, "user-1");
    await page.evaluate(async () => {
      const body = new URLSearchParams({ csrfmiddlewaretoken: (await (await fetch("/data")).json()).token });
      await fetch("/logout", { method: "POST", body });
    });
    assert.equal(await cookie(), undefined);
    assert.equal((await state()).user, "");
  });

  await t.test("remember me makes the cookie outlast the browser", async (t) => {
    const { page, cookie } = await visitor(t);
    await page.goto(`${issuer}/login?next=/where`);
    await fill(page, "user-2");
    await page.check("[name=remember]");
    await page.click("button");
    await page.waitForURL(`${issuer}/where`);
    assert.ok((await cookie()).expires > Date.now() / 1000 + 86400);
  });

  await t.test("the admin: login, a changed password that throws the other browser out, logout", async (t) => {
    const [here, there] = [await visitor(t), await visitor(t)];
    for (const { page } of [here, there]) {
      await page.goto(`${issuer}/admin/`);
      await fill(page, "root-1");
      await page.click("[type=submit]");
      await page.waitForURL(`${issuer}/admin/`);
    }
    await here.page.goto(`${issuer}/admin/password_change/`);
    await here.page.fill("[name=old_password]", "secret");
    await here.page.fill("[name=new_password1]", "another one");
    await here.page.fill("[name=new_password2]", "another one");
    await here.page.click("#content [type=submit]");
    await here.page.waitForURL(`${issuer}/admin/password_change/done/`);
    await there.page.goto(`${issuer}/admin/`);
    assert.equal(there.page.url(), `${issuer}/admin/login/?next=/admin/`);
    assert.equal((await here.state()).user, "root-1");
    await here.page.click("#logout-form button");
    await here.page.waitForURL(`${issuer}/admin/logout/`);
    assert.equal((await here.state()).user, "");
  });

  await gate.logsArrived();
  assert.deepEqual(gate.events("control.invalid"), []);
});
