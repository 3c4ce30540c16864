// scripts/dev --origin express, django, spring: the same demonstration on each framework, in a browser.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { startStack } from "../../scripts/demo/stacks.mjs";
import { eventually } from "./harness/app.mjs";
import { launchBrowser } from "./harness/browser.mjs";
import { PROMPT, alive, descendants, dev, finish, forget, freePair, listens, shows } from "./harness/dev.mjs";

const CI = process.env.CI === "true";
const there = path => existsSync(new URL(`../../${path}`, import.meta.url));
const runs = (command, ...args) => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

// Why one is left out on a developer's machine; where CI=true, nothing is.
const STACKS = [
  { name: "express" },
  { name: "django", missing: !there(".tools/venv/bin/python") && "there is no Python 3.10 or newer: scripts/python-tools" },
];
if (there("scripts/java-tools")) STACKS.push({ name: "spring", missing: !runs("javac", "-version") && "there is no JDK: scripts/java-tools" });

let browser;
before(async () => (browser = await launchBrowser()));
after(() => browser?.close());

for (const { name, missing } of STACKS) {
  // The first time, a framework's packages are fetched, and some are compiled.
  test(`scripts/dev --origin ${name}`, { skip: !CI && missing, timeout: 600_000 }, async t => {
    const port = await freePair();
    const run = dev(["--quiet", "--port", String(port), "--set", "freshness.safe=1s", "--origin", name]);
    t.after(async () => {
      await finish(run);
      forget(port);
    });
    await run.started;
    const at = path => `http://localhost:${port}${path}`;
    browser.context.setDefaultTimeout(60_000);
    const page = await browser.context.newPage();
    t.after(() => page.close());
    const errors = [];
    page.on("pageerror", error => errors.push(error));
    const cookie = async () => (await browser.context.cookies()).find(one => one.name === "__Host-session")?.value;
    const claims = async () => JSON.parse(await page.textContent("pre"));
    const signIn = async () => {
      await page.goto(at("/session"));
      await page.selectOption("main select", "ada");
      await page.fill("[name=password]", "edge");
      await page.click("main button");
      await page.waitForURL(/\/session$/);
    };

    await t.test("an anonymous session counts, and a login takes the number along", async () => {
      await page.goto(at("/"));
      for (const count of ["1", "2"]) {
        await page.click("text=Count");
        await shows(page, "#count", count);
      }
      await page.goto(at("/session"));
      await page.selectOption("main select", "ada");
      await page.fill("[name=password]", "wrong");
      await page.click("main button");
      assert.match(await page.textContent("[role=alert]"), /Wrong password/);
      await signIn();
      await page.goto(at("/"));
      assert.equal(await page.textContent("#count"), "2");
    });

    await t.test("the page shows the session: who, the deadlines, the last new ID, the claims", async () => {
      await page.goto(at("/session"));
      assert.equal(await page.textContent("h1"), "Ada Lovelace");
      assert.match(await page.textContent("#idle"), /^(30:00|29:\d\d)$/);
      assert.match(await page.textContent("#absolute"), /^(12:00:00|11:59:\d\d)$/);
      await page.waitForFunction(() => /asked for by the application$/.test(document.getElementById("rotated").textContent));
      assert.match(JSON.stringify(await claims()), /"sid":"[\w-]{20,}"/);
    });

    await t.test("a change of data", async () => {
      await page.fill("#notes [name=text]", "<b>milk</b> & 'bread'");
      await page.click("#notes button:has-text('Add')");
      await page.waitForSelector("#notes li");
      assert.equal(await page.textContent("#notes li span"), "<b>milk</b> & 'bread'");
      await page.click("#notes li button");
      await page.waitForSelector("#notes li", { state: "detached" });
    });

    await t.test("a change of privilege gives a new ID, and the old one is dead", async () => {
      const old = await cookie();
      await page.click("text=Confirm your password to send");
      await page.fill("[name=password]", "edge");
      await page.click("main button");
      await page.waitForSelector("#transfer button:has-text('Send')");
      assert.notEqual(await cookie(), old);
      const replay = await fetch(at("/session"), { redirect: "manual", headers: { cookie: `__Host-session=${old}` } });
      assert.equal(replay.status, 401);
      await page.click("#transfer button:has-text('Send')");
      await page.waitForFunction(() => document.getElementById("balance")?.textContent === "110");
    });

    await t.test("one session of one's own is ended from another browser", async () => {
      const form = await fetch(at("/login"));
      const fields = await form.text();
      const [select] = /<select[^>]*>/.exec(fields);
      const body = new URLSearchParams({ [/name="(\w+)"/.exec(select)[1]]: "ada", password: "edge" });
      const [, token] = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(fields) ?? [];
      if (token) body.set("csrfmiddlewaretoken", token);
      const cookies = form.headers.getSetCookie().map(line => line.split(";")[0]).join("; ");
      const login = await fetch(at("/login"), { method: "POST", redirect: "manual", headers: { origin: `http://localhost:${port}`, cookie: cookies }, body });
      const [elsewhere] = login.headers.getSetCookie().map(line => line.split(";")[0]).filter(line => line.startsWith("__Host-session="));
      const signedIn = async () => (await fetch(at("/session"), { redirect: "manual", headers: { cookie: elsewhere } })).status === 200;
      assert.ok(await signedIn());
      await page.goto(at("/session"));
      await page.click("#sessions button:has-text('End')");
      await page.waitForURL(/\/session.*#sessions$/);
      assert.ok(!(await signedIn()));
      assert.equal(await page.locator("#sessions li").count(), 1);
      assert.equal(await page.textContent("h1"), "Ada Lovelace");
    });

    await t.test("an attack from another site reaches nothing", async () => {
      const attack = await browser.context.newPage();
      await attack.goto(`http://127.0.0.1:${port + 1}/`);
      await attack.waitForFunction(() => document.getElementById("received").textContent !== "0");
      await attack.click("[data-attack=fetch] button");
      await attack.waitForSelector("[data-attack=fetch] .verdict.refused");
      await attack.close();
    });

    await t.test("signing out, here and everywhere", async () => {
      await page.click("nav button");
      await page.waitForURL(at("/"));
      assert.equal(await cookie(), undefined);
      await signIn();
      const stolen = await cookie();
      await page.click("text=Sign out everywhere");
      await page.waitForURL(url => url.pathname === "/");
      const replay = await fetch(at("/session"), { method: "HEAD", redirect: "manual", headers: { cookie: `__Host-session=${stolen}` } });
      assert.equal(replay.status, 401);
    });

    await t.test("SIGTERM ends the gate and the application", async () => {
      const below = [{ pid: run.child.pid, command: "scripts/dev" }, ...descendants(run.child.pid)];
      assert.ok(below.length >= 3, "scripts/dev, workerd, and the application");
      const begun = Date.now();
      assert.deepEqual(await finish(run), { code: 0, signal: null });
      assert.ok(Date.now() - begun < PROMPT, "it takes its time");
      for (const { pid, command } of below) assert.ok(await eventually(() => !alive(pid)), `still there: ${command}`);
      assert.ok(!(await listens(port)));
      assert.ok(!(await listens(port + 1)));
    });
    assert.deepEqual(errors, []);
  });
}

test("an application that ends by itself ends scripts/dev, which says so", async t => {
  const port = await freePair();
  const run = dev(["--quiet", "--port", String(port), "--origin", "express"]);
  t.after(() => forget(port));
  await run.started;
  process.kill(descendants(run.child.pid).find(({ command }) => command.includes("express/demo/app.mjs")).pid, "SIGKILL");
  assert.equal((await run.ended).code, 1);
  assert.match(run.err, /express: the application has ended \(SIGKILL\)/);
});

// A folder that looks like this one, with these programs in its scripts/.
function folder(t, programs) {
  const root = mkdtempSync(join(tmpdir(), "edge-session-stacks-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "scripts"));
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(root, "scripts", name), text, { mode: 0o755 });
  return root;
}

test("a toolchain that is missing is named, and so is an application that does not start", async t => {
  const root = folder(t, { "python-tools": readFileSync(new URL("../../scripts/python-tools", import.meta.url)) });
  // A PATH with all that the script needs but Python.
  for (const program of ["bash", "cmp", "dirname", "env", "flock", "mkdir", "rm"]) {
    const found = process.env.PATH.split(delimiter).map(place => join(place, program)).find(existsSync);
    if (found) symlinkSync(found, join(root, program));
  }
  const { status, stderr } = spawnSync(join(root, "scripts/python-tools"), ["demo"], { env: { PATH: root, PYENV_ROOT: root }, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /^python-tools: no Python 3\.10 or newer .* Install it \(python3 and python3-venv\)\.$/m);

  const start = programs => startStack("spring", { root: folder(t, programs), env: {}, onEnd: () => {} }).ready;
  await assert.rejects(start({ "java-tools": "#!/bin/sh\nexit 1\n" }), /spring: the application ended \(exit code 1\) before it listened/);
  await assert.rejects(start({}), /cannot start scripts\/java-tools: there is no such program/);
});

test("the line with its port is taken from what it prints; the rest is for the terminal's stderr", async t => {
  const said = t.mock.method(console, "error", () => {});
  const printed = t.mock.method(console, "log", () => {});
  const root = folder(t, { "java-tools": '#!/bin/sh\necho one\necho "now listening on 1"\necho "listening on $PORT"\nsleep 60\n' });
  const stack = startStack("spring", { root, env: { PORT: "4711" }, onEnd: () => assert.fail("it did not end by itself") });
  assert.equal(await stack.ready, 4711);
  await stack.stop();
  assert.deepEqual(said.mock.calls.map(call => call.arguments), [["one"], ["now listening on 1"]]);
  assert.equal(printed.mock.callCount(), 0);
});

test("it can be stopped before it is ready, with all that it has started", async t => {
  const root = folder(t, { "java-tools": "#!/bin/sh\nsleep 60 &\necho $! > sleeping\nwait\n" });
  let ready = false;
  const stack = startStack("spring", { root, env: {}, onEnd: () => assert.fail("it did not end by itself") });
  stack.ready.finally(() => (ready = true));
  const started = () => existsSync(join(root, "sleeping")) && readFileSync(join(root, "sleeping"), "utf8").trim();
  while (!started()) await new Promise(setImmediate);
  const sleeping = Number(started());
  await stack.stop();
  assert.ok(await eventually(() => !alive(sleeping)));
  assert.equal(ready, false);
});

test("a name that is none is a usage error which says what there is", async () => {
  const run = dev(["--origin", "rails"]);
  assert.equal((await run.ended).code, 2);
  assert.match(run.err, /--origin is an address such as \S+, or one of express, django, spring, not "rails"/);
  assert.equal(run.out, "");
});
