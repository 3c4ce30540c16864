// Spring Boot 3.5 and 4 with the kit, on Tomcat, behind the real gate: form login, saved request, remember-me, concurrency control, flash attributes.
import assert from "node:assert/strict";
import test from "node:test";
import { startCache } from "../../origins/express/test/site.mjs";
import { BOOTS, missing, startSpring } from "../../origins/spring/site/site.mjs";
import { FRESH, cookieIn, eventually } from "./harness/app.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request, send } from "./harness/raw.mjs";
import { Visitor } from "./harness/spring.mjs";

const FORM = ["Content-Type", "application/x-www-form-urlencoded"];
const JSON_TYPE = ["Content-Type", "application/json"];

for (const boot of BOOTS) test(`Spring Boot ${boot}`, { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
  assert.equal(missing, undefined);
  const port = await freePort();
  const key = makeKey("dev-origin1");
  const [issuer, audience] = [`http://localhost:${port}`, "spring"];
  const spring = await startSpring({ issuer, audience, keys: key.entry, boot }, ["--edge-session.remembered-after=20s"]);
  t.after(() => spring.stop());
  const cache = await startCache(spring.url);
  t.after(() => cache.stop());
  const config = { audience, default_access: "optional", login_url: "/login", paths: [{ path: "/claims", access: "required" }] };
  const gate = await startGate({ port, origin: { url: cache.url }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config });
  t.after(() => gate.stop());
  let users = 0;
  const newUser = (kind = "user") => `${kind}-${(users += 1)}`;
  const signedIn = (user = newUser(), more = {}) => new Visitor(gate).signIn(user, more);
  // Asked past the gate: how many unsafe requests reached the application, and what a job does.
  const reached = async () => Number((await (await fetch(`${spring.url}/healthz`)).text()).split(" ")[1]);
  const job = async (user, end = "") => (await fetch(`${spring.url}/job?user=${user}&end=${end}`)).text();

  await t.test("a login, data that null and all letters survive, and a logout", async () => {
    const alice = new Visitor(gate);
    await alice.state({ set: { cart: 3 } });
    const user = newUser();
    await alice.signIn(user);
    const values = { nothing: { at: null }, list: [null, {}], größe: "Straße 日本 😀", text: "a\"\\\n\u0001\u007f</script>", half: 0.5, big: 2 ** 53 };
    await alice.state({ set: values, unset: ["cart"] });
    const state = await alice.state();
    assert.deepEqual([state.user, state.data], [user, values]);
    const stolen = new Visitor(gate, alice.jar.copy());
    const out = await alice.submit("/logout");
    assert.deepEqual([out.status, out.header("location")], [302, `${issuer}/login?logout`]);
    assert.equal(cookieIn(out).attributes["max-age"], "0");
    for (const browser of [alice, stolen]) assert.equal(await browser.user(), "");
  });

  await t.test("a page that needs a login leads to it and back, also with a kilobyte of cookies", async () => {
    const alice = new Visitor(gate);
    alice.jar.set("other", "x".repeat(1024));
    const away = await alice.open("/private?x=1&y=%C3%BC%20");
    assert.deepEqual([away.status, away.header("location")], [302, `${issuer}/login`]);
    assert.match((await alice.open("/login")).text, /name="username"/);
    const answer = await alice.submit("/login", { username: newUser(), password: "secret" });
    assert.equal(answer.status, 302);
    const back = new URL(answer.header("location"));
    assert.deepEqual([back.origin, back.pathname, back.searchParams.get("x"), back.searchParams.has("continue")], [issuer, "/private", "1", true]);
    assert.match((await alice.open(back.pathname + back.search)).text, /the page of user-/);
  });

  await t.test("a wrong password is told on the login page", async () => {
    const alice = new Visitor(gate);
    const answer = await alice.submit("/login", { username: newUser(), password: "wrong" });
    assert.equal(answer.header("location"), `${issuer}/login?error`);
    assert.match((await alice.open("/login?error")).text, /Invalid credentials/);
  });

  await t.test("remember me is the gate's, and leaves no other cookie that signs in", async () => {
    const plain = await new Visitor(gate).submit("/login", { username: newUser(), password: "secret" });
    assert.equal(cookieIn(plain).attributes["max-age"], undefined);
    const remembered = await new Visitor(gate).submit("/login", { username: newUser(), password: "secret", "remember-me": "on" });
    const age = Number(cookieIn(remembered).attributes["max-age"]);
    assert.ok(age > 13 * 86400 && age <= 14 * 86400, `${age}`);
    assert.equal(cookieIn(remembered, "remember-me"), undefined);
  });

  await t.test("a remembered user is soon no longer fully authenticated, until the next login", async () => {
    const user = newUser();
    const [plain, remembered] = [await signedIn(user), await signedIn(user, { "remember-me": "on" })];
    const dangerous = async (browser) => (await browser.read("/danger")).status;
    assert.deepEqual([await dangerous(plain), await dangerous(remembered)], [200, 200]);
    await gate.advance(21_000);
    assert.equal(await dangerous(remembered), 302);
    assert.equal((await remembered.read("/private")).text, `the page of ${user}`);
    assert.equal(await dangerous(plain), 200);
    await remembered.signIn(user, { "remember-me": "on" });
    assert.equal(await dangerous(remembered), 200);
    await gate.advance(-21_000);
  });

  await t.test("twenty parallel requests write the session and none of them is lost", async () => {
    const alice = await signedIn();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => alice.read(`/bump?name=m${i}`)));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.deepEqual((await alice.state()).data, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, 1])));
  });

  await t.test("a change of privilege gives a new ID at once, known to the application, and the old ID is dead", async () => {
    const alice = await signedIn();
    const stolen = new Visitor(gate, alice.jar.copy());
    const [old, before] = [alice.id, await alice.state()];
    const { key: promised } = (await alice.submit("/sudo")).json();
    const after = await alice.state();
    assert.notEqual(alice.id, old);
    assert.notEqual(promised, before.key);
    assert.deepEqual([after.user, after.key, after.data.sudo], [before.user, promised, true]);
    assert.equal(await stolen.user(), "");
  });

  await t.test("a login changes the ID, so that nobody can give it to a user beforehand", async () => {
    const alice = new Visitor(gate);
    const before = await alice.state({ set: { cart: 3 } });
    const planted = new Visitor(gate, alice.jar.copy());
    await alice.signIn(newUser());
    const after = await alice.state();
    assert.notEqual(after.key, before.key);
    assert.equal(after.data.cart, 3);
    assert.equal(await planted.user(), "");
  });

  await t.test("the key of a cart is known when it is made and stays through later visits", async () => {
    const visitor = new Visitor(gate);
    const cart = (await visitor.read("/cart")).text;
    assert.ok(cart);
    assert.equal((await visitor.read("/cart")).text, cart);
    assert.equal((await visitor.state({ set: { x: 1 } })).key, cart);
  });

  await t.test("objects of the application's own classes come back, changed in place too", async () => {
    const alice = await signedIn();
    for (const item of ["tea", "bread"]) assert.equal((await alice.submit("/basket", { item })).status, 200);
    assert.match((await alice.read("/basket")).text, /^2 \[Item\[name=tea, price=9\.90, size=LARGE\], Item\[name=bread, .*\] 2 2026-01-02T03:04:05Z null$/);
  });

  await t.test("one sign-in at a time: the second browser throws the first one out", async () => {
    const user = newUser("single");
    const [first, other] = [await signedIn(user), await signedIn()];
    const second = await signedIn(user);
    assert.equal(await second.user(), user);
    const expired = await first.open("/private");
    assert.match(expired.text, /This session has been expired/);
    assert.equal(await second.user(), user);
    assert.equal((await first.open("/private")).status, 302);
    assert.notEqual(await other.user(), "");
    await second.signIn(user);
    assert.equal(await second.user(), user);
  });

  await t.test("signing in again where one is signed in, as by another factor, throws out nobody who was not thrown out before", async () => {
    const single = newUser("single");
    await signedIn(single);
    const only = await signedIn(single);
    await only.signIn(single);
    assert.equal(await only.user(), single);
    const pair = newUser("pair");
    const [first, second, third] = [await signedIn(pair), await signedIn(pair), await signedIn(pair)];
    for (let again = 0; again < 2; again += 1) await third.signIn(pair);
    assert.deepEqual([await second.user(), await third.user()], [pair, pair]);
    assert.match((await first.open("/private")).text, /This session has been expired/);
  });

  await t.test("logging out everywhere ends the sessions of all browsers, and of no other user", async () => {
    const user = newUser();
    const [here, there, other] = [await signedIn(user), await signedIn(user), await signedIn()];
    const answer = await here.submit("/everywhere");
    assert.equal(answer.status, 302);
    assert.equal(cookieIn(answer).attributes["max-age"], "0");
    assert.deepEqual([await here.user(), await there.user()], ["", ""]);
    assert.notEqual(await other.user(), "");
  });

  await t.test("a changed password throws the other browsers out and keeps this one", async () => {
    const user = newUser();
    const [here, there] = [await signedIn(user), await signedIn(user)];
    const old = here.id;
    assert.equal((await here.submit("/password")).text, "changed");
    assert.notEqual(here.id, old);
    assert.deepEqual([await here.user(), await there.user()], [user, ""]);
  });

  await t.test("a job lists the sessions of a user and ends them", async () => {
    const user = newUser();
    const [here, there] = [await signedIn(user), await signedIn(user)];
    const { key: first } = await here.state();
    assert.deepEqual([await job(user), await job(user, first), await job(user, first), await job(user)], ["2", "true", "false", "1"]);
    assert.deepEqual([await here.user(), await there.user()], ["", user]);
    await job(user, "all");
    assert.equal(await there.user(), "");
  });

  await t.test("a flash attribute is shown on the next page, and only there", async () => {
    const alice = await signedIn();
    assert.equal((await alice.submit("/notice")).header("location"), `${issuer}/notice`);
    assert.equal((await alice.open("/notice")).text, "Gespeichert: Grüße");
    assert.equal((await alice.open("/notice")).text, "null");
  });

  await t.test("a cross-site POST reaches no controller, and Spring's own CSRF protection still works", async () => {
    const alice = await signedIn();
    const before = await reached();
    const token = [["X-CSRF-TOKEN", await alice.token()], JSON_TYPE];
    for (const headers of [[["Origin", "https://evil.example"]], [["Sec-Fetch-Site", "cross-site"]], [["Origin", "null"], ["Sec-Fetch-Site", "cross-site"]]]) {
      const answer = await alice.send("POST", "/data", [...headers, ...token], "{}");
      assert.deepEqual([answer.status, answer.json().code], [403, "cross_site"]);
    }
    const answer = await alice.send("POST", "/data", [...BROWSER.fetch, ["Origin", issuer], JSON_TYPE], "{}");
    assert.equal(answer.status, 403);
    assert.match(answer.header("content-type"), /^application\/json\b/, "Spring's own refusal");
    assert.equal(await reached(), before);
  });

  await t.test("spoofed headers change neither user nor address", async () => {
    const alice = await signedIn();
    const spoofed = [
      ["Forwarded", "host=evil.example;proto=https"],
      ["X-Forwarded-Host", "evil.example"],
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Prefix", "/evil"],
      ["X_Forwarded_Host", "evil.example"],
      ["X-Original-Host", "evil.example"],
      ["Edge-Session-Assertion", "x.y.z"],
      ["Edge_Session_Assertion", "x.y.z"],
    ];
    const answer = await alice.send("GET", "/where", [...BROWSER.fetch, ...spoofed]);
    assert.equal(answer.status, 200, answer.text);
    const { url, secure, headers, cookies } = answer.json();
    assert.deepEqual([url, secure], [`${issuer}/where`, false]);
    assert.doesNotMatch(JSON.stringify(headers), /evil|edge.session|forwarded-host/i);
    assert.ok(cookies.includes("__Host-session") && !cookies.includes(FRESH));
    assert.equal((await new Visitor(gate).open("/private", [...BROWSER.navigate, ...spoofed])).header("location"), `${issuer}/login`);
  });

  await t.test("redirects lead to the site, however they are written", async () => {
    for (const [to, location] of [["/x?y=1", `${issuer}/x?y=1`], ["x", `${issuer}/x`], ["?y", `${issuer}/away?y`], ["https://elsewhere.example/", "https://elsewhere.example/"]]) {
      assert.equal((await new Visitor(gate).open(`/away?to=${encodeURIComponent(to)}`)).header("location"), location);
    }
  });

  await t.test("a page that a shared cache kept for one user is not shown to another", async () => {
    const [aName, bName] = [newUser(), newUser()];
    const [alice, bob] = [await signedIn(aName), await signedIn(bName)];
    const page = async (visitor) => {
      visitor.jar.delete(FRESH);
      return (await visitor.open("/cached")).text;
    };
    assert.equal(await page(alice), `the page of ${aName}`);
    cache.hits.splice(0);
    assert.equal(await page(alice), `the page of ${aName}`);
    assert.deepEqual(cache.hits, ["/cached"], "the cache does keep it");
    assert.equal(await page(bob), `the page of ${bName}`);
    assert.equal(await page(new Visitor(gate)), "the page of nobody");
  });

  await t.test("a late answer from before a login neither logs out nor brings the old session back", async () => {
    const alice = new Visitor(gate);
    await alice.state({ set: { before: 1 } });
    const late = new Visitor(gate, alice.jar.copy());
    const waiting = late.read("/late?name=late");
    await new Visitor(gate).read("/await?name=late");
    const user = newUser();
    await alice.signIn(user);
    const { id } = alice;
    await new Visitor(gate).read("/release?name=late");
    alice.jar.take(await waiting);
    assert.equal((await waiting).status, 200);
    assert.deepEqual([alice.id, await alice.user()], [id, user]);
  });

  await t.test("a login that is clicked twice is one login", async () => {
    const alice = new Visitor(gate);
    await alice.state({ set: { cart: 3 } });
    const user = newUser();
    const _csrf = await alice.token();
    const body = new URLSearchParams({ username: user, password: "secret", _csrf }).toString();
    const click = () => alice.send("POST", "/login", [...BROWSER.submit, ["Origin", issuer], FORM], body);
    const answers = await Promise.all([click(), click()]);
    assert.deepEqual(answers.map(({ status }) => status), [302, 302]);
    const state = await alice.state();
    assert.deepEqual([state.user, state.data], [user, { cart: 3 }]);
  });

  await t.test("a clock that differs by 30 seconds either way does no harm", async () => {
    for (const ms of [30_000, -60_000]) {
      await gate.advance(ms);
      const alice = await signedIn();
      assert.deepEqual((await alice.state({ set: { a: 1 } })).data, { a: 1 });
      assert.equal((await alice.read("/stream")).text, "begun\ndone\n");
      assert.equal((await alice.state()).data.streamed, "yes");
      await alice.submit("/logout");
      assert.equal(await alice.user(), "");
    }
    await gate.advance(30_000);
  });

  await t.test("a slow upload arrives and changes the session", async () => {
    const alice = await signedIn();
    const headers = [...BROWSER.fetch, ["Origin", issuer], ["X-CSRF-TOKEN", await alice.token()], ["Cookie", alice.jar.header], ["Content-Length", "50000"]];
    const connection = await connect(gate);
    connection.send(request(gate, "POST", "/upload", headers));
    for (let part = 0; part < 5; part += 1) {
      connection.send("x".repeat(10_000));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const answer = await connection.read({ method: "POST" });
    connection.close();
    assert.equal(answer.text, "50000");
    assert.equal((await alice.state()).data.uploaded, 50000);
  });

  await t.test("two KiB of data and 2 KB of other cookies fit, and more data is an error of the application", async () => {
    const alice = await signedIn();
    for (let i = 0; i < 8; i += 1) alice.jar.set(`other-${i}`, "x".repeat(250));
    await alice.state({ set: { big: "ü".repeat(500) } });
    assert.equal((await alice.state()).data.big.length, 500);
    for (const how of ["huge", "type", "throw", "status"]) {
      const answer = await alice.read(`/fails?how=${how}`);
      assert.equal(answer.status, how === "status" ? 503 : 500, how);
      assert.equal(answer.json().path, "/fails", "Spring Boot's own error page");
    }
    assert.deepEqual(Object.keys((await alice.state()).data), ["big"]);
    assert.equal((await alice.read("/fails?how=logout")).status, 500);
    assert.equal(await alice.user(), "", "a logout counts, whatever went wrong afterwards");
  });

  await t.test("a change made while the body is streamed is kept, on a session that the same response began too", async () => {
    const alice = await signedIn();
    assert.equal((await alice.read("/stream")).text, "begun\ndone\n");
    assert.equal((await alice.state()).data.streamed, "yes");
    const visitor = new Visitor(gate);
    assert.equal((await visitor.read("/stream?begin=true")).text, "begun\ndone\n");
    assert.deepEqual((await visitor.state()).data, { begun: true, streamed: "yes" });
    const other = new Visitor(gate);
    assert.equal((await other.read("/callable")).text, "called");
    assert.deepEqual((await other.state()).data, { called: true });
  });

  await t.test("what is removed, and a logout, while the body is streamed count, although the head has said something else", async () => {
    const alice = await signedIn();
    await alice.state({ set: { before: 1 } });
    assert.equal((await alice.read("/stream?begin=true&then=remove")).text, "begun\ndone\n");
    assert.deepEqual((await alice.state()).data, { begun: true });
    assert.equal((await alice.read("/stream?begin=true&then=end")).text, "begun\ndone\n");
    assert.equal(await alice.user(), "");
  });

  await t.test("a change made after a redirect was sent is kept, on a session that it begins too", async () => {
    for (const visitor of [await signedIn(), new Visitor(gate)]) {
      assert.equal((await visitor.read("/hurry")).header("location"), `${issuer}/plain`);
      const both = async () => {
        const { before, after } = (await visitor.state()).data;
        return before === 1 && after === 2;
      };
      assert.ok(await eventually(both));
    }
  });

  await t.test("session attributes of a model are kept although the body went first", async () => {
    const alice = await signedIn();
    assert.equal((await alice.read("/wizard")).text, "ok");
    assert.equal((await alice.state()).data.wizard, "step 1");
    await alice.submit("/wizard/done");
    assert.equal((await alice.state()).data.wizard, undefined);
    assert.equal((await new Visitor(gate).read("/wizard")).status, 200);
  });

  await t.test("reading asks nothing of the gate: no cookie is set, and no session begins", async () => {
    const guest = new Visitor(gate);
    for (const path of ["/quiet", "/plain", "/where"]) assert.equal(cookieIn(await guest.open(path)), undefined, path);
    assert.equal(guest.jar.header, null);
    const alice = await signedIn();
    await alice.state({ set: { list: [1, 2.5, { a: 10_000_000_000 }], text: "x" } });
    await gate.forgetCalls();
    for (const path of ["/quiet", "/private", "/where", "/basket"]) assert.equal(cookieIn(await alice.read(path), FRESH), undefined, `${path} changed the session`);
  });

  await t.test("what the gate says of a request is there", async () => {
    const user = newUser();
    const alice = await signedIn(user);
    const { id } = alice;
    const sid = (await alice.submit("/otp")).text;
    assert.notEqual(alice.id, id);
    assert.match((await alice.read("/claims")).text, new RegExp(`^${user} ${sid} pwd\\+otp \\d{4}-.*Z \\d{4}-.*Z$`));
    assert.equal((await new Visitor(gate).open("/claims")).header("location"), "/login?return_to=%2Fclaims");
  });

  await t.test("a request that went around the gate is refused, health checks aside", async () => {
    const target = { port: spring.port, host: `127.0.0.1:${spring.port}`, issuer };
    for (const headers of [[], [["Host", `localhost:${port}`]], [["Edge-Session-Assertion", "x.y.z"]], [["X-Forwarded-Prefix", "/x"]]]) {
      for (const path of ["/data", "/login", "/healthz/", "/healthz;a=b", "/error"]) assert.equal((await send(target, "GET", path, headers)).status, 403, path);
    }
    assert.equal((await send(target, "GET", "/healthz", [])).status, 200);
    assert.equal((await send(target, "GET", "/healthz?session=true", [])).status, 500, "it has no session that could change");
  });

  await t.test("standalone mode is refused where the application is packaged", async () => {
    await assert.rejects(startSpring({ issuer, audience, keys: key.entry, boot }, ["--edge-session.standalone=true", "--spring.main.lazy-initialization=false"]), /is for development and tests/);
  });

  await t.test("nothing that was meant to work was refused by the gate, and nothing leaked into Spring's log", async () => {
    await gate.logsArrived();
    assert.deepEqual(gate.events("control.invalid"), []);
    assert.doesNotMatch(spring.output, /eyJ[\w-]{20}/);
  });
});
