// scripts/dev as a stranger would use it: one command, a site in a browser, an attacker's page beside it, and nothing left
// when it ends.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as miniflare from "miniflare";
import wrangler from "wrangler";
import { readToml } from "../../scripts/demo/config.mjs";
import { devVars } from "../../scripts/demo/dev-vars.mjs";
import { startGate } from "../../scripts/demo/gate.mjs";
import { HELP } from "../../scripts/demo/options.mjs";
import { homePage } from "../../scripts/demo/views.mjs";
import { eventually } from "./harness/app.mjs";
import { launchBrowser } from "./harness/browser.mjs";
import { PROMPT, adopt, alive, descendants, dev, finish, forget, freePair, listens, shows } from "./harness/dev.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

let site;
let port;
let browser;
before(async () => {
  port = await freePair();
  site = dev(["--quiet", "--port", String(port), "--set", "rotation.every=2s", "--set", "freshness.safe=1s"]);
  browser = await launchBrowser();
  browser.context.setDefaultTimeout(60_000);
  await site.started;
});
after(async () => {
  await browser?.close();
  if (site) await finish(site);
  forget(port);
});

const at = path => `http://localhost:${port}${path}`;

async function signIn(page, user = "ada") {
  await page.goto(at("/session"));
  await page.selectOption("[name=user]", user);
  await page.fill("[name=password]", "edge");
  await page.click("main button");
  await page.waitForURL("**/session");
}

test("--quiet leaves the address on stdout and nothing else", () => {
  assert.equal(site.out, `http://localhost:${port}\n`);
});

test("the demonstration: login, deadlines, data, a new ID, a WebSocket, out-of-band end, logout", async () => {
  const page = await browser.context.newPage();
  const errors = [];
  page.on("pageerror", error => errors.push(error));
  await page.goto(at("/"));
  // An anonymous session counts.
  for (const count of ["1", "2"]) {
    await page.click("text=Count");
    await shows(page, "#count", count);
  }

  await signIn(page);
  assert.equal(await page.textContent("h1"), "Ada Lovelace");
  const claims = async () => JSON.parse(await page.textContent("pre"));
  const first = await claims();
  assert.equal(first.sub, "u-1001");
  assert.equal(first.data.count, 2, "the login carried the anonymous session's number along");
  assert.match(await page.textContent("#idle"), /^(30:00|29:\d\d)$/);
  assert.match(await page.textContent("#absolute"), /^(12:00:00|11:59:\d\d)$/);
  assert.equal(await page.getAttribute("#ended", "role"), "alert", "who does not see the countdown hears its end");
  await page.waitForFunction(before => document.getElementById("idle").textContent !== before, await page.textContent("#idle"));

  await page.fill("#notes [name=text]", "<b>milk</b> & 'bread'");
  await page.click("#notes button:has-text('Add')");
  await page.waitForURL("**/session?done=added#notes");
  assert.equal(await page.textContent("#notes li span"), "<b>milk</b> & 'bread'");

  const cookie = async () => (await browser.context.cookies()).find(({ name }) => name === "__Host-session").value;
  const old = await cookie();
  await page.click("text=Confirm your password to send");
  await page.fill("[name=password]", "wrong");
  await page.click("main button");
  assert.match(await page.textContent("[role=alert]"), /Wrong password/);
  await page.fill("[name=password]", "edge");
  await page.click("main button");
  await page.waitForURL("**/session?done=unlocked#transfer");
  const raised = await claims();
  assert.notEqual(raised.sid, first.sid);
  assert.ok(raised.auth_time >= first.auth_time);
  assert.notEqual(await cookie(), old);
  const replay = await fetch(at("/session"), { redirect: "manual", headers: { cookie: `__Host-session=${old}` } });
  assert.equal(replay.status, 401, "the ID from before is dead at once");
  await page.click("#transfer button:has-text('Send')");
  await page.waitForURL("**/session?done=sent#transfer");
  assert.equal(await page.textContent("#balance"), "110");

  await page.click("#echo button");
  await page.waitForFunction(() => document.getElementById("echoed").textContent === "u-1001 said: hello");

  await page.waitForTimeout(2100);
  await page.goto(at("/session"));
  await page.waitForFunction(() => document.getElementById("rotated").textContent.endsWith("made by the gate"));

  const second = await launchBrowser();
  try {
    const other = await second.context.newPage();
    await signIn(other);
    assert.match(await other.getAttribute("#sessions li button", "aria-label"), /^End the session since .*\d/);
    await other.click("#sessions li button");
    await other.waitForURL("**/session?done=ended#sessions");
    assert.equal(await other.locator("#sessions li").count(), 1);
    await page.waitForTimeout(1100); // freshness.safe
    await page.goto(at("/session"));
    assert.match(page.url(), /\/login\?return_to=%2Fsession$/, "ended from elsewhere");
    await signIn(page);
    await other.goto(at("/session"));
    await other.click("text=Sign out everywhere");
    await other.waitForURL("**/?done=everywhere");
    await page.waitForTimeout(1100);
    await page.goto(at("/session"));
    assert.match(page.url(), /\/login\?/);
  } finally {
    await second.close();
  }

  await signIn(page);
  await page.click("nav button");
  await page.waitForURL(at("/"));
  await page.goto(at("/session"));
  assert.match(page.url(), /\/login\?/);
  assert.deepEqual(errors, []);
  await page.close();
});

test("the attacker's page: every attack is refused, from another site and from a sibling, and nothing reaches the application", { timeout: 240_000 }, async () => {
  const page = await browser.context.newPage();
  const errors = [];
  page.on("pageerror", error => errors.push(error));
  await signIn(page);
  await page.goto("about:blank"); // it would ask for its icon some time later, and that counts
  const attack = await browser.context.newPage();
  for (const host of ["127.0.0.1", "localhost"]) {
    await attack.goto(`http://${host}:${port + 1}/`);
    await attack.waitForFunction(() => document.getElementById("received").textContent !== "0");
    const before = await attack.textContent("#received");
    await attack.click("#all");
    await attack.waitForFunction(() => !document.getElementById("all").disabled, undefined, { timeout: 90_000 });
    const verdicts = await attack.locator(".verdict").allTextContents();
    assert.equal(verdicts.length, 6);
    for (const verdict of verdicts) {
      assert.match(verdict, /^Refused: (csrf|session)\.refused\. Nothing reached the application\.$/, host);
    }
    assert.equal(await attack.textContent("#received"), before, `${host}: the application's own count`);
    const frame = attack.frameLocator("[data-attack=frame] iframe").locator("body");
    assert.match(await frame.innerText(), /"code":"(cross_site|session_required)"/);
  }
  await page.goto(at("/session"));
  assert.match(await page.textContent("#balance"), /^1[12]0$/, "no coin moved");
  assert.deepEqual(errors, []);
});

test("the attacker's page says so where an attack does come through", async () => {
  const open = await freePair();
  const run = dev(["--quiet", "--port", String(open), "--set", "csrf.insecure_report_only=true"]);
  const victim = await launchBrowser(); // of its own: browsers share cookies between the ports of a host
  try {
    await run.started;
    const page = await victim.context.newPage();
    await page.goto(`http://localhost:${open}/session`);
    await page.fill("[name=password]", "edge");
    await page.click("main button");
    await page.waitForURL("**/session");
    await page.goto(`http://localhost:${open + 1}/`);
    await page.click("[data-attack=fetch] button");
    await page.waitForSelector("[data-attack=fetch] .verdict.reached");
    assert.equal(await page.textContent("[data-attack=fetch] .verdict"), "It reached the application.");
  } finally {
    await victim.close();
    await finish(run);
    forget(open);
  }
});

test("SIGTERM ends the gate, workerd, the application and the attacker's page", async () => {
  const other = await freePair();
  const run = dev(["--quiet", "--port", String(other)]);
  await run.started;
  const below = [{ pid: run.child.pid, command: "scripts/dev" }, ...descendants(run.child.pid)];
  assert.ok(below.some(({ command }) => command.includes("workerd")), "workerd runs below scripts/dev");
  assert.ok(await listens(other));
  assert.ok(await listens(other + 1));
  const begun = Date.now();
  assert.deepEqual(await finish(run), { code: 0, signal: null });
  assert.ok(Date.now() - begun < PROMPT, "it takes its time");
  for (const { pid, command } of below) assert.ok(await eventually(() => !alive(pid)), `still there: ${command}`);
  assert.ok(!(await listens(other)));
  assert.ok(!(await listens(other + 1)));
  forget(other);
});

test("--origin: the printed key and lines are all that an application needs", async t => {
  const other = await freePair();
  let gate; // what the application made of the printed lines
  const application = createServer(async (request, response) => {
    try {
      const claims = await gate.verify(request.headers["edge-session-assertion"]);
      if (request.url === "/in") response.setHeader("Edge-Session-Control", await gate.control("create", { req: claims.jti, sub: "alice" }));
      response.end(claims.sub ?? "nobody");
    } catch {
      response.writeHead(403).end();
    }
  });
  await new Promise(resolve => application.listen(0, "127.0.0.1", resolve));
  t.after(() => application.close());
  const run = dev(["--origin", `http://127.0.0.1:${application.address().port}`, "--port", String(other), "--set", "default_access=optional"], { ready: /changes that\.\n/ });
  t.after(async () => {
    await finish(run);
    forget(other);
  });
  await run.started;

  ({ gate } = await adopt(run.out));

  const url = `http://localhost:${other}`;
  assert.equal(await (await fetch(`${url}/`)).text(), "nobody");
  const login = await fetch(`${url}/in`);
  const cookie = login.headers.getSetCookie().find(line => line.startsWith("__Host-session="));
  assert.equal(await (await fetch(`${url}/`, { headers: { cookie: cookie.split(";")[0] } })).text(), "alice");
  assert.equal((await fetch(`http://127.0.0.1:${application.address().port}/`)).status, 403, "past the gate there is no way in");
  assert.ok(!(await listens(other + 1)), "no attacker's page beside somebody's own application");
});

test("the settings that --help and the demonstration's own page name as examples are taken", async () => {
  const named = `${HELP}${homePage({})}`.match(/(?<=--set )[a-z.]+=\w+/g);
  assert.ok(named.length >= 2);
  for (const setting of new Set(named)) {
    const other = await freePair();
    const run = dev(["--quiet", "--port", String(other), "--set", setting]);
    await run.started;
    await finish(run);
    forget(other);
  }
});

test("a KV namespace that wrangler.toml binds is bound here too", async t => {
  const port = await freePair();
  const state = mkdtempSync(join(tmpdir(), "edge-session-kv-"));
  const settings = { ...readToml(join(root, "wrangler.toml"), wrangler), kv_namespaces: [{ binding: "SESSIONS_KV", id: "0f2ac74b498b48028cb68387c421e279" }] };
  const gate = await startGate({
    miniflare, root, settings, port, hosts: ["127.0.0.1"], state, onLog: () => {},
    config: { issuer: `http://localhost:${port}`, origin: "http://127.0.0.1:1", store: "kv" },
    vars: devVars(join(state, ".dev.vars")).vars,
  });
  t.after(async () => {
    await gate.stop();
    rmSync(state, { recursive: true, force: true });
  });
  const answer = await fetch(`http://localhost:${port}/.edge-session/`);
  assert.equal((await answer.json()).code, "not_found", "and the gate accepts its configuration");
});

test("a configuration that the gate refuses is told, all of it, and the command fails", async () => {
  const run = dev(["--quiet", "--port", String(await freePair()), "--set", "lifetime.idle=-5s", "--set", "nonsense=1"]);
  assert.equal((await run.ended).code, 1);
  assert.equal(run.out, "");
  assert.match(run.err, /lifetime\.idle/);
  assert.match(run.err, /nonsense/);
});

test("--check: a table that is right ends well, and one that is not tells what a deployment would answer 500 for", async t => {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-table-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "table.toml");
  const checked = async table => {
    writeFileSync(file, table);
    const run = dev(["--check", "--config", file]);
    return { code: (await run.ended).code, out: run.out, err: run.err };
  };
  const good = await checked('issuer = "https://shop.example"\norigin = "https://origin.shop.example"\n');
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /takes the table/);
  const bad = await checked('issuer = "https://shop.example/"\norigin = "https://origin.shop.example"\nlogin_url = "/login"\n');
  assert.deepEqual([bad.code, bad.out], [1, ""]);
  assert.match(bad.err, /- issuer: .*slash/);
  assert.match(bad.err, /- login_url: /);
});

test("--check: whoever ends it before it has an answer gets none, and nothing stays behind", async t => {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-ended-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = dev(["--check", "--set", "issuer=https://shop.example", "--set", "origin=route"], { env: { TMPDIR: folder } });
  assert.ok(await eventually(() => readdirSync(folder).length > 0), "it has begun");
  const { code } = await finish(run, "SIGINT");
  assert.deepEqual([code, run.out, run.err.replace(/^build: .*\n/gm, "")], [130, "", ""]);
  assert.deepEqual(readdirSync(folder), []);
});

test("a port in use is named, with the way out", async () => {
  const run = dev(["--quiet", "--port", String(port)]);
  assert.equal((await run.ended).code, 1);
  assert.match(run.err, new RegExp(`port ${port} is in use; choose another: scripts/dev --port \\d+`));
});

test("an unknown option is an error before anything starts", async () => {
  const run = dev(["--prot", "9000"]);
  assert.equal((await run.ended).code, 2);
  assert.match(run.err, /--prot/);
});
