// Who is let in, what the application is told of the request, and what is told to the gate without a response.
import assert from "node:assert/strict";
import { ServerResponse, createServer, request } from "node:http";
import { once } from "node:events";
import test from "node:test";
import { edgeSession } from "../src/index.js";
import { edgeForTests } from "../src/testing.js";
import { done, onBoth } from "./harness.mjs";

const claimsOf = (message) => JSON.parse(Buffer.from(message.split(".")[1], "base64url"));

// Takes messages out of band as the gate does; `answers` are the next ones' statuses (default 204).
async function fakeGate(t, answers = []) {
  const got = [];
  const server = createServer(async (req, res) => {
    let body = "";
    for await (const part of req) body += part;
    got.push({ path: req.url, method: req.method, ...claimsOf(body), body });
    const status = answers.shift() ?? 204;
    if (typeof status === "object") res.writeHead(200).end(JSON.stringify(status));
    else res.writeHead(status).end(status === 204 ? undefined : JSON.stringify({ code: { 404: "not_found", 422: "control_invalid" }[status] ?? "some_code" }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { got, url: `http://127.0.0.1:${server.address().port}/.edge-session/control` };
}

onBoth("what did not come through the gate is refused, says why in the log once, and never reaches the application", async (start) => {
  let reached = 0;
  const { url, get, log } = await start((app) => app.use((req, res) => {
    reached += 1;
    res.send("in");
  }));
  const strange = edgeForTests().headers({ sub: "admin" });
  for (const headers of [{}, strange, strange, { "Edge-Session-Assertion": "x" }, { "Edge-Session-Assertion": `${strange["Edge-Session-Assertion"]}, x` }]) {
    const answer = await fetch(`${url}/`, { headers });
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.equal((await answer.json()).code, "not_through_the_gate");
  }
  assert.equal(reached, 0);
  assert.equal(log.length, 3);
  assert.ok(log.every((line) => !line.includes(strange["Edge-Session-Assertion"].slice(-20))));
  assert.equal((await get("/")).text, "in");
});

onBoth("the log says what is to be looked at, and the answer whether an assertion came at all", async (start) => {
  const { url, edge, log, sessions } = await start((app) => app.use((req, res) => res.send("in")));
  const now = Math.floor(Date.now() / 1000);
  const titled = async (headers) => (await (await fetch(`${url}/`, { headers })).json()).title;
  assert.equal(await titled({}), `Only requests through ${edge.issuer} are answered`);
  for (const [headers, words] of [
    [edgeForTests().headers({}), /the key of its kid in `keys` is not the gate's/],
    [edge.headers({ iss: "https://other.example" }), /its iss is not `issuer`, which is "https:\/\/app\.example\.com" here/],
    [edge.headers({ aud: "other" }), /its aud is not `audience`, which is "origin" here/],
    [edge.headers({ iat: now - 360, exp: now - 300 }), /it has expired.*the clocks differ/],
    [edge.headers({ iat: now + 300, exp: now + 360 }), /the clocks differ/],
  ]) {
    assert.equal(await titled(headers), "The gate's assertion does not verify here; this application's log says why");
    assert.match(log.at(-1), words);
  }
  await sessions.authenticate({ headers: { "edge-session-assertion": "no.such.one" } });
  assert.match(log.at(-1), /kid|JWS|JOSE|Protected/, "a handshake is told of as well");
});

onBoth("an exact direct path is answered without the gate, and has no session", async (start) => {
  const { send, get, url } = await start((app) => {
    app.get("/healthz", (req, res) => {
      assert.deepEqual({ ...req.session }, {});
      assert.deepEqual(req.auth, {});
      res.send("well");
    });
    app.get("/write", (req, res) => {
      req.session.a = 1;
      res.send("no");
    });
    app.use((req, res) => res.send("other"));
  }, { directPaths: ["/healthz", "/write"] });
  assert.equal((await send("GET", "/healthz", null)).text, "well");
  assert.equal((await send("GET", "/healthz?x=1", null)).text, "well");
  assert.equal((await get("/healthz", { sub: "alice", data: { a: 1 } })).text, "well");
  const written = await send("GET", "/write", null);
  assert.equal(written.status, 500);
  assert.match(written.text, /directPaths/);
  for (const path of ["/healthz/", "/HEALTHZ", "/healthz/x", "/%68ealthz", "//healthz", "/healthz;x"]) assert.equal((await fetch(url + path)).status, 403, path);
});

onBoth("a direct path is that of the whole application, wherever the middleware is mounted", async (start) => {
  const { url } = await start((app) => app.use((req, res) => res.send("in")), { mount: "/shop", directPaths: ["/healthz", "/shop/direct"] });
  assert.equal((await fetch(`${url}/shop/healthz`)).status, 403);
  assert.equal((await fetch(`${url}/shop/direct`)).status, 200);
});

onBoth("the assertion of a request to a direct path is hidden too", async (start) => {
  const { get } = await start((app) => app.get("/healthz", (req, res) => res.json([req.headers, req.rawHeaders])), { directPaths: ["/healthz"] });
  assert.ok(!(await get("/healthz", { sub: "alice" })).text.includes("eyJ"));
});

onBoth("scheme and host are the issuer's, whatever the proxy says", async (start) => {
  const show = (app) => app.get("/", (req, res) => res.json([req.protocol, req.secure, req.hostname, req.get("host")]));
  const headers = { "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", Forwarded: "host=evil.example" };
  const { get, edge } = await start((app) => {
    app.set("trust proxy", true);
    show(app);
  });
  assert.deepEqual((await get("/", {}, { headers })).json(), ["https", true, "app.example.com", "app.example.com"]);
  assert.equal(edge.issuer, "https://app.example.com");
  const off = await start(show, { siteFromIssuer: false });
  assert.deepEqual((await off.get("/")).json().slice(0, 3), ["http", false, "127.0.0.1"]);
});

onBoth("req.auth says who is asking and until when; the assertion itself is hidden", async (start) => {
  const { get } = await start((app) => app.get("/", (req, res) => {
    assert.ok(!JSON.stringify([req.headers, req.rawHeaders]).includes("eyJ"));
    res.json(req.auth);
  }));
  const sid = "AAAAAAAAAAAAAAAAAAAAAA";
  const auth = (await get("/", { sub: "alice", sid, data: {}, auth_time: 1_700_000_000, amr: ["pwd"] })).json();
  assert.deepEqual(Object.keys(auth).sort(), ["absolute", "amr", "authTime", "checked", "created", "idle", "sid", "sub"]);
  assert.deepEqual([auth.sub, auth.sid, auth.amr, auth.authTime], ["alice", sid, ["pwd"], "2023-11-14T22:13:20.000Z"]);
  assert.deepEqual((await get("/")).json(), {});
});

onBoth("an origin whose clock is 30 s off takes assertions and dates controls by the gate's clock", async (start) => {
  const { get, url, edge } = await start((app) => app.get("/", (req, res) => {
    req.session.a = 1;
    res.send("ok");
  }));
  const now = Math.floor(Date.now() / 1000);
  for (const off of [-30, 30, -59]) {
    const answer = await fetch(`${url}/`, { headers: edge.headers({ data: {}, iat: now + off, exp: now + off + 60 }) });
    const { iat, exp } = claimsOf(answer.headers.get("edge-session-control"));
    assert.ok(iat - now - off >= 0 && iat - now - off < 10 && exp - iat <= 60, `${off}: ${iat - now}`);
  }
  for (const off of [-125, 90]) {
    assert.equal((await fetch(`${url}/`, { headers: edge.headers({ iat: now + off, exp: now + off + 60 }) })).status, 403);
  }
  assert.equal((await get("/")).status, 200);
});

onBoth("the middleware may be mounted twice", async (start) => {
  const { get } = await start((app, sessions) => {
    app.use(sessions);
    app.get("/", (req, res) => {
      req.session.a = 1;
      res.send("ok");
    });
  });
  assert.deepEqual((await get("/", { data: {} })).operation, { op: "update", set: { a: 1 } });
});

test("it works without Express too, as in socket.io's `io.engine.use()`", async (t) => {
  const edge = edgeForTests();
  const { issuer, audience, keys } = edge;
  const sessions = edgeSession({ issuer, audience, keys, directPaths: ["/healthz"], log: null, subject: (session) => session.user });
  const server = createServer((req, res) => {
    sessions(req, res, (error) => {
      req.session.count = 1;
      res.end(error ? String(error) : `${req.auth.sub} ${req.protocol}`);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { ...edge.headers({ sub: "alice", data: { user: "alice" } }), Connection: "close" } });
  assert.equal(await answer.text(), "alice https");
  assert.deepEqual(edge.operation(answer), { op: "update", set: { count: 1 } });
});

onBoth("a WebSocket server can ask who shakes hands", async (start) => {
  const { sessions, edge } = await start(() => {});
  const [[name, value]] = Object.entries(edge.headers({ sub: "alice" }));
  const handshake = { headers: { [name.toLowerCase()]: value }, rawHeaders: [name, value] };
  for (const time of ["once", "again"]) assert.equal((await sessions.authenticate(handshake)).sub, "alice", time);
  assert.ok(!JSON.stringify(handshake).includes("eyJ"), "it is hidden there, too");
  assert.equal(await sessions.authenticate({ headers: {} }), undefined);
});

for (const way of ["streamed", "saved"]) {
  onBoth(`what changes after the head was sent is told out of band before the answer ends (${way})`, async (start, t) => {
    const gate = await fakeGate(t, [503, 204, 404]);
    const { get } = await start((app) => app.get("/", async (req, res) => {
      req.session.before = 1;
      res.write("a");
      req.session.after = 2;
      if (way === "saved") await done(req.session, "save");
      res.end("b");
    }), { controlUrl: gate.url });
    const sid = "AAAAAAAAAAAAAAAAAAAAAA";
    const answer = await get("/", { sub: "alice", sid, data: { kept: 0 } });
    assert.equal(answer.text, "ab");
    assert.deepEqual(answer.operation, { op: "update", set: { before: 1 } });
    assert.equal(gate.got.length, 2, "and once more after a 503, with the same message");
    assert.equal(gate.got[0].body, gate.got[1].body);
    const { iss, aud, iat, exp, jti, body, ...message } = gate.got[0];
    assert.deepEqual(message, { path: "/.edge-session/control", method: "POST", op: "update", set: { after: 2 }, sub: "alice", sid });
    // A session that has ended meanwhile is no error.
    assert.equal((await get("/", { sub: "alice", sid, data: {} })).text, "ab");
  });
}

onBoth("a change after the head that made the session waits until the gate has read that head", async (start, t) => {
  const gate = await fakeGate(t, [404, 204, 404, 404, 404, 404]);
  const { get, errors } = await start((app) => app.get("/", (req, res) => {
    req.session.before = 1;
    res.write("a");
    req.session.after = 2;
    res.end("b");
  }), { controlUrl: gate.url });
  const answer = await get("/", {});
  assert.equal(answer.text, "ab");
  assert.deepEqual(gate.got.map(({ sid }) => sid), [answer.jti, answer.jti]);
  assert.notEqual(gate.got[0].jti, gate.got[1].jti);
  await assert.rejects(get("/", {}), undefined, "one that never comes to be is an error");
  assert.equal(errors[0].answered, 404);
});

onBoth("a change after the head that the gate refuses breaks the answer; a login there is an error", async (start, t) => {
  const gate = await fakeGate(t, [400]);
  const { get, errors } = await start((app) => {
    app.get("/refused", (req, res) => {
      res.write("a");
      req.session.after = 2;
      res.end("b");
    });
    app.get("/login", (req, res) => {
      res.write("a");
      req.session.user = "alice";
      req.session.save((error) => {
        delete req.session.user;
        res.end(error.message);
      });
    });
  }, { controlUrl: gate.url, subject: (session) => session.user });
  await assert.rejects(get("/refused", { data: {} }));
  assert.match(errors[0].message, /the gate answered 400 some_code/);
  assert.match((await get("/login", { data: {} })).text, /too late to begin a session or to log in/);
});

test("an instruction that the gate refuses out of band is an error that says where to read why", async (t) => {
  const edge = edgeForTests();
  const gate = await fakeGate(t, [422, 403]);
  const sessions = edgeSession({ ...only(edge), controlUrl: gate.url });
  await assert.rejects(sessions.endSessions("17"), /answered 422 control_invalid; control\.invalid in its log says why$/);
  await assert.rejects(sessions.endSessions("17"), /answered 403 some_code$/);
});

onBoth("reload after a save is the session as the gate has it then, and undoes nothing", async (start, t) => {
  const gate = await fakeGate(t);
  const { get } = await start((app) => app.get("/", async (req, res) => {
    res.write("a");
    for (let i = 0; i < 2; i += 1) {
      await done(req.session, "reload");
      req.session.n = (req.session.n ?? 0) + 1;
      await done(req.session, "save");
    }
    await done(req.session, "reload");
    res.end(`${req.session.n}`);
  }), { controlUrl: gate.url });
  assert.equal((await get("/", { sid: "AAAAAAAAAAAAAAAAAAAAAA", data: { n: 5 } })).text, "a7");
  assert.deepEqual(gate.got.map(({ set }) => set).filter(Boolean), [{ n: 6 }, { n: 7 }]);
});

onBoth("reload after the head asks the gate, and is an error where the session has ended, as in a socket of a user who has logged out", async (start, t) => {
  const gate = await fakeGate(t, [204, 404, 204, 404, 400]);
  const { get } = await start((app) => app.get("/", async (req, res) => {
    res.write("a");
    const said = [];
    for (let i = 0; i < 2; i += 1) said.push(await done(req.session, "reload").then(() => "alive", (error) => error.message));
    res.end(said.join());
  }), { controlUrl: gate.url });
  const sid = "AAAAAAAAAAAAAAAAAAAAAA";
  assert.equal((await get("/", { sub: "alice", sid, data: { n: 1 } })).text, "aalive,failed to load session");
  assert.deepEqual(gate.got.map(({ op, sub, set, unset }) => ({ op, sub, set, unset }))[0], { op: "update", sub: "alice", set: undefined, unset: undefined });
  assert.equal((await get("/", { sid, data: {} })).text, "aalive,failed to load session");
  assert.match((await get("/", { sid, data: {} })).text, /^aedgeSession: the gate answered 400/);
});

// express-ws makes up a response of its own, which nobody sends.
onBoth("in the handshake of a WebSocket changes and a logout go to the gate at once, and a login is an error", async (start, t) => {
  const gate = await fakeGate(t);
  const { app, url, edge } = await start((app) => app.get("/socket", async (req, res) => {
    const said = [];
    const note = (what) => said.push(what);
    req.session.n = (req.session.n ?? 0) + 1;
    await done(req.session, "save").then(() => note("saved"), (error) => note(error.message));
    await done(req.session, "destroy").then(() => note("ended"));
    req.handshake.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${said}`);
  }), { controlUrl: gate.url });
  const server = createServer(app);
  server.on("upgrade", (req, socket) => app(Object.assign(req, { handshake: socket }), new ServerResponse(req)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const shake = async (session) => {
    const handshake = request(`${url.replace(/\d+$/, server.address().port)}/socket`, { headers: { ...edge.headers(session), Connection: "Upgrade", Upgrade: "websocket" } }).end();
    const [, socket, first] = await once(handshake, "upgrade");
    return String(first.length > 0 ? first : (await once(socket, "data"))[0]);
  };
  const sid = "AAAAAAAAAAAAAAAAAAAAAA";
  assert.equal(await shake({ sub: "alice", sid, data: { n: 1 } }), "saved,ended");
  assert.deepEqual(gate.got.map(({ op, set, sub }) => ({ op, set, sub })), [{ op: "update", set: { n: 2 }, sub: "alice" }, { op: "destroy", set: undefined, sub: "alice" }]);
  assert.match(await shake({}), /too late to begin a session or to log in.*,ended$/);
});

onBoth("a handshake that is answered like any other request tells the gate with that answer", async (start, t) => {
  const { app, url, edge } = await start((app) => app.get("/socket", (req, res) => {
    req.session.returnTo = "/chat";
    res.redirect("/login");
  }));
  const server = createServer(app);
  server.on("upgrade", (req, socket) => {
    const res = new ServerResponse(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket);
    res.on("finish", () => socket.end());
    app(req, res);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const headers = { ...edge.headers({ sid: "AAAAAAAAAAAAAAAAAAAAAA", data: {} }), Connection: "Upgrade", Upgrade: "websocket" };
  const [answer] = await once(request(`${url.replace(/\d+$/, server.address().port)}/socket`, { headers }).end(), "response");
  answer.resume();
  assert.equal(answer.statusCode, 302);
  const { op, set } = claimsOf(answer.headers["edge-session-control"]);
  assert.deepEqual({ op, set }, { op: "update", set: { returnTo: "/chat" } });
});

// What the application does while the gate is being told, in a socket's other handlers.
onBoth("a logout while a change is under way is told to the gate as well, however it is made", async (start, t) => {
  const gate = await fakeGate(t);
  const { get } = await start((app) => {
    app.get("/destroy", async (req, res) => {
      res.write("a");
      req.session.n = 1;
      const saved = done(req.session, "save");
      await Promise.resolve();
      await Promise.all([saved, done(req.session, "destroy")]);
      res.end();
    });
    app.get("/delete", async (req, res) => {
      res.write("a");
      req.session.n = 1;
      const saved = done(req.session, "save");
      await Promise.resolve();
      for (const name of Object.keys(req.session)) delete req.session[name];
      await Promise.all([saved, done(req.session, "save")]);
      res.end();
    });
  }, { controlUrl: gate.url, subject: (session) => session.user });
  for (const path of ["/destroy", "/delete"]) await get(path, { sub: "alice", sid: "AAAAAAAAAAAAAAAAAAAAAA", data: { user: "alice" } });
  assert.deepEqual(gate.got.map(({ op, sub }) => ({ op, sub })), ["update", "destroy", "update", "destroy"].map((op) => ({ op, sub: "alice" })));
});

onBoth("what is changed while reload asks the gate is kept, in whatever handler holds the session", async (start, t) => {
  const gate = await fakeGate(t);
  const { get } = await start((app) => app.get("/", async (req, res) => {
    res.write("a");
    const { session } = req;
    session.unsaved = 1n;
    session.list.push(2);
    const reloaded = done(session, "reload");
    await new Promise((resolve) => setImmediate(resolve));
    session.n += 1;
    delete session.gone;
    await Promise.all([reloaded, done(session, "save")]);
    session.m = 1;
    await done(session, "save");
    res.end(JSON.stringify(req.session));
  }), { controlUrl: gate.url });
  const answer = await get("/", { sid: "AAAAAAAAAAAAAAAAAAAAAA", data: { n: 5, gone: 1, list: [1] } });
  assert.deepEqual(JSON.parse(answer.text.slice(1)), { list: [1], n: 6, m: 1 });
  assert.deepEqual(gate.got.map(({ set, unset }) => ({ set, unset })), [{}, { set: { n: 6 }, unset: ["gone"] }, { set: { m: 1 } }].map(({ set, unset }) => ({ set, unset })));
});

onBoth("a socket whose handshake's response is over keeps nothing for it, and a session that it has seen alive is not waited for again", async (start, t) => {
  const gate = await fakeGate(t, [404, 204, 404]);
  let socket;
  const { post } = await start((app) => app.post("/", (req, res) => {
    req.session.n = 1;
    socket = { req, res, closed: once(res, "close") };
    res.end();
  }), { controlUrl: gate.url });
  await post("/", {});
  await socket.closed;
  const said = [];
  for (let i = 0; i < 2; i += 1) said.push(await done(socket.req.session, "reload").then(() => "alive", (error) => error.message));
  assert.deepEqual(said, ["alive", "failed to load session"]);
  assert.equal(socket.res.outputData.length, 0);
  assert.equal(gate.got.length, 3);
});

// As the example of ws has it: the middleware is given an object for a response.
test("a handshake that did not come through the gate is a 403 where nobody has made a response for it", async (t) => {
  const edge = edgeForTests();
  const sessions = edgeSession({ issuer: edge.issuer, audience: edge.audience, keys: edge.keys, log: () => {} });
  let reached = 0;
  const server = createServer().on("upgrade", (req, socket) => sessions(req, {}, () => {
    reached += 1;
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  })).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const shake = (headers) => request({ port: server.address().port, headers: { ...headers, Connection: "Upgrade", Upgrade: "websocket" } }).end();
  const [answer] = await once(shake({}), "response");
  assert.equal(answer.statusCode, 403);
  answer.resume();
  await once(answer, "close");
  assert.equal(reached, 0);
  const [, socket] = await once(shake(edge.headers({ sub: "alice" })), "upgrade");
  socket.destroy();
  assert.equal(reached, 1);
});

onBoth("a session that this answer began and that has ended since is no error of a later change", async (start, t) => {
  const gate = await fakeGate(t, [204, 404]);
  const { get, errors } = await start((app) => app.get("/", async (req, res) => {
    req.session.n = 0;
    res.write("a");
    req.session.n = 1;
    await done(req.session, "save");
    req.session.n = 2;
    res.end("b");
  }), { controlUrl: gate.url });
  assert.equal((await get("/", {})).text, "ab");
  assert.equal(gate.got.length, 2, "it is not asked again");
  assert.deepEqual(errors, []);
});

test("a user that is none is an error of the job, and the gate is not told", async (t) => {
  const gate = await fakeGate(t, []);
  const sessions = edgeSession({ ...only(edgeForTests()), controlUrl: gate.url });
  for (const nobody of [undefined, null, "", {}, NaN, 1.5, "a\nb", "x".repeat(256)]) {
    await assert.rejects(sessions.endSessions(nobody), TypeError);
    await assert.rejects(sessions.listSessions(nobody), TypeError);
    await assert.rejects(sessions.endSession(nobody, "s"), TypeError);
  }
  for (const none of [undefined, "", 7]) await assert.rejects(sessions.endSession("17", none), TypeError);
  assert.deepEqual(gate.got, []);
});

test("a message to the gate goes nowhere else, whatever the answer says", async (t) => {
  const other = await fakeGate(t);
  const gate = createServer((req, res) => res.writeHead(307, { Location: other.url }).end()).listen(0, "127.0.0.1");
  await once(gate, "listening");
  t.after(() => gate.close());
  const sessions = edgeSession({ ...only(edgeForTests()), controlUrl: `http://127.0.0.1:${gate.address().port}/` });
  await assert.rejects(sessions.endSessions("17"));
  assert.deepEqual(other.got, []);
});

test("a job, or a page of a user's devices, ends one session and says whether there was one", async (t) => {
  const gate = await fakeGate(t, [204, 404, 400]);
  const sessions = edgeSession({ ...only(edgeForTests()), controlUrl: gate.url });
  assert.equal(await sessions.endSession(17, "s"), true);
  assert.deepEqual([gate.got[0].op, gate.got[0].sub, gate.got[0].sid], ["destroy", "17", "s"]);
  assert.equal(await sessions.endSession(17, "s"), false);
  await assert.rejects(sessions.endSession(17, "s"), { code: "EDGE_SESSION_GATE", answered: 400 });
});

test("jobs end and list the sessions of a user", async (t) => {
  const gate = await fakeGate(t, [204, { sessions: [{ sid: "s", created: 1, idle: 2, absolute: 3 }] }, { sessions: [] }, 400]);
  const edge = edgeForTests();
  const sessions = edgeSession({ ...only(edge), controlUrl: gate.url });
  await sessions.endSessions(17);
  assert.deepEqual([gate.got[0].op, gate.got[0].sub, typeof gate.got[0].jti], ["destroy_all", "17", "string"]);
  assert.deepEqual(await sessions.listSessions("17"), [{ sid: "s", created: new Date(1000), idle: new Date(2000), absolute: new Date(3000) }]);
  assert.deepEqual(await sessions.listSessions("17"), []);
  await assert.rejects(sessions.endSessions("17"), { code: "EDGE_SESSION_GATE", answered: 400 });
});

test("what is not at that address is no answer of the gate: a job is not told that all is done, nor a page that a session has ended", async (t) => {
  const gate = await fakeGate(t, [404, 404]);
  const sessions = edgeSession({ ...only(edgeForTests()), controlUrl: gate.url });
  await assert.rejects(sessions.endSessions("17"), { code: "EDGE_SESSION_GATE", answered: 404 });
  await assert.rejects(sessions.listSessions("17"), { code: "EDGE_SESSION_GATE", answered: 404 });
  const other = createServer((req, res) => res.writeHead(404).end("<h1>Not Found</h1>")).listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const elsewhere = edgeSession({ ...only(edgeForTests()), controlUrl: `http://127.0.0.1:${other.address().port}/` });
  await assert.rejects(elsewhere.endSession("17", "s"), { code: "EDGE_SESSION_GATE", answered: 404 });
});

function only({ issuer, audience, keys }) {
  return { issuer, audience, keys };
}

test("the list may end with the newline of the file that it was kept in, and has no other white space", async () => {
  const edge = edgeForTests();
  const assertion = edge.headers({ sub: "ada" })["Edge-Session-Assertion"];
  for (const end of ["\n", "\r\n"]) {
    const sessions = edgeSession({ ...only(edge), keys: edge.keys + end });
    assert.equal((await sessions.authenticate({ headers: { "edge-session-assertion": assertion } })).sub, "ada");
  }
  for (const keys of [`${edge.keys}\n\n`, `${edge.keys} `, `\n${edge.keys}`]) assert.throws(() => edgeSession({ ...only(edge), keys }), TypeError);
});

test("development keys are for a site on this machine only", () => {
  const keys = `new:${Buffer.alloc(32, 7).toString("base64url")},DEV-origin-1:${Buffer.alloc(32, 8).toString("base64url")}`;
  for (const issuer of ["http://localhost:8787", "http://app.localhost", "http://127.0.0.1:1", "http://[::1]:1"]) edgeSession({ issuer, audience: "origin", keys });
  for (const issuer of ["https://app.example.com", "https://localhost.example.com", "https://127.example.com"]) {
    assert.throws(() => edgeSession({ issuer, audience: "origin", keys }), /development key/);
  }
});

test("options that can't be meant are errors at the start, in words that hold no part of a key", () => {
  const good = only(edgeForTests());
  edgeSession(good);
  const secret = good.keys.split(":")[1];
  const ofBytes = (n) => `a:${Buffer.alloc(n, 7).toString("base64url")}`;
  const unusable = [{ keys: ofBytes(31) }, { keys: ofBytes(65) }, { keys: `${good.keys}, ${ofBytes(32)}` }, { dataLimit: 0 }, { dataLimit: 4097 }, { dataLimit: "2048" }, { controlUrl: "gate" }, { audience: good.issuer }];
  for (const bad of [...unusable, { issuer: "https://app.example.com/" }, { issuer: "app.example.com" }, { audience: "" }, { keys: undefined }, { keys: secret }, { keys: `a:${secret.slice(5)}=` }, { keys: `${good.keys},${good.keys}` }, { subject: "user" }, { directPaths: "/healthz" }, { secret: "keyboard cat" }]) {
    assert.throws(() => edgeSession({ ...good, ...bad }), (error) => error instanceof TypeError && !error.message.includes(secret.slice(5, 20)), JSON.stringify(bad));
  }
});
