// From Spring Boot 3.5 to 4 while users are there: instances of both stand behind one gate, and a session goes from one to the other and back.
import assert from "node:assert/strict";
import { request as ask } from "node:http";
import test from "node:test";
import { BOOTS, missing, startSpring } from "../../origins/spring/site/site.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { startOrigin } from "./harness/origin.mjs";
import { Visitor } from "./harness/spring.mjs";

// The load balancer: each request goes to the instance of the Boot that the test has named last.
async function startBalancer(instances) {
  const balancer = await startOrigin(({ method, url, incoming }, response) => {
    const onward = ask(instances[balancer.boot].url + url, { method, headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    incoming.pipe(onward);
  });
  balancer.streaming = true;
  return balancer;
}

test("from Spring Boot 3.5 to 4", { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
  assert.equal(missing, undefined);
  const port = await freePort();
  const key = makeKey("dev-origin1");
  const [issuer, audience] = [`http://localhost:${port}`, "spring"];
  const instances = {};
  for (const boot of BOOTS) {
    instances[boot] = await startSpring({ issuer, audience, keys: key.entry, boot }, ["--edge-session.remembered-after=20s"]);
    t.after(() => instances[boot].stop());
  }
  const balancer = await startBalancer(instances);
  t.after(() => balancer.stop());
  const gate = await startGate({ port, origin: balancer, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config: { audience, default_access: "optional", login_url: "/login" } });
  t.after(() => gate.stop());
  let users = 0;
  const newUser = (kind = "user") => `${kind}-${(users += 1)}`;

  for (const [from, to] of [BOOTS, BOOTS.toReversed()]) {
    const on = (boot) => (balancer.boot = boot);

    await t.test(`a login on ${from} is one on ${to}, with all that the session held, and so is what ${to} makes of it`, async () => {
      on(from);
      const alice = new Visitor(gate);
      await alice.state({ set: { cart: 3 } });
      const user = newUser();
      await alice.signIn(user);
      for (const item of ["tea", "bread"]) await alice.submit("/basket", { item });
      await alice.submit("/notice");
      assert.equal((await alice.read("/visit")).text, "page 1");
      const before = await alice.state({ set: { list: [1, null, 2.5], nested: { größe: "Straße" } } });
      on(to);
      const there = await alice.state();
      assert.deepEqual([there.user, there.key, there.data], [user, before.key, before.data]);
      assert.equal((await alice.open("/private")).text, `the page of ${user}`);
      assert.equal((await alice.open("/danger")).text, `the page of ${user}`);
      assert.equal((await alice.open("/admin")).status, 403);
      assert.equal((await alice.open("/notice")).text, "Gespeichert: Grüße");
      assert.equal((await alice.read("/visit")).text, "page 2");
      assert.match((await alice.submit("/basket", { item: "milk" })).text, /^3 \[Item\[name=tea, price=9\.90, size=LARGE\], .*\] 3 2026-01-02T03:04:05Z null$/);
      const { key: promised } = (await alice.submit("/sudo")).json();
      on(from);
      const after = await alice.state();
      assert.deepEqual([after.user, after.key, after.data], [user, promised, { ...before.data, basket: (await alice.read("/basket")).text, sudo: true }]);
      assert.match(after.data.basket, /^3 /);
      assert.equal((await alice.read("/visit")).text, "page 3");
      await alice.submit("/logout");
      on(to);
      assert.equal(await alice.user(), "");
    });

    await t.test(`a login that begins on ${from} ends on ${to}, a wrong password and the page that led to it included`, async () => {
      on(from);
      const alice = new Visitor(gate);
      await alice.open("/private?x=1");
      const user = newUser();
      await alice.submit("/login", { username: user, password: "wrong" });
      on(to);
      assert.match((await alice.open("/login?error")).text, /Invalid credentials/);
      const answer = await alice.submit("/login", { username: user, password: "secret" });
      assert.equal(answer.header("location"), `${issuer}/private?x=1&continue`);
      on(from);
      assert.equal(await alice.user(), user);
    });

    await t.test(`who asked ${from} to be remembered is soon only remembered on ${to}`, async () => {
      on(from);
      const user = newUser();
      const alice = await new Visitor(gate).signIn(user, { "remember-me": "on" });
      on(to);
      assert.equal((await alice.read("/danger")).status, 200);
      await gate.advance(21_000);
      assert.equal((await alice.read("/danger")).status, 302);
      assert.equal((await alice.read("/private")).text, `the page of ${user}`);
      await gate.advance(-21_000);
    });

    await t.test(`who may sign in once, and does on ${to}, is thrown out on ${from}`, async () => {
      on(from);
      const user = newUser("single");
      const first = await new Visitor(gate).signIn(user);
      on(to);
      const second = await new Visitor(gate).signIn(user);
      on(from);
      assert.match((await first.open("/private")).text, /This session has been expired/);
      assert.equal(await second.user(), user);
    });
  }

  await gate.logsArrived();
  assert.deepEqual(gate.events("control.invalid"), []);
});
