// Django with the kit, on gunicorn, behind the real gate: auth, admin, messages, per-site cache and its own CSRF protection.
import assert from "node:assert/strict";
import test from "node:test";
import { environments, startDjango } from "../../origins/django/tests/site.mjs";
import { FRESH, cookieIn } from "./harness/app.mjs";
import { Visitor } from "./harness/django.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { BROWSER, connect, request, send } from "./harness/raw.mjs";

for (const { venv, name, missing } of environments()) {
  test(name, { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
    assert.equal(missing, undefined);
    const [port, djangoPort] = [await freePort(), await freePort()];
    const key = makeKey("dev-origin1");
    const [issuer, audience] = [`http://localhost:${port}`, "django"];
    const django = await startDjango({ venv, port: djangoPort, issuer, audience, keys: key.entry });
    t.after(() => django.stop());
    const config = { audience, default_access: "optional", login_url: "/login", login_return_param: "next", paths: [{ path: "/everywhere", access: "required" }, { path: "/open/*", access: "public" }] };
    const gate = await startGate({ port, origin: { url: django.url }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config });
    t.after(() => gate.stop());
    let users = 0;
    const newUser = () => `user-${(users += 1)}`;
    const signedIn = (user = newUser(), more = {}) => new Visitor(gate).signIn(user, more);
    // How many unsafe requests have reached the view, asked past the gate.
    const reached = async () => Number((await (await fetch(`${django.url}/healthz`)).text()).split(" ")[1]);

    await t.test("a login, data that null and all letters survive, and a logout", async () => {
      const alice = new Visitor(gate);
      assert.equal((await alice.state()).key, null);
      assert.equal(alice.id, undefined, "a visitor who only reads has no session");
      await alice.state({ set: { cart: 3 } });
      const user = newUser();
      await alice.signIn(user);
      const values = { nothing: null, list: [null, {}], größe: "Straße 日本 😀", text: "a\"\\\n\u0001\u007f</script>", half: 0.5, big: 2 ** 53 };
      await alice.state({ set: values, unset: ["cart"] });
      const state = await alice.state();
      assert.deepEqual([state.user, state.data], [user, values]);
      const stolen = alice.copy();
      const out = await alice.submit("/logout");
      assert.equal(out.status, 302);
      assert.equal(cookieIn(out).attributes["max-age"], "0");
      for (const browser of [alice, new Visitor(gate, stolen.jar)]) assert.equal(await browser.user(), "");
    });

    await t.test("a page that needs a session leads to Django's login and back", async () => {
      const alice = new Visitor(gate);
      const away = await alice.open("/everywhere?x=1");
      assert.deepEqual([away.status, away.header("location")], [302, "/login?next=%2Feverywhere%3Fx%3D1"]);
      await alice.open(away.header("location"));
      const answer = await alice.submit(away.header("location"), { username: newUser(), password: "secret", next: "/everywhere?x=1" });
      assert.deepEqual([answer.status, answer.header("location")], [302, "/everywhere?x=1"]);
    });

    await t.test("only a login that says remember me outlasts the browser", async () => {
      assert.equal(cookieIn(await new Visitor(gate).submit("/login", { username: newUser(), password: "secret" })).attributes["max-age"], undefined);
      const remembered = cookieIn(await new Visitor(gate).submit("/login", { username: newUser(), password: "secret", remember: "on" }));
      assert.ok(Number(remembered.attributes["max-age"]) > 86400);
    });

    await t.test("twenty parallel requests write the session and none of them is lost", async () => {
      const alice = await signedIn();
      await Promise.all(Array.from({ length: 20 }, (_, i) => alice.state({ set: { [`m${i}`]: i === 7 ? null : i } })));
      assert.deepEqual((await alice.state()).data, Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, i === 7 ? null : i])));
    });

    await t.test("a change of privilege gives a new ID and key at once, and the old ID is dead", async () => {
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

    await t.test("the key of a cart is known when it is made and stays through later visits", async () => {
      const visitor = new Visitor(gate);
      const { cart } = (await visitor.read("/cart")).json();
      assert.ok(cart);
      assert.equal((await visitor.read("/cart")).json().cart, cart);
      assert.equal((await visitor.state({ set: { x: 1 } })).key, cart);
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

    await t.test("a job lists the sessions of a user and ends them", async () => {
      const user = newUser();
      const [here, there] = [await signedIn(user), await signedIn(user)];
      const { key: first } = await here.state();
      const printed = django.run(`
from django.contrib.auth import get_user_model
from edge_session import end_session, end_sessions, list_sessions
user = get_user_model().objects.get(username="${user}")
print(len(list_sessions(user)), end_session(user, "${first}"), end_session(user, "${first}"), len(list_sessions(user)))`);
      assert.equal(printed.trim(), "2 True False 1");
      assert.deepEqual([await here.user(), await there.user()], ["", user]);
      django.run(`
from django.contrib.auth import get_user_model
from edge_session import end_sessions
end_sessions(get_user_model().objects.get(username="${user}"))`);
      assert.equal(await there.user(), "");
    });

    await t.test("in the admin, a changed password throws the other browsers out and keeps this one", async () => {
      const login = async () => {
        const root = new Visitor(gate);
        const away = await root.open("/admin/");
        assert.equal(away.header("location"), "/admin/login/?next=/admin/");
        await root.open(away.header("location"));
        const answer = await root.submit(away.header("location"), { username: "root-1", password: "secret", next: "/admin/" });
        assert.deepEqual([answer.status, answer.header("location")], [302, "/admin/"]);
        assert.match((await root.open("/admin/")).text, /Site administration/);
        return root;
      };
      const [here, there] = [await login(), await login()];
      await here.open("/admin/password_change/");
      const old = here.id;
      const answer = await here.submit("/admin/password_change/", { old_password: "secret", new_password1: "another one", new_password2: "another one" });
      assert.deepEqual([answer.status, answer.header("location")], [302, "/admin/password_change/done/"], answer.text);
      assert.notEqual(here.id, old);
      assert.equal(await here.user(), "root-1");
      assert.equal((await there.open("/admin/?again")).status, 302);
      assert.equal(await there.user(), "");
    });

    await t.test("a message is shown on the next page, and only there", async () => {
      const alice = await signedIn();
      assert.equal((await alice.submit("/notice")).header("location"), "/notice");
      assert.equal((await alice.open("/notice")).text, "Gespeichert: Grüße");
      assert.equal((await alice.open("/notice")).text, "");
    });

    await t.test("a cross-site POST reaches no view, and Django's own CSRF protection still works", async () => {
      const alice = await signedIn();
      const before = await reached();
      const token = [["X-CSRFToken", alice.jar.get("csrftoken")]];
      for (const headers of [[["Origin", "https://evil.example"]], [["Sec-Fetch-Site", "cross-site"]], [["Origin", "null"], ["Sec-Fetch-Site", "cross-site"]]]) {
        const answer = await alice.send("POST", "/data", [...headers, ...token], "{}");
        assert.deepEqual([answer.status, answer.json().code], [403, "cross_site"]);
      }
      assert.equal(await reached(), before);
      const answer = await alice.send("POST", "/data", [...BROWSER.fetch, ["Origin", issuer]], "{}");
      assert.equal(answer.status, 403);
      assert.match(answer.text, /CSRF verification failed/);
      assert.equal(await reached(), before);
    });

    await t.test("spoofed headers change neither user nor address", async () => {
      const alice = await signedIn();
      const spoofed = [
        ["Forwarded", "host=evil.example;proto=https"],
        ["X-Forwarded-Host", "evil.example"],
        ["X-Forwarded-Proto", "https"],
        ["X_Forwarded_Host", "evil.example"],
        ["X-Original-Host", "evil.example"],
        ["Edge-Session-Assertion", "x.y.z"],
        ["Edge_Session_Assertion", "x.y.z"],
      ];
      const answer = await alice.send("GET", "/where", [...BROWSER.fetch, ...spoofed]);
      assert.equal(answer.status, 200, answer.text);
      const { uri, secure, meta, cookies } = answer.json();
      assert.deepEqual([uri, secure], [`${issuer}/x`, false]);
      assert.ok(!JSON.stringify(meta).includes("evil") && !JSON.stringify(meta).includes("EDGE"), JSON.stringify(meta));
      assert.ok(cookies.includes("__Host-session") && !cookies.includes(FRESH));
      assert.equal((await alice.open("/admin", [...BROWSER.navigate, ...spoofed])).header("location"), "/admin/");
    });

    await t.test("no header makes gunicorn read another path than the one that the gate judged", async () => {
      for (const header of [["SCRIPT_NAME", "/open"], ["PATH_INFO", "/everywhere"]]) {
        assert.equal((await send(gate, "GET", "/open/everywhere", [...BROWSER.fetch, header])).status, 404, header[0]);
      }
    });

    await t.test("a page cached for one user is not shown to another, nor to nobody", async () => {
      const [aName, bName] = [newUser(), newUser()];
      const [alice, bob, nobody] = [await signedIn(aName), await signedIn(bName), new Visitor(gate)];
      const page = async (visitor) => (await visitor.open("/cached")).text.trim().split(" ");
      const [first, again] = [await page(alice), await page(alice)];
      assert.equal(first[1], aName);
      assert.deepEqual(again, first, "the per-site cache answers");
      assert.deepEqual([(await page(bob))[1], (await page(nobody))[1]], [bName, "nobody"]);
      await alice.submit("/logout");
      assert.equal((await page(alice))[1], "nobody");
    });

    await t.test("a late answer from before a login neither logs out nor brings the old session back", async () => {
      const alice = new Visitor(gate);
      await alice.state({ set: { before: 1 } });
      const late = alice.copy();
      const waiting = late.read(`/late?name=${venv}`);
      await new Visitor(gate).read(`/release?await=${venv}`);
      const user = newUser();
      await alice.signIn(user);
      const id = alice.id;
      await new Visitor(gate).read(`/release?name=${venv}`);
      alice.jar.take(await waiting);
      assert.equal((await waiting).status, 200);
      assert.deepEqual([alice.id, await alice.user()], [id, user]);
    });

    await t.test("a login that is clicked twice is one login", async () => {
      const alice = new Visitor(gate);
      await alice.state({ set: { cart: 3 } });
      const user = newUser();
      const answers = await Promise.all([1, 2].map(() => alice.submit("/login", { username: user, password: "secret" })));
      assert.deepEqual(answers.map(({ status }) => status), [302, 302]);
      const state = await alice.state();
      assert.deepEqual([state.user, state.data], [user, { cart: 3 }]);
    });

    await t.test("a clock that differs by 30 seconds either way does no harm", async () => {
      for (const ms of [30_000, -60_000]) {
        await gate.advance(ms);
        const alice = await signedIn();
        assert.deepEqual((await alice.state({ set: { a: 1 } })).data, { a: 1 });
        await alice.submit("/logout");
        assert.equal(await alice.user(), "");
      }
      await gate.advance(30_000);
    });

    await t.test("a slow upload arrives and changes the session", async () => {
      const alice = await signedIn();
      const headers = [...BROWSER.fetch, ["Origin", issuer], ["X-CSRFToken", alice.jar.get("csrftoken")], ["Cookie", alice.jar.header], ["Content-Length", "50000"]];
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
      await alice.state({ set: { big: "ü".repeat(800) } });
      assert.equal((await alice.state()).data.big.length, 800);
      for (const huge of [JSON.stringify("x".repeat(500)), String(10n ** 30n)]) {
        const answer = await alice.read(`/fails?huge=${encodeURIComponent(huge)}`);
        assert.equal(answer.status, 500);
        assert.equal(answer.header("content-type"), "text/html; charset=utf-8", "Django's own error page");
      }
      assert.equal((await alice.state()).data.huge, undefined);
    });

    await t.test("a change made while the body is streamed is kept, on a session that the same response began too", async () => {
      const alice = await signedIn();
      assert.equal((await alice.read("/stream")).text, "begun\ndone\n");
      assert.equal((await alice.state()).data.streamed, "yes");
      const visitor = new Visitor(gate);
      assert.equal((await visitor.read("/stream?begin=1&save=1")).text, "begun\ndone\n");
      assert.deepEqual((await visitor.state()).data, { begun: true, streamed: "yes" });
    });

    await t.test("an entity tag loses no change of the session", async () => {
      const alice = await signedIn();
      for (let i = 0; i < 2; i += 1) assert.equal((await alice.send("GET", "/tagged", [...BROWSER.fetch, ["If-None-Match", '"same"']])).status, 200);
      assert.equal((await alice.state()).data.tagged, 2);
    });

    await t.test("a request that went around the gate is refused, health checks aside", async () => {
      const target = { port: djangoPort, host: `127.0.0.1:${djangoPort}`, issuer };
      for (const headers of [[], [["Host", `localhost:${port}`]], [["Edge-Session-Assertion", "x.y.z"]]]) {
        for (const path of ["/data", "/login", "/admin/", "/healthz/"]) assert.equal((await send(target, "GET", path, headers)).status, 403, path);
      }
      assert.equal((await send(target, "GET", "/healthz", [])).status, 200);
    });

    await t.test("nothing that was meant to work was refused by the gate, and nothing leaked into Django's log", async () => {
      await gate.logsArrived();
      assert.deepEqual(gate.events("control.invalid"), []);
      assert.doesNotMatch(django.output, /eyJ[\w-]{20}/);
    });
  });
}
