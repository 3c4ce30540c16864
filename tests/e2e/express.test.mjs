// Express 5 and 4 with the kit, behind the real gate.
import assert from "node:assert/strict";
import test from "node:test";
import express5 from "../../origins/express/node_modules/express/index.js";
import express4 from "../../origins/express/node_modules/express4/index.js";
import { startCache, startSite } from "../../origins/express/test/site.mjs";
import { Browser, FRESH, cookieIn } from "./harness/app.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request, send } from "./harness/raw.mjs";

const JSON_TYPE = ["Content-Type", "application/json"];

class Visitor extends Browser {
  post(path, body = {}, headers = []) {
    return this.send("POST", path, [...BROWSER.fetch, ["Origin", this.gate.issuer], JSON_TYPE, ...headers], JSON.stringify(body));
  }

  async signIn(user) {
    const answer = await this.post("/login", { user });
    assert.equal(answer.status, 200, answer.text);
    return this;
  }

  // What the application sees, on a request for which the store is asked.
  async state() {
    const answer = await this.post("/state");
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }
}

for (const [version, express] of [["Express 5", express5], ["Express 4", express4]]) {
  test(version, async (t) => {
    const port = await freePort();
    const key = makeKey("dev-origin1");
    const [issuer, audience] = [`http://localhost:${port}`, "express"];
    const site = await startSite(express, { issuer, audience, keys: key.entry });
    const cache = await startCache(site.url);
    const gate = await startGate({ port, origin: { url: cache.url }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config: { audience, default_access: "optional" } });
    t.after(async () => {
      await gate.stop();
      await cache.stop();
      await site.stop();
    });
    let users = 0;
    const newUser = () => `user-${(users += 1)}`;
    const signedIn = (user = newUser()) => new Visitor(gate).signIn(user);

    await t.test("a login, data that null and all letters survive, and a logout", async () => {
      const alice = new Visitor(gate);
      assert.deepEqual(await alice.state(), { data: {} });
      await alice.post("/set", { cart: 3 });
      assert.deepEqual((await alice.state()).data, { cart: 3 });
      const { sid } = (await alice.post("/login", { user: "alice" })).json();
      assert.deepEqual(await alice.state(), { sub: "alice", sid, data: { user: "alice", cart: 3 } });
      const values = { nothing: null, list: [null, {}], größe: "Straße 日本 😀", text: "a\"\\\n\u0001\u007f</script>", half: 0.5 };
      await alice.post("/set", values);
      assert.deepEqual((await alice.state()).data, { user: "alice", cart: 3, ...values });
      const stolen = new Visitor(gate, alice.jar.copy());
      const out = await alice.post("/logout");
      assert.equal(out.status, 302);
      assert.deepEqual(await alice.state(), { data: {} });
      assert.deepEqual(await stolen.state(), { data: {} });
    });

    await t.test("twenty parallel requests write the session and none of them is lost", async () => {
      const alice = await signedIn();
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => alice.post("/set", { [`m${i}`]: i })));
      assert.ok(answers.every(({ status }) => status === 200));
      const { user, ...data } = (await alice.state()).data;
      assert.deepEqual(data, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, i])));
    });

    await t.test("a change of privilege gives a new ID at once, and the old one is dead", async () => {
      const alice = await signedIn();
      const stolen = new Visitor(gate, alice.jar.copy());
      const old = alice.id;
      await alice.post("/sudo");
      assert.notEqual(alice.id, old);
      const { sub, amr, data } = await alice.state();
      assert.deepEqual([sub, amr, data], [data.user, ["pwd", "otp"], { user: sub, role: "admin" }]);
      assert.equal((await stolen.state()).sub, undefined);
    });

    await t.test("a changed password throws the other browsers out, a logout everywhere all of them, and so does a job", async () => {
      const user = newUser();
      const [laptop, phone] = [await signedIn(user), await signedIn(user)];
      assert.equal((await site.sessions.listSessions(user)).length, 2);
      await laptop.post("/password");
      assert.equal((await phone.state()).sub, undefined);
      assert.equal((await laptop.state()).sub, user);
      await phone.signIn(user);
      assert.equal((await phone.post("/everywhere")).status, 200);
      assert.equal((await laptop.state()).sub, undefined);
      await laptop.signIn(user);
      const [listed, ...more] = await site.sessions.listSessions(user);
      assert.equal(more.length, 0);
      assert.ok(listed.absolute > new Date());
      await site.sessions.endSessions(user);
      assert.equal((await laptop.state()).sub, undefined);
      assert.deepEqual(await site.sessions.listSessions(user), []);
    });

    await t.test("a page of one's devices ends one session, at once, and nobody else's", async () => {
      const user = newUser();
      const [laptop, phone, tablet, mallory] = [await signedIn(user), await signedIn(user), await signedIn(user), await signedIn()];
      const { sid } = await phone.state();
      assert.deepEqual((await laptop.post("/devices")).json().sort(), [await laptop.state(), await phone.state(), await tablet.state()].map((one) => one.sid).sort());
      assert.deepEqual((await mallory.post("/devices/end", { sid })).json(), { ended: false });
      assert.equal((await phone.state()).sub, user);
      assert.deepEqual((await laptop.post("/devices/end", { sid })).json(), { ended: true });
      assert.equal((await phone.state()).sub, undefined);
      assert.deepEqual([(await laptop.state()).sub, (await tablet.state()).sub], [user, user]);
      assert.deepEqual((await laptop.post("/devices/end", { sid })).json(), { ended: false });
      assert.equal((await laptop.post("/devices")).json().length, 2);
      const own = (await laptop.state()).sid;
      assert.deepEqual((await laptop.post("/devices/end", { sid: own })).json(), { ended: true }, "the one at hand too");
      assert.equal((await laptop.state()).sub, undefined);
    });

    await t.test("a page that changed the session is kept by no cache, so that nobody is sent its change once more", async () => {
      const alice = await signedIn();
      cache.hits.splice(0);
      for (let i = 0; i < 2; i += 1) {
        alice.jar.delete(FRESH);
        const answer = await alice.open("/visits");
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.text, `visit ${i + 1}`);
      }
      assert.deepEqual(cache.hits, []);
    });

    await t.test("a cross-site POST is refused before the application sees it", async () => {
      const alice = await signedIn();
      site.reached.splice(0);
      const answer = await alice.send("POST", "/set", [...BROWSER.attack, JSON_TYPE], '{"role":"admin"}');
      assert.equal(answer.header("location"), "/.edge-session/cross-site");
      assert.deepEqual(site.reached, []);
    });

    await t.test("spoofed assertions and forwarding headers are ignored", async () => {
      const alice = await signedIn();
      const spoofed = [["Edge-Session-Assertion", "eyJ.eyJ.x"], ["Edge_Session_Assertion", "x"], ["Forwarded", "host=evil.example;proto=http"], ["X-Forwarded-Host", "evil.example"], ["X-Forwarded-Proto", "ftp"]];
      const answer = await alice.send("GET", "/site", [...BROWSER.fetch, ...spoofed]);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json(), { protocol: "http", secure: false, hostname: "localhost", host: gate.host, url: `${gate.issuer}/there` });
    });

    await t.test("a page that a shared cache kept for one user is not shown to another", async () => {
      const [alice, bob] = [await signedIn("cached-alice"), await signedIn("cached-bob")];
      const page = async (visitor) => {
        visitor.jar.delete(FRESH);
        return (await visitor.open("/name")).text;
      };
      assert.equal(await page(alice), "the page of cached-alice");
      cache.hits.splice(0);
      assert.equal(await page(alice), "the page of cached-alice");
      assert.deepEqual(cache.hits, ["/name"], "the cache does keep it");
      assert.equal(await page(bob), "the page of cached-bob");
      assert.equal(await page(new Visitor(gate)), "the page of nobody");
    });

    await t.test("an answer that is late, to a request from before the login, does not undo the login", async () => {
      const alice = new Visitor(gate);
      await alice.post("/set", { cart: 1 });
      for (const path of ["/set", "/logout"]) {
        const hold = site.hold(path);
        const late = new Visitor(gate, alice.jar.copy()).post(`${path}?hold=${path}`, { cart: 2 });
        await hold.arrived;
        const user = newUser();
        await alice.signIn(user);
        const { id } = alice;
        hold.release();
        alice.jar.take(await late);
        assert.equal(alice.id, id, path);
        assert.equal((await alice.state()).sub, user, path);
        await alice.post("/logout");
        await alice.post("/set", { cart: 1 });
      }
    });

    await t.test("a login that is clicked twice logs in", async () => {
      const alice = new Visitor(gate);
      await alice.post("/set", { cart: 1 });
      const user = newUser();
      const answers = await Promise.all([alice.post("/login", { user }), alice.post("/login", { user })]);
      assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
      const { sub, data } = await alice.state();
      assert.deepEqual([sub, data], [user, { user, cart: 1 }]);
    });

    await t.test("an application whose clock is 30 s off, either way, works", async () => {
      for (const ms of [30_000, -30_000]) {
        await gate.advance(ms);
        const alice = await signedIn();
        await alice.post("/set", { a: ms });
        assert.equal((await alice.state()).data.a, ms);
        await gate.advance(-ms);
      }
    });

    await t.test("a slow upload arrives and writes the session", async () => {
      const alice = await signedIn();
      const connection = await connect(gate);
      const head = request(gate, "POST", "/upload", [...BROWSER.fetch, ["Cookie", alice.jar.header], ["Content-Length", 30_000]]);
      connection.send(head);
      for (let i = 0; i < 30; i += 1) {
        connection.send("x".repeat(1000));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const answer = await connection.read({ method: "POST" });
      connection.socket.destroy();
      assert.equal(answer.text, "30000");
      assert.equal((await alice.state()).data.uploaded, 30_000);
    });

    await t.test("2 KB of other cookies and 2 KiB of data pass together", async () => {
      const alice = await signedIn();
      await alice.post("/set", { text: "ü".repeat(990) });
      alice.jar.set("tracking", "x".repeat(2048));
      assert.equal((await alice.state()).data.text.length, 990);
    });

    await t.test("too much data is an error of the application and not of the gate, and the session stays as it was", async () => {
      const alice = await signedIn();
      const answer = await alice.post("/set", { text: "x".repeat(3000) });
      assert.equal(answer.status, 500);
      assert.match(answer.json().error, /the limit is 2048/);
      assert.equal((await alice.state()).data.text, undefined);
    });

    await t.test("what changes in a streamed answer after its head is stored before the answer ends", async () => {
      const alice = await signedIn();
      const answer = await alice.post("/stream");
      assert.equal(answer.text, "first last");
      const { user, ...data } = (await alice.state()).data;
      assert.deepEqual(data, { before: 1, after: 2 });
      const guest = new Visitor(gate);
      assert.equal((await guest.post("/stream")).text, "first last");
      assert.deepEqual((await guest.state()).data, { before: 1, after: 2 }, "of a session too that this very answer begins");
    });

    await t.test("an answer that goes on for long learns that its user has logged out, and that a guest's session has ended", async () => {
      for (const visitor of [await signedIn(), new Visitor(gate)]) {
        await visitor.post("/set", { n: 1 });
        for (const [before, said] of [["/state", "alive"], ["/logout", "failed to load session"]]) {
          const hold = site.hold("watch");
          const watching = visitor.post("/watch");
          await hold.arrived;
          await visitor.post(before);
          hold.release();
          assert.equal((await watching).text, `open ${said}`);
        }
      }
    });

    await t.test("a request past the gate is refused, but for the health check", async () => {
      const past = { port: site.port, host: `127.0.0.1:${site.port}` };
      site.reached.splice(0);
      for (const headers of [[], [["Cookie", (await signedIn()).jar.header]]]) {
        site.reached.splice(0);
        assert.equal((await send(past, "POST", "/state", headers, "")).status, 403);
      }
      assert.deepEqual(site.reached, []);
      assert.equal((await send(past, "GET", "/healthz")).text, "well");
    });

    await t.test("reading asks nothing of the gate: no cookie is set, and no session begins", async () => {
      const guest = new Visitor(gate);
      for (const path of ["/state", "/name", "/site"]) assert.equal(cookieIn(await guest.open(path)), undefined);
      assert.equal(guest.jar.header, null);
    });
  });
}
