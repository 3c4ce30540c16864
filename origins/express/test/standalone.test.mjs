// Without the gate: standalone mode and the test helper.
import assert from "node:assert/strict";
import test from "node:test";
import { edgeSession } from "../src/index.js";
import { edgeForTests } from "../src/testing.js";
import { onBoth } from "./harness.mjs";

test("standalone mode and the test helper are refused in production", () => {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    assert.throws(() => edgeSession({ standalone: true }), /production/);
    assert.throws(() => edgeForTests(), /production/);
  } finally {
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
});

onBoth("standalone, a session lives in memory: login, data, rotation, logout, logout everywhere", async (start) => {
  const { url, sessions } = await start((app) => {
    app.post("/login", (req, res) => {
      req.session.user = "alice";
      if (req.query.remember) req.session.cookie.maxAge = 60_000;
      res.send(req.session.id);
    });
    app.post("/count", (req, res) => {
      req.session.n = (req.session.n ?? 0) + 1;
      res.send(`${req.session.n}`);
    });
    app.post("/rotate", (req, res) => res.send(String(req.session.rotate().id)));
    app.post("/logout", (req, res) => req.session.destroy(() => res.send("bye")));
    app.post("/everywhere", (req, res) => req.session.destroyAll(() => res.send("bye")));
    app.get("/who", (req, res) => res.json({ sub: req.auth.sub, host: req.hostname }));
  }, { standalone: true, issuer: undefined, audience: undefined, keys: undefined, subject: (session) => session.user });
  const browser = () => {
    let cookie = "";
    const send = async (method, path) => {
      const answer = await fetch(url + path, { method, headers: { cookie } });
      const [line] = answer.headers.getSetCookie();
      if (line) cookie = line.split(";", 1)[0];
      return { text: await answer.text(), line };
    };
    return { post: (path) => send("POST", path), who: async () => JSON.parse((await send("GET", "/who")).text), copy: () => cookie, use: (value) => (cookie = value) };
  };
  const alice = browser();
  assert.deepEqual(await alice.who(), { host: "127.0.0.1" });
  const { line } = await alice.post("/login?remember=1");
  assert.match(line, /; Path=\/; HttpOnly; SameSite=Lax; Max-Age=60$/);
  assert.equal((await alice.who()).sub, "alice");
  await alice.post("/count");
  assert.equal((await alice.post("/count")).text, "2");
  const old = alice.copy();
  await alice.post("/rotate");
  assert.notEqual(alice.copy(), old);
  assert.equal((await alice.post("/count")).text, "3");
  const thief = browser();
  thief.use(old);
  assert.equal((await thief.who()).sub, undefined);
  const phone = browser();
  await phone.post("/login");
  assert.equal((await sessions.listSessions("alice")).length, 2);
  await phone.post("/logout");
  assert.equal((await phone.who()).sub, undefined);
  assert.equal((await alice.who()).sub, "alice");
  await alice.post("/everywhere");
  assert.equal((await alice.who()).sub, undefined);
  await alice.post("/login");
  const [{ sid }] = await sessions.listSessions("alice");
  assert.equal(await sessions.endSession("bob", sid), false, "it is not his");
  assert.equal((await alice.who()).sub, "alice");
  assert.equal(await sessions.endSession("alice", sid), true);
  assert.equal(await sessions.endSession("alice", sid), false);
  assert.equal((await alice.who()).sub, undefined);
  await alice.post("/login");
  await sessions.endSessions("alice");
  assert.equal((await alice.who()).sub, undefined);
});
