// Django under ASGI with Channels, on uvicorn, behind the real gate: who a WebSocket belongs to, and what its consumer changes.
import assert from "node:assert/strict";
import test from "node:test";
import { environments, startDjango } from "../../origins/django/tests/site.mjs";
import { Visitor } from "./harness/django.mjs";
import { freePort, makeKey, startGate } from "./harness/gate.mjs";
import { webSocket } from "./harness/raw.mjs";

const { venv, missing } = environments().at(-1);

test("Channels", { skip: missing !== undefined && process.env.CI !== "true" && missing }, async (t) => {
  assert.equal(missing, undefined);
  const [port, djangoPort] = [await freePort(), await freePort()];
  const key = makeKey("dev-origin1");
  const [issuer, audience] = [`http://localhost:${port}`, "django"];
  const django = await startDjango({ venv, port: djangoPort, issuer, audience, keys: key.entry, asgi: true });
  t.after(() => django.stop());
  const gate = await startGate({ port, origin: { url: django.url }, secrets: { EDGE_SESSION_ORIGIN_KEYS: key.entry }, config: { audience, default_access: "optional" } });
  t.after(() => gate.stop());

  // The next message of a consumer.
  const told = async (socket) => JSON.parse((await socket.receive()).data);

  // Shakes hands as a browser does; gives the socket and what the consumer said of whom it has before it.
  async function connected(visitor) {
    const { response, socket } = await webSocket(gate, "/socket", [["Origin", issuer], ["Cookie", visitor.jar.header]]);
    assert.equal(response.status, 101);
    t.after(() => socket.connection.close());
    return { socket, ...(await told(socket)) };
  }

  async function keeps(socket, data) {
    socket.send(JSON.stringify(data));
    return told(socket);
  }

  await t.test("a socket belongs to whom the gate names, and sees neither the ID nor the assertion", async () => {
    const alice = await new Visitor(gate).signIn("user-1");
    await alice.state({ set: { cart: 3 } });
    const { user, data, cookies, headers } = await connected(alice);
    assert.deepEqual([user, data], ["user-1", { cart: 3 }]);
    assert.deepEqual(cookies, ["__Host-session", "csrftoken"], "the first with the sid in it");
    assert.deepEqual(headers.filter((name) => name.startsWith("edge-session")), []);
  });

  await t.test("one without a session is nobody's, and begins none", async () => {
    const { socket, user, data } = await connected(new Visitor(gate));
    assert.deepEqual([user, data], ["", {}]);
    assert.deepEqual(await keeps(socket, { n: 1 }), { failed: "EdgeSessionError" });
  });

  await t.test("what a consumer keeps is there for the next page, and what a page keeps beside it stays", async () => {
    const alice = await new Visitor(gate).signIn("user-2");
    const { socket } = await connected(alice);
    await alice.state({ set: { page: 1 } });
    assert.deepEqual(await keeps(socket, { socket: 2 }), { saved: ["socket"] });
    assert.deepEqual((await alice.state()).data, { page: 1, socket: 2 });
  });

  await t.test("after a logout an open socket brings nothing back, and the next one is nobody's", async () => {
    const alice = await new Visitor(gate).signIn("user-3");
    const { socket } = await connected(alice);
    const stolen = alice.copy();
    assert.equal((await alice.submit("/logout")).status, 302);
    assert.ok((await keeps(socket, { n: 1 })).failed);
    for (const visitor of [alice, new Visitor(gate, stolen.jar)]) assert.deepEqual(await connected(visitor).then(({ user, data }) => [user, data]), ["", {}]);
  });

  await t.test("a handshake that went around the gate, or comes from another site, reaches no consumer", async () => {
    const alice = await new Visitor(gate).signIn("user-4");
    const around = { port: djangoPort, host: `localhost:${port}`, issuer };
    for (const headers of [[], [["Edge-Session-Assertion", "x.y.z"]]]) {
      assert.equal((await webSocket(around, "/socket", [["Origin", issuer], ["Cookie", alice.jar.header], ...headers])).response.status, 403);
    }
    const { response } = await webSocket(gate, "/socket", [["Origin", "https://evil.example"], ["Cookie", alice.jar.header]]);
    assert.equal(response.status, 403);
  });
});
