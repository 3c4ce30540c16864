// The demonstration on Spring Boot, as `scripts/java-tools demo` starts it, behind the real gate.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { missing } from "../../origins/spring/site/site.mjs";
import { Browser, cookieIn } from "./harness/app.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const FORM = ["Content-Type", "application/x-www-form-urlencoded"];
// The gate's rules for the demonstration, as scripts/demo/config.mjs has them.
const CONFIG = {
  audience: "app",
  default_access: "required",
  login_url: "/login",
  logout_url: "/",
  paths: [{ path: "/", access: "optional" }, { path: "/login", access: "optional" }, { path: "/counter", access: "optional" }, { path: "/assets/*", access: "public" }],
};

class Visitor extends Browser {
  submit(path, fields = {}) {
    return this.send("POST", path, [...BROWSER.submit, ["Origin", this.gate.issuer], FORM], new URLSearchParams(fields).toString());
  }

  async signIn(user, more = {}) {
    const answer = await this.submit("/login", { user, password: "edge", ...more });
    assert.equal(answer.status, 302, answer.text);
    return answer;
  }

  // The session page, on a request for which the store is asked.
  async page() {
    this.jar.set("__Host-session-fresh", "1");
    return (await this.open("/session")).text;
  }
}

function startDemo(env) {
  const demo = spawn("scripts/java-tools", ["demo"], { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const started = { output: "", log: "", ended: new Promise((resolve) => demo.once("exit", (code, signal) => resolve({ code, signal }))), stop: () => demo.kill("SIGTERM") };
  demo.stderr.setEncoding("utf8").on("data", (text) => (started.log += text));
  return new Promise((resolve, reject) => {
    demo.stdout.setEncoding("utf8").on("data", (text) => {
      started.output += text;
      const [, port] = /^listening on (\d+)\n/.exec(started.output) ?? [];
      if (port) resolve(Object.assign(started, { port: Number(port) }));
    });
    started.ended.then(({ code }) => reject(new Error(`the demonstration ended with ${code}: ${started.log}`)));
  });
}

test("the demonstration on Spring Boot", { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
  assert.equal(missing, undefined);
  const port = await freePort();
  const key = makeKey("dev-origin1");
  const issuer = `http://localhost:${port}`;
  const demo = await startDemo({
    PORT: "0",
    EDGE_SESSION_ISSUER: issuer,
    EDGE_SESSION_AUDIENCE: "app",
    EDGE_SESSION_ORIGIN_KEYS: key.entry,
    DEMO_ATTACKER: "http://127.0.0.1:1",
    DEMO_ASSETS: `${root}scripts/demo/assets`,
  });
  t.after(() => demo.stop());
  const gate = await startGate({ port, origin: { url: `http://127.0.0.1:${demo.port}` }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config: CONFIG });
  t.after(() => gate.stop());

  await t.test("the start page, with its style sheet, counts for nobody and takes the number along", async () => {
    const ada = new Visitor(gate);
    assert.match((await ada.open("/")).text, /Spring Boot/);
    const style = await ada.read("/assets/style.css");
    assert.deepEqual([style.status, style.header("content-type")], [200, "text/css"]);
    for (const name of ["app.svg", "session.js"]) assert.equal((await ada.read(`/assets/${name}`)).status, 200, name);
    for (const path of ["/assets/", "/assets/none.css", "/assets/%2e%2e/demo/users.mjs"]) assert.notEqual((await ada.read(path)).status, 200, path);
    for (let i = 0; i < 2; i += 1) assert.equal((await ada.submit("/counter")).header("location"), `${issuer}/`);
    await ada.signIn("ada");
    assert.match((await ada.open("/?x")).text, /id="count">2</);
  });

  await t.test("the session page tells who, since when, until when, and what the gate said", async () => {
    const ada = new Visitor(gate);
    assert.equal((await ada.open("/session?x=1")).header("location"), "/login?return_to=%2Fsession%3Fx%3D1");
    assert.match((await ada.submit("/login", { user: "ada", password: "wrong" })).header("location"), /\/login\?failed$/);
    assert.equal((await ada.signIn("ada", { return_to: "/session?x=1" })).header("location"), `${issuer}/session?x=1`);
    assert.equal((await new Visitor(gate).signIn("ada", { return_to: "//evil.example" })).header("location"), `${issuer}/session`);
    const page = await ada.page();
    for (const part of [/Ada Lovelace/, /<code>u-1001<\/code>/, /&quot;aud&quot; : &quot;app&quot;/, /, pwd</, /id="idle" data-at="\d+" data-span="\d+"><time/, /id="absolute" data-at="\d+"/, /this one/]) assert.match(page, part);
    assert.ok(Number(cookieIn(await new Visitor(gate).signIn("grace", { remember: "on" })).attributes["max-age"]) > 86400);
  });

  await t.test("notes are kept in the session and removed from it", async () => {
    const ada = new Visitor(gate);
    await ada.signIn("ada");
    await Promise.all(["first <b>", "second"].map((text) => ada.submit("/notes", { text })));
    const page = await ada.page();
    assert.match(page, /first &lt;b&gt;/);
    const [, name] = /name="name" value="(note-[^"]+)">\s*<button[^>]*note second/.exec(page);
    await ada.submit("/notes/remove", { name });
    assert.doesNotMatch(await ada.page(), /note second/);
  });

  await t.test("money is sent only after the password was confirmed, which gives a new ID", async () => {
    const ada = new Visitor(gate);
    await ada.signIn("ada");
    assert.match((await ada.submit("/transfer", { to: "u-1002", amount: "10" })).header("location"), /\/confirm$/);
    assert.match((await ada.submit("/confirm", { password: "wrong" })).header("location"), /failed/);
    const { id } = ada;
    await ada.submit("/confirm", { password: "edge" });
    assert.notEqual(ada.id, id);
    assert.match((await ada.submit("/transfer", { to: "u-1002", amount: "10" })).header("location"), /done=sent/);
    assert.match(await ada.page(), /id="balance">110</);
    assert.match((await ada.submit("/lock")).header("location"), /done=locked/);
    assert.match((await ada.submit("/transfer", { to: "u-1002", amount: "10" })).header("location"), /\/confirm$/);
    const attack = await ada.send("POST", "/transfer", [...BROWSER.attack, FORM], "to=u-1003&amount=10");
    assert.equal(attack.header("location"), "/.edge-session/cross-site");
  });

  await t.test("one session ends another, signing out ends its own, and all end together", async () => {
    const [here, there, third] = [new Visitor(gate), new Visitor(gate), new Visitor(gate)];
    for (const one of [here, there, third]) await one.signIn("grace");
    const [, sid] = /<dt>Handle<\/dt><dd><code>([^<]+)/.exec(await there.page());
    await here.submit("/sessions/end", { sid });
    there.jar.set("__Host-session-fresh", "1");
    assert.equal((await there.open("/session")).status, 302);
    assert.equal((await third.submit("/.edge-session/logout")).status, 303);
    await there.signIn("grace");
    assert.match((await here.submit("/sessions/end-all")).header("location"), /done=everywhere/);
    there.jar.set("__Host-session-fresh", "1");
    assert.equal((await there.open("/session")).status, 302);
  });

  await t.test("a request that went around the gate is refused", async () => {
    assert.equal((await send({ port: demo.port, host: `127.0.0.1:${demo.port}` }, "GET", "/")).status, 403);
  });

  await t.test("it prints its port and nothing else, and ends when it is told to", async () => {
    await gate.logsArrived();
    assert.deepEqual(gate.events("control.invalid"), []);
    demo.stop();
    const { code } = await demo.ended;
    assert.equal(code, 143);
    assert.equal(demo.output, `listening on ${demo.port}\n`);
  });
});
