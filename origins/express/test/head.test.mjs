// The head of a response: what goes into it with the session's change, however the application writes it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { done, onBoth } from "./harness.mjs";

const ALICE = { sub: "alice", sid: "AAAAAAAAAAAAAAAAAAAAAA", data: { user: "alice" } };

onBoth("an answer that changes the session is kept by no cache, whatever the application says of it", async (start) => {
  const { get } = await start((app) => {
    app.use((req, res, next) => {
      if (req.query.write) req.session.n = 1;
      next();
    });
    app.get("/set", (req, res) => res.set("Cache-Control", "public, max-age=60").send("page"));
    app.get("/object", (req, res) => res.writeHead(200, { "cache-control": "public, max-age=60" }).end("page"));
    app.get("/list", (req, res) => res.writeHead(200, "OK", ["Cache-Control", "public, max-age=60"]).end("page"));
  });
  for (const path of ["/set", "/object", "/list"]) {
    const written = await get(`${path}?write=1`, ALICE);
    assert.deepEqual(written.operation, { op: "update", set: { n: 1 } }, path);
    assert.equal(written.headers.get("cache-control"), "private, no-store", path);
    assert.equal((await get(path, ALICE)).headers.get("cache-control"), "public, max-age=60", path);
  }
});

onBoth("an answer that shows who is asking varies by cookie, wherever it was read from and however the head is written", async (start) => {
  const given = { Vary: "Origin" };
  const { get } = await start((app) => {
    app.get("/auth", (req, res) => res.send(`${req.auth.sub}`));
    app.get("/id", (req, res) => res.send(`${req.sessionID}`));
    app.get(["/list", "/twice", "/object"], (req, res) => {
      const { user } = req.session;
      const heads = { "/list": ["Vary", "Origin"], "/twice": ["Vary", "Origin", "X-Other", "1", "Vary", "Accept"], "/object": given };
      res.writeHead(200, "OK", heads[req.path]).end(user);
    });
    app.get("/not", (req, res) => res.writeHead(200, given).end("the same for everyone"));
  });
  assert.equal((await get("/auth", ALICE)).headers.get("vary"), "Cookie");
  assert.equal((await get("/id", ALICE)).headers.get("vary"), "Cookie");
  assert.equal((await get("/list", ALICE)).headers.get("vary"), "Origin, Cookie");
  assert.equal((await get("/twice", ALICE)).headers.get("vary"), "Origin, Accept, Cookie");
  assert.equal((await get("/object", ALICE)).headers.get("vary"), "Origin, Cookie");
  assert.deepEqual(given, { Vary: "Origin" }, "the application's own object stays as it was");
  assert.equal((await get("/not", ALICE)).headers.get("vary"), "Origin");
});

onBoth("a head may be any list that Node.js takes, in an answer that looks at the session or changes it", async (start) => {
  const heads = {
    "/even": [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["Vary", "Origin"], ["Cache-Control", "public, max-age=60"]],
    "/odd": [["Set-Cookie", ["a=1", "b=2"]], ["Vary", "Origin"], ["X-Other", "1"]],
    "/flat": ["Set-Cookie", "a=1", "Vary", "Origin", "set-cookie", "b=2"],
    "/one": [["Vary", "Origin"]],
    "/none": [],
  };
  const { get } = await start((app) => {
    app.disable("x-powered-by");
    app.get(Object.keys(heads), (req, res) => {
      const { user } = req.session;
      if (req.query.write) req.session.n = 1;
      res.writeHead(200, heads[req.path]).end(user);
    });
  });
  for (const [path, head] of Object.entries(heads)) {
    const read = await get(path, ALICE);
    assert.deepEqual([read.status, read.text], [200, "alice"], path);
    assert.equal(read.headers.get("vary"), head.length > 0 ? "Origin, Cookie" : "Cookie", path);
    assert.deepEqual(read.headers.getSetCookie(), head.length > 1 ? ["a=1", "b=2"] : [], path);
    const written = await get(`${path}?write=1`, ALICE);
    assert.deepEqual(written.operation, { op: "update", set: { n: 1 } }, path);
    assert.equal(written.headers.get("cache-control"), "private, no-store", path);
    assert.deepEqual(written.headers.getSetCookie(), head.length > 1 ? ["a=1", "b=2"] : [], path);
  }
});

// The gate has the session only once the head that makes it has left: until then it answers 404.
for (const way of ["end", "save"]) {
  onBoth(`a head that is written and not yet sent leaves before the gate is told of what came after it (${way})`, async (start, t) => {
    let sent = false;
    const told = [];
    const gate = createServer((req, res) => {
      told.push(sent);
      res.writeHead(sent ? 204 : 404).end();
    }).listen(0, "127.0.0.1");
    await once(gate, "listening");
    t.after(() => gate.close());
    const { url, edge } = await start((app) => app.get("/", async (req, res) => {
      req.session.before = 1;
      res.writeHead(200);
      req.session.after = 2;
      if (way === "save") await done(req.session, "save");
      res.end("page");
    }), { controlUrl: `http://127.0.0.1:${gate.address().port}/` });
    const answer = await fetch(url, { headers: edge.headers({}) });
    sent = true; // fetch resolves with the head
    assert.equal(edge.operation(answer).op, "create");
    assert.equal(await answer.text(), "page");
    assert.equal(told.at(-1), true);
  });
}

onBoth("an answer that Node.js does not take makes room for the error page", async (start) => {
  const { get } = await start((app) => {
    app.get("/chunk", (req, res) => res.end(123));
    app.get("/status", (req, res) => {
      res.statusCode = undefined;
      res.end("page");
    });
  });
  for (const path of ["/chunk", "/status"]) {
    const { status, text } = await get(path, ALICE, { signal: AbortSignal.timeout(5000) });
    assert.equal(status, 500, path);
    assert.match(JSON.parse(text).error, /chunk|status/, path);
  }
});

onBoth("an end that Node.js does not take breaks the connection, and not the process, when the gate was told before", async (start, t) => {
  const gate = createServer((req, res) => res.writeHead(204).end()).listen(0, "127.0.0.1");
  await once(gate, "listening");
  t.after(() => gate.close());
  const { get, errors } = await start((app) => app.get("/", (req, res) => {
    res.write("a");
    req.session.n = 1;
    res.end(123);
  }), { controlUrl: `http://127.0.0.1:${gate.address().port}/` });
  await assert.rejects(get("/", ALICE, { signal: AbortSignal.timeout(5000) }), { name: "TypeError" });
  assert.equal(errors[0]?.code, "ERR_INVALID_ARG_TYPE");
});

onBoth("whoever ends an answer once more sends none in the place of the error", async (start) => {
  const { post } = await start((app) => app.post("/", (req, res) => {
    req.session.user = "alice";
    req.session.large = "x".repeat(3000);
    res.json({ welcome: true });
    res.end();
  }), { subject: (session) => session.user });
  const { status, operation, text } = await post("/");
  assert.equal(status, 500);
  assert.match(JSON.parse(text).error, /the limit is 2048/);
  assert.equal(operation, undefined);
});

onBoth("a logout counts, too, when what the next session has can't be kept", async (start) => {
  const { post } = await start((app) => app.post("/", async (req, res, next) => {
    await done(req.session, "regenerate");
    req.session.user = req.query.user;
    req.session.large = "x".repeat(3000);
    if (req.query.save) return req.session.save(next);
    return res.json({ bye: true });
  }), { subject: (session) => session.user });
  for (const path of ["/", "/?user=bob", "/?save=1"]) {
    const { status, operation } = await post(path, { sub: "alice", data: { user: "alice" } });
    assert.deepEqual([status, operation], [500, { op: "destroy" }], path);
  }
  assert.equal((await post("/?user=bob", { data: { cart: 1 } })).operation, undefined, "a visitor's cart was no login");
});
