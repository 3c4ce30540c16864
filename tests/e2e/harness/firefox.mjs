// A real Firefox, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi), which it speaks by itself: the installed one, else Debian's
// where it can be installed. Run by itself it only makes sure that there is one.
//
//   const firefox = await launchFirefox();
//   const { page, cookie } = await firefox.visitor(gate.issuer);      // as if another person's
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SESSION, eventually } from "./app.mjs";
import { find } from "./installed.mjs";

const FIREFOX = { variable: "FIREFOX_BIN", names: ["firefox-esr", "firefox"], mac: "/Applications/Firefox.app/Contents/MacOS/firefox", debian: "firefox-esr" };
// It asks nobody but the test's own servers.
const PREFERENCES = {
  "app.normandy.enabled": false,
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
};
const PATIENCE = 30_000;

// The path of a Firefox; undefined where there is none and none can be had.
export const findFirefox = () => find(FIREFOX);

// Starts one with an empty profile, which is its home as well: it refuses the home of another user.
export async function launchFirefox() {
  const profile = mkdtempSync(join(tmpdir(), "edge-session-firefox-"));
  writeFileSync(join(profile, "user.js"), Object.entries(PREFERENCES).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(""));
  const child = spawn(findFirefox(), ["--headless", "--no-remote", "--remote-debugging-port=0", "--profile", profile], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: profile } });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const address = await new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
      const listening = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
      if (listening) resolve(listening[1]);
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`Firefox ended with ${code}: ${said}`)));
  });
  const socket = new WebSocket(`${address}/session`);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("Firefox takes no connection"));
  });
  let sent = 0;
  const waiting = new Map();
  socket.onmessage = ({ data }) => {
    const { id, type, result, error, message } = JSON.parse(data);
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (type === "success") resolve?.(result);
    else if (type === "error") reject?.(new Error(`${error}: ${message}`));
  };
  const command = (method, params = {}) =>
    new Promise((resolve, reject) => {
      sent += 1;
      waiting.set(sent, { resolve, reject });
      socket.send(JSON.stringify({ id: sent, method, params }));
    });
  await command("session.new", { capabilities: {} });
  return {
    async visitor(site) {
      const { userContext } = await command("browser.createUserContext");
      const newPage = async () => new Page(command, (await command("browsingContext.create", { type: "tab", userContext })).context);
      const cookie = async (name = SESSION) => {
        const { cookies } = await command("storage.getCookies", { filter: { name, domain: new URL(site).hostname }, partition: { type: "storageKey", userContext } });
        return cookies[0] && { ...cookies[0], value: cookies[0].value.value };
      };
      return { page: await newPage(), newPage, cookie };
    },
    async close() {
      command("browser.close").catch(() => {});
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

// What tests use of playwright's Page; selectors are CSS.
class Page {
  constructor(command, context) {
    this.command = command;
    this.context = context;
  }

  goto(url) {
    return this.command("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }

  reload() {
    return this.command("browsingContext.reload", { context: this.context, wait: "complete" });
  }

  goBack() {
    return this.command("browsingContext.traverseHistory", { context: this.context, delta: -1 });
  }

  // Runs a function in the page, as if the user had just clicked there.
  async evaluate(act, ...values) {
    const expression = `(async () => JSON.stringify(await (${act})(...${JSON.stringify(values)})))()`;
    const { type, result, exceptionDetails } = await this.command("script.evaluate", { expression, target: { context: this.context }, awaitPromise: true, userActivation: true });
    if (type === "exception") throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  }

  textContent(selector) {
    return this.evaluate((one) => document.querySelector(one).textContent, selector);
  }

  fill(selector, value) {
    return this.evaluate((one, text) => void (document.querySelector(one).value = text), selector, value);
  }

  click(selector) {
    return this.evaluate((one) => void document.querySelector(one).click(), selector);
  }

  async url() {
    return (await this.command("browsingContext.getTree", { root: this.context })).contexts[0].url;
  }

  // Until it has arrived there and is loaded.
  async waitForURL(url) {
    const isThere = () => this.evaluate((there) => location.href === there && document.readyState === "complete", url).catch(() => false); // it is on its way
    if (!(await eventually(isThere, PATIENCE))) throw new Error(`it is at ${await this.url()} and not at ${url}`);
  }
}

if (process.argv[1]?.endsWith("harness/firefox.mjs")) {
  console.log(`browser: ${findFirefox() ?? "no Firefox, so its tests are skipped: install firefox or firefox-esr, or name it in FIREFOX_BIN"}`);
}
