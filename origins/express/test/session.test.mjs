// req.session, with the habits of express-session: what the application does to it becomes one operation for the gate, or none.
import assert from "node:assert/strict";
import { done, onBoth } from "./harness.mjs";

const subject = (session) => session.user;
const ALICE = { sub: "alice", sid: "AAAAAAAAAAAAAAAAAAAAAA", data: { user: "alice", cart: 3, theme: "dark" } };
// An application that does one thing.
const doing = (act) => (app) => app.all("/", async (req, res, next) => {
  try {
    await act(req, res);
    res.send("ok");
  } catch (error) {
    next(error); // Express 4 does not look at promises
  }
});

onBoth("a request that changes nothing sends nothing, with a session or without", async (start) => {
  const { get, post } = await start(doing((req) => {
    req.session.cart ??= undefined;
    void req.session.theme;
    req.session.touch().resetMaxAge();
  }), { subject });
  for (const send of [get, post]) {
    assert.equal((await send("/", {})).operation, undefined);
    assert.equal((await send("/", ALICE)).operation, undefined);
  }
});

onBoth("the data is there as properties, and a change is sent member by member", async (start) => {
  const { get } = await start(doing((req) => {
    assert.deepEqual({ ...req.session }, { user: "alice", cart: 3, theme: "dark", nothing: null, list: [1] });
    req.session.cart += 1;
    delete req.session.theme;
    req.session.list.push(2);
    req.session.empty = null;
  }), { subject });
  const { operation } = await get("/", { ...ALICE, data: { ...ALICE.data, nothing: null, list: [1] } });
  assert.deepEqual(operation, { op: "update", set: { cart: 4, list: [1, 2], empty: null }, unset: ["theme"] });
});

onBoth("null is kept as a value and told from a member that is missing", async (start) => {
  const { get } = await start(doing((req) => {
    assert.equal(req.session.nothing, null);
    delete req.session.nothing;
    req.session.other = null;
  }));
  const { operation } = await get("/", { data: { nothing: null } });
  assert.deepEqual(operation, { op: "update", set: { other: null }, unset: ["nothing"] });
});

onBoth("data without a session begins an anonymous one, whose ID is known at once", async (start) => {
  const { get } = await start((app) => app.get("/", (req, res) => {
    req.session.cart = 1;
    res.send(`${req.session.id} ${req.sessionID}`);
  }), { subject });
  const { operation, text, jti } = await get("/", {});
  assert.deepEqual(operation, { op: "create", data: { cart: 1 } });
  assert.equal(text, `${jti} ${jti}`);
});

onBoth("an empty list or object alone begins no session on a GET, for connect-flash leaves one behind when it is only asked", async (start) => {
  const { get, post } = await start(doing((req) => {
    req.session.flash = {};
    req.session.messages = [];
  }));
  assert.equal((await get("/", {})).operation, undefined);
  assert.equal((await post("/", {})).operation.op, "create");
});

onBoth("a subject that appears is a login, with or without regenerate", async (start) => {
  const { post } = await start((app) => {
    app.post("/plain", (req, res) => {
      req.session.user = "alice";
      res.redirect("/");
    });
    app.post("/anew", async (req, res) => {
      const { cart } = req.session;
      await done(req.session, "regenerate");
      assert.deepEqual({ ...req.session }, {});
      Object.assign(req.session, { user: "alice", cart });
      await done(req.session, "save");
      res.send(req.session.id);
    });
  }, { subject });
  const guest = { sid: "BBBBBBBBBBBBBBBBBBBBBB", data: { cart: 2 } };
  const plain = await post("/plain", guest);
  assert.equal(plain.status, 302);
  assert.deepEqual(plain.operation, { op: "create", sub: "alice", data: { cart: 2, user: "alice" } });
  const anew = await post("/anew", guest);
  assert.deepEqual(anew.operation, { op: "create", sub: "alice", data: { cart: 2, user: "alice" } });
  assert.equal(anew.text, anew.jti);
});

onBoth("another subject is another session; numbers are subjects too", async (start) => {
  const { post } = await start(doing((req) => (req.session.user = 17)), { subject });
  assert.deepEqual((await post("/", ALICE)).operation, { op: "create", sub: "17", data: { user: 17, cart: 3, theme: "dark" } });
  assert.equal((await post("/", { sub: "17", data: { user: 17 } })).operation, undefined);
});

onBoth("a subject that goes is a logout that keeps what is left, and nothing left ends the session", async (start) => {
  const { post } = await start((app) => {
    app.post("/drop", (req, res) => {
      delete req.session.user;
      res.send("ok");
    });
    app.post("/anew", (req, res, next) => req.session.regenerate((error) => {
      if (req.query.say) req.session.flash = { info: [req.query.say] };
      return error ? next(error) : res.send("ok");
    }));
  }, { subject });
  assert.deepEqual((await post("/drop", ALICE)).operation, { op: "create", data: { cart: 3, theme: "dark" } });
  assert.deepEqual((await post("/drop", { sub: "alice", data: { user: "alice" } })).operation, { op: "destroy" });
  assert.deepEqual((await post("/anew", ALICE)).operation, { op: "destroy" });
  assert.deepEqual((await post("/anew?say=bye", ALICE)).operation, { op: "create", data: { flash: { info: ["bye"] } } });
  assert.equal((await post("/anew", {})).operation, undefined);
});

onBoth("a session of another application on the site is left alone where `subject` knows nothing of it", async (start) => {
  const { get } = await start(doing((req) => (req.session.seen = 1)), { subject });
  assert.deepEqual((await get("/", { sub: "bob", data: { django: true } })).operation, { op: "update", set: { seen: 1 } });
});

onBoth("destroy ends the session, and of all of a user's sessions with destroyAll", async (start) => {
  const { post } = await start((app) => {
    app.post("/one", (req, res, next) => req.session.destroy((error) => {
      assert.equal(req.session, undefined);
      return error ? next(error) : res.redirect("/");
    }));
    app.post("/all", (req, res) => {
      req.session.destroyAll();
      res.send("ok");
    });
  }, { subject });
  assert.deepEqual((await post("/one", ALICE)).operation, { op: "destroy" });
  assert.equal((await post("/one", {})).operation, undefined);
  assert.deepEqual((await post("/all", ALICE)).operation, { op: "destroy_all" });
  assert.deepEqual((await post("/all", { data: {} })).operation, { op: "destroy" });
});

onBoth("a session that is set to null is not saved and not ended", async (start) => {
  const { post } = await start(doing((req) => {
    req.session.cart = 99;
    req.session = null;
  }), { subject });
  assert.equal((await post("/", ALICE)).operation, undefined);
});

onBoth("another object in the place of the session is an error where it is put there, and ends nothing", async (start) => {
  const { post } = await start(doing((req) => {
    const { session } = req;
    for (const other of [{}, { user: "bob" }, "text", 0]) assert.throws(() => (req.session = other), /call regenerate\(\) or destroy\(\)/);
    req.session = null;
    req.session = session;
    req.session.cart = 4;
  }), { subject });
  assert.deepEqual((await post("/", ALICE)).operation, { op: "update", set: { cart: 4 } });
});

onBoth("reload brings back the session as it came", async (start) => {
  const { post } = await start(doing(async (req) => {
    req.session.cart = 99;
    await done(req.session, "reload");
    assert.equal(req.session.cart, 3);
    req.session.theme = "light";
  }), { subject });
  assert.deepEqual((await post("/", ALICE)).operation, { op: "update", set: { theme: "light" } });
  const nobody = await post("/", {});
  assert.equal(nobody.status, 500);
  assert.match(nobody.text, /failed to load session/);
});

onBoth("cookie.maxAge at a login means \"remember me\" for so long", async (start) => {
  const { post } = await start((app) => app.post("/", (req, res) => {
    req.session.user = "alice";
    if (req.query.days) req.session.cookie.maxAge = Number(req.query.days) * 86_400_000;
    if (req.query.until) req.session.cookie.expires = new Date(Date.now() + Number(req.query.until));
    if (req.query.close) req.session.cookie.expires = false;
    res.json({ maxAge: req.session.cookie.maxAge });
  }), { subject });
  assert.deepEqual((await post("/?days=30")).operation, { op: "create", sub: "alice", data: { user: "alice" }, remember: true, absolute: 2_592_000 });
  assert.equal((await post("/?until=59500")).operation.absolute, 60);
  assert.deepEqual((await post("/?close=1")).operation, { op: "create", sub: "alice", data: { user: "alice" } });
  assert.equal((await post("/")).json().maxAge, null);
});

onBoth("cookie.maxAge of a session that lives can make its life shorter, and says what is left", async (start) => {
  const { post } = await start((app) => app.post("/", (req, res) => {
    const before = req.session.cookie.maxAge;
    if (req.query.ms) req.session.cookie.maxAge = Number(req.query.ms);
    res.json({ before });
  }), { subject });
  assert.deepEqual((await post("/?ms=60000", ALICE)).operation, { op: "update", absolute: 60 });
  assert.equal((await post(`/?ms=${30 * 86_400_000}`, ALICE)).operation, undefined);
  const { before } = (await post("/", ALICE)).json();
  assert.ok(before > 43_190_000 && before <= 43_200_000, `${before}`);
});

onBoth("the ID that a login or a change of privilege gives is known in that very request", async (start) => {
  const { post } = await start((app) => app.post("/", (req, res) => {
    if (req.query.user) req.session.user = req.query.user;
    if (req.query.rotate) req.session.rotate();
    res.send(`${req.session.id} ${req.sessionID}`);
  }), { subject });
  const guest = { sid: "BBBBBBBBBBBBBBBBBBBBBB", data: { cart: 2 } };
  for (const [path, session] of [["/?user=alice", guest], ["/?user=bob", ALICE], ["/?rotate=1", ALICE]]) {
    const { text, jti } = await post(path, session);
    assert.equal(text, `${jti} ${jti}`, path);
  }
  assert.equal((await post("/?rotate=1", guest)).text, `${guest.sid} ${guest.sid}`, "an anonymous session keeps its first");
  assert.equal((await post("/", ALICE)).text, `${ALICE.sid} ${ALICE.sid}`);
});

onBoth("a session that is begun after destroy, in the same request, is the one that counts", async (start) => {
  const { post } = await start((app) => app.post("/:how", async (req, res, next) => {
    try {
      const { session } = req;
      await done(session, req.params.how);
      await done(session, "regenerate");
      req.session.user = "bob";
      res.send("ok");
    } catch (error) {
      next(error);
    }
  }), { subject });
  assert.deepEqual((await post("/destroy", ALICE)).operation, { op: "create", sub: "bob", data: { user: "bob" } });
  const all = await post("/destroyAll", ALICE);
  assert.equal(all.status, 500);
  assert.match(all.text, /after destroyAll\(\)/);
  assert.deepEqual(all.operation, { op: "destroy_all" });
});

onBoth("the time of a login may have a fraction, and is no milliseconds", async (start) => {
  const { post } = await start(doing((req) => {
    for (const authTime of [Date.now(), NaN, new Date(NaN), new Date(Date.now() + 3_600_000), -1]) assert.throws(() => req.session.rotate({ authTime }), TypeError);
    req.session.rotate({ authTime: 1_700_000_000.5 });
  }), { subject });
  assert.equal((await post("/", ALICE)).operation.auth_time, 1_700_000_000);
});

onBoth("rotate is a new ID at once, and describes a login", async (start) => {
  const { post } = await start((app) => app.post("/", (req, res) => {
    if (req.query.login) req.session.user = "alice";
    req.session.role = "admin";
    req.session.rotate({ amr: ["pwd", "otp"], authTime: new Date(1_700_000_000_000), endOthers: true });
    res.send("ok");
  }), { subject });
  const details = { amr: ["pwd", "otp"], auth_time: 1_700_000_000, end_others: true };
  assert.deepEqual((await post("/", ALICE)).operation, { op: "rotate", set: { role: "admin" }, ...details });
  assert.deepEqual((await post("/?login=1")).operation, { op: "create", sub: "alice", data: { user: "alice", role: "admin" }, ...details });
});

onBoth("data that hides a method of the session is not read, and not lost", async (start) => {
  const { get } = await start(doing((req) => {
    assert.equal(typeof req.session.save, "function");
    assert.equal(req.session.ok, 1);
    req.session.ok = 2;
  }));
  assert.deepEqual((await get("/", { data: { save: "x", cookie: 1, id: 2, ok: 1 } })).operation, { op: "update", set: { ok: 2 } });
});

onBoth("one operation is sent on redirects, files, 304, 204, HEAD and errors alike", async (start) => {
  const { send } = await start((app) => {
    app.use((req, res, next) => {
      req.session.n = 1;
      next();
    });
    app.get("/redirect", (req, res) => res.redirect("/"));
    app.get("/file", (req, res) => res.sendFile(new URL(import.meta.url).pathname));
    app.get("/page", (req, res) => res.send("page"));
    app.get("/none", (req, res) => res.sendStatus(204));
    app.get("/stream", (req, res) => {
      res.write("a");
      res.end("b");
    });
    app.get("/error", () => {
      throw Object.assign(new Error("teapot"), { status: 418 });
    });
  });
  const update = { op: "update", set: { n: 1 } };
  for (const [method, path, status, headers] of [["GET", "/redirect", 302], ["GET", "/file", 200], ["GET", "/page", 200], ["HEAD", "/page", 200], ["GET", "/none", 204], ["GET", "/stream", 200], ["GET", "/error", 418], ["GET", "/page", 304, { "If-None-Match": "*", "Cache-Control": "max-age=0" }]]) {
    const answer = await send(method, path, { data: {} }, { headers });
    assert.equal(answer.status, status, path);
    assert.deepEqual(answer.operation, update, `${method} ${path}`);
  }
});

onBoth("what JSON or the gate can't hold is an error inside the application, and nothing is sent", async (start) => {
  const values = {
    large: "x".repeat(2048), nan: NaN, big: 10n, map: new Map(), proto: JSON.parse('{"__proto__":1}'), half: "\ud800", unsafe: 2 ** 53,
    deep: JSON.parse("[".repeat(16) + "]".repeat(16)),
  };
  values.circle = { values: {} };
  values.circle.values.self = values.circle;
  const { get, post, errors } = await start((app) => {
    app.all("/end/:name", (req, res) => {
      req.session.value = values[req.params.name];
      res.set("Cache-Control", "public").redirect("/elsewhere");
    });
    app.all("/save/:name", (req, res, next) => {
      req.session.value = values[req.params.name];
      req.session.save((error) => (error ? next(error) : res.send("saved")));
    });
    app.get("/later/:name", (req, res) => {
      req.session.value = values[req.params.name];
      setTimeout(() => res.send("page"), 1);
    });
  });
  for (const name of Object.keys(values)) {
    for (const way of ["end", "save", "later"]) {
      for (const session of [{}, { data: { a: 1 } }]) {
        errors.splice(0);
        const answer = await get(`/${way}/${name}`, session);
        assert.equal(answer.status, 500, `${way} ${name}`);
        assert.match(answer.json().error, name === "large" ? /the session's data has 20\d\d bytes; the limit is 2048/ : /^edgeSession: .*session\.value/, name);
        assert.equal(answer.operation, undefined);
        assert.equal(answer.headers.get("location"), null);
        assert.equal(answer.headers.get("cache-control"), null);
        assert.equal(errors.length, 1);
      }
    }
  }
  assert.equal((await post("/end/large", { data: {} })).status, 500);
});

onBoth("a save() that nobody listens to hides no error", async (start) => {
  const { get, errors } = await start(doing((req) => {
    req.session.value = NaN;
    req.session.save();
  }));
  const answer = await get("/", { data: {} });
  assert.equal(answer.status, 500);
  assert.match(errors[0].message, /session\.value is NaN/);
});

onBoth("a session that can't be kept breaks a response whose head is being streamed, and not the process", async (start) => {
  const { get, errors } = await start((app) => {
    app.get("/file", (req, res) => {
      req.session.value = 1n;
      res.sendFile(new URL(import.meta.url).pathname);
    });
    app.get("/ok", (req, res) => res.send("ok"));
  });
  await assert.rejects(get("/file", { data: {} }));
  assert.equal(errors[0].code, "EDGE_SESSION_DATA");
  assert.equal((await get("/ok")).text, "ok");
});

onBoth("pages that looked at the session vary by cookie, others do not", async (start) => {
  const { get } = await start((app) => {
    app.get("/looks", (req, res) => res.vary("Accept").send(`${req.session.cart}`));
    app.get("/writes", (req, res) => {
      res.writeHead(200, { vary: "Origin" });
      res.end(`${req.session.cart}`);
    });
    app.get("/not", (req, res) => res.send("the same for everyone"));
  });
  assert.equal((await get("/looks", ALICE)).headers.get("vary"), "Accept, Cookie");
  assert.equal((await get("/looks")).headers.get("vary"), "Accept, Cookie");
  assert.equal((await get("/not", ALICE)).headers.get("vary"), null);
});
