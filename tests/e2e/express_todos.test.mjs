// An application written for express-session and a Redis store, before and after: only its middleware lines change, and the same journey
// passes on both, in Chromium too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { chromium } from "playwright-core";
import { haveRedis, startRedis } from "../../origins/express/test/redis.mjs";
import { runTodos } from "../../origins/express/test/todos/run.mjs";
import { Browser, SESSION } from "./harness/app.mjs";
import { ARGUMENTS, findBrowser } from "./harness/browser.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER } from "./harness/raw.mjs";

const text = (which) => readFileSync(new URL(`../../origins/express/test/todos/${which}.mjs`, import.meta.url), "utf8").split("\n");

// The journey's pages, as a browser without scripts follows them.
class Visitor extends Browser {
  async page(path) {
    let answer = await this.send("GET", path, BROWSER.navigate);
    if (answer.status === 302) answer = await this.send("GET", answer.header("location"), BROWSER.navigate);
    assert.equal(answer.status, 200, answer.text);
    this.text = answer.text;
    return answer.text;
  }

  get token() {
    return /name="_csrf" value="([^"]+)"/.exec(this.text)?.[1];
  }

  get messages() {
    return [...this.text.matchAll(/<p class="message">([^<]*)</g)].map(([, message]) => message);
  }

  get who() {
    return /<p id="who">([^<]*)</.exec(this.text)?.[1];
  }

  get items() {
    return [...this.text.matchAll(/<li>([^<]*)</g)].map(([, item]) => item);
  }

  // Sends a form and follows its redirect; the answer is the form's.
  async submit(path, fields, token = this.token) {
    const body = new URLSearchParams({ ...fields, _csrf: token }).toString();
    const headers = [...BROWSER.submit, ["Origin", `http://${this.gate.host}`], ["Content-Type", "application/x-www-form-urlencoded"]];
    const answer = await this.send("POST", path, headers, body);
    if (answer.status === 302) await this.page(answer.header("location"));
    return answer;
  }
}

const seconds = (line) => {
  const age = /max-age=(\d+)/i.exec(line)?.[1];
  const until = /expires=([^;]+)/i.exec(line)?.[1];
  return age ? Number(age) : until && (Date.parse(until) - Date.now()) / 1000;
};

async function journey(target, cookieName) {
  const cookieOf = (answer) => answer.all("set-cookie").findLast((line) => line.startsWith(`${cookieName}=`));
  const alice = new Visitor(target);
  await alice.page("/");
  assert.equal(alice.who, "nobody");
  await alice.page("/login");
  const guest = alice.jar.get(cookieName);
  assert.ok(guest, "csurf keeps its secret in an anonymous session");

  await alice.submit("/login", { username: "alice", password: "wrong" });
  assert.deepEqual(alice.messages, ["Incorrect username or password."]);
  await alice.page("/login");
  assert.deepEqual(alice.messages, [], "a flash message is shown once");
  assert.equal((await alice.submit("/login", { username: "alice", password: "correct horse" }, "forged")).status, 403, "without the token");

  await alice.page("/login");
  const login = await alice.submit("/login", { username: "alice", password: "correct horse" });
  assert.equal(alice.who, "alice");
  assert.deepEqual(alice.messages, ["Welcome, alice."]);
  assert.equal(seconds(cookieOf(login)), undefined, "until the browser is closed");
  assert.notEqual(alice.jar.get(cookieName), guest, "a login changes the ID");

  for (const title of ["milk", "bread & butter"]) {
    assert.equal((await alice.submit("/todos", { title })).status, 302);
    assert.deepEqual(alice.messages.length, 1);
  }
  assert.deepEqual(alice.items, ["milk", "bread &#38; butter"]);
  await alice.page("/");
  assert.match(alice.text, /<p id="visits">4</, "the session counts");

  const bob = new Visitor(target);
  await bob.page("/login");
  const remembered = await bob.submit("/login", { username: "bob", password: "battery staple", remember: "1" });
  assert.equal(bob.who, "bob");
  assert.ok(Math.abs(seconds(cookieOf(remembered)) - 30 * 86_400) < 60, cookieOf(remembered));
  assert.deepEqual(bob.items, []);

  const stolen = new Visitor(target, alice.jar.copy());
  await alice.submit("/logout", {});
  assert.equal(alice.who, "nobody");
  assert.deepEqual(alice.messages, ["You have been logged out."]);
  assert.equal((await stolen.submit("/todos", { title: "x" }, "any")).status, 403, "the old ID is dead");
  await stolen.page("/");
  assert.equal(stolen.who, "nobody");
  await bob.page("/");
  assert.equal(bob.who, "bob");
}

async function startAfter(t) {
  const port = await freePort();
  const key = makeKey("dev-origin1");
  const audience = "todos";
  const app = await runTodos("after", { SITE: `http://localhost:${port}`, AUDIENCE: audience, EDGE_SESSION_ORIGIN_KEYS: key.entry });
  t.after(app.stop);
  const gate = await startGate({ port, origin: { url: `http://127.0.0.1:${app.port}` }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config: { audience, default_access: "optional" } });
  t.after(gate.stop);
  return gate;
}

test("before and after differ in the middleware lines alone", (t) => {
  const before = text("before");
  const after = text("after");
  const removed = before.filter((line) => line !== "" && !after.includes(line));
  const added = after.filter((line) => line !== "" && !before.includes(line));
  const rest = (lines, other) => lines.filter((line) => line !== "" && other.includes(line));
  const shared = (lines, others) => rest(lines, others).filter((line) => line !== "}));");
  assert.deepEqual(shared(before, after), shared(after, before), "everything else is the same, in the same order");
  for (const line of removed) t.diagnostic(`-${line}`);
  for (const line of added) t.diagnostic(`+${line}`);
  assert.equal(removed.length, 10);
  assert.equal(added.length, 6);
  assert.ok(removed.every((line) => /session|redis|Redis|secret|resave|saveUninitialized/.test(line)), removed.join("\n"));
});

test("before: the journey passes on express-session with a Redis", async (t) => {
  if (!haveRedis()) {
    assert.ok(!process.env.CI, "redis-server is missing");
    return t.skip("redis-server is missing: apt-get install redis-server");
  }
  const redis = await startRedis(await freePort());
  let app;
  t.after(async () => {
    await app?.stop();
    await redis.stop();
  });
  app = await runTodos("before", { REDIS_URL: redis.url, SESSION_SECRET: "keyboard cat" });
  return journey({ port: app.port, host: `localhost:${app.port}` }, "connect.sid");
});

test("after: the same journey passes behind the gate, without a Redis", async (t) => journey(await startAfter(t), SESSION));

test("after, in Chromium: a login, a todo, remember me and a logout", async (t) => {
  const gate = await startAfter(t);
  const browser = await chromium.launch({ executablePath: findBrowser(), headless: true, args: ARGUMENTS });
  t.after(() => browser.close());
  const context = await browser.newContext();
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const cookie = async () => (await context.cookies(gate.issuer)).find(({ name }) => name === SESSION);
  await page.goto(`${gate.issuer}/login`);
  await page.fill("[name=username]", "alice");
  await page.fill("[name=password]", "correct horse");
  await page.check("[name=remember]");
  await page.click("#in button");
  await page.waitForURL(`${gate.issuer}/`);
  assert.equal(await page.textContent("#who"), "alice");
  assert.deepEqual(await page.locator(".message").allTextContents(), ["Welcome, alice."]);
  const { httpOnly, secure, sameSite, expires } = await cookie();
  assert.deepEqual({ httpOnly, secure, sameSite }, { httpOnly: true, secure: true, sameSite: "Lax" });
  assert.ok(Math.abs(expires - Date.now() / 1000 - 30 * 86_400) < 60);
  await page.fill("[name=title]", "größere Äpfel");
  await Promise.all([page.waitForEvent("load"), page.click("#add button")]);
  assert.deepEqual(await page.locator("li").allTextContents(), ["größere Äpfel"]);
  await Promise.all([page.waitForEvent("load"), page.click("#out button")]);
  assert.equal(await page.textContent("#who"), "nobody");
  assert.deepEqual(await page.locator(".message").allTextContents(), ["You have been logged out."]);
  await page.goBack();
  await page.reload();
  assert.notEqual(await page.locator("#who").textContent().catch(() => "nobody"), "alice");
});
