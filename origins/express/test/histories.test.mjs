// Random histories: whatever an application does to its session in one request, before the head, after it and out of band, the gate has
// in the end what the application had, under the ID that the application was told.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { done, onBoth } from "./harness.mjs";

const HISTORIES = 400;
const STEPS = [
  ["set", "a", 0], ["set", "a", 1], ["set", "b", [1]], ["set", "b", [2]], ["set", "c", "x"], ["unset", "a"], ["unset", "b"], ["save"], ["save"], ["reload"],
  ["login", "ann"], ["login", "bob"], ["logout"], ["regenerate"], ["rotate"], ["destroy"], ["head written"], ["head sent"],
];

// The same numbers for the same seed.
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

// What the gate keeps, and does when it is told; gives the session's handle after it.
function carryOut(kept, { op, sub, data = {}, set = {}, unset = [] }, sid, jti) {
  const session = kept.get(sid);
  if (op === "destroy" || op === "create" || (op === "rotate" && session?.sub !== undefined)) kept.delete(sid);
  if (op === "create") kept.set(jti, { sub, data });
  if (op === "destroy") return undefined;
  if (op === "create") return jti;
  if (!session) return sid;
  for (const name of unset) delete session.data[name];
  Object.assign(session.data, set);
  if (op !== "rotate" || session.sub === undefined) return sid;
  kept.set(jti, session);
  return jti;
}

async function startGate(t, kept) {
  const server = createServer(async (req, res) => {
    let body = "";
    for await (const part of req) body += part;
    const { sid, sub, ...operation } = JSON.parse(Buffer.from(body.split(".")[1], "base64url"));
    if (!kept.has(sid) || kept.get(sid).sub !== sub) return res.writeHead(404).end();
    carryOut(kept, operation, sid);
    return res.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

async function act(req, res, [what, name, value]) {
  const { session } = req;
  const early = !res.headersSent; // a login later on is an error, which other tests show
  if (what === "head written" && early) res.writeHead(200);
  if (what === "head sent" && early) res.write("sent");
  if (!session) return;
  if (what === "set") session[name] = value;
  if (what === "unset") delete session[name];
  if (what === "save") await done(session, "save");
  if (what === "reload") await done(session, "reload").catch((error) => assert.match(error.message, /failed to load/));
  if (what === "destroy") await done(session, "destroy");
  if (!early) return;
  if (what === "login") session.user = name;
  if (what === "logout") delete session.user;
  if (what === "rotate") session.rotate();
  if (what === "regenerate") await done(session, "regenerate");
}

onBoth("what the gate has in the end is what the application had", async (start, t) => {
  const kept = new Map();
  let steps;
  let left;
  const { post, errors } = await start((app) => {
    app.set("env", "test"); // Express prints no errors then
    app.post("/", async (req, res, next) => {
      try {
        for (const step of steps) await act(req, res, step);
        left = { data: { ...req.session }, id: req.session?.id };
        res.end("done");
      } catch (error) {
        next(error);
      }
    });
  }, { controlUrl: await startGate(t, kept), subject: (session) => session.user });

  let told = 0;
  for (let seed = 1; seed <= HISTORIES; seed += 1) {
    const below = numbers(seed);
    const sid = ["B".repeat(22), "A".repeat(22), undefined][below(3)];
    const sub = sid?.startsWith("A") ? "ann" : undefined;
    kept.clear();
    if (sid) kept.set(sid, { sub, data: { ...(sub && { user: sub }), a: 1, b: [2] } });
    steps = Array.from({ length: 1 + below(9) }, () => STEPS[below(STEPS.length)]);
    errors.splice(0);
    left = undefined;
    const request = post("/", sid ? { sid, ...structuredClone(kept.get(sid)) } : {}, { onHead: (operation, jti) => (told = operation ? carryOut(kept, operation, sid, jti) : sid) });
    await request.catch(() => {}); // a response that is broken because it is too late has said so in `errors`
    const history = JSON.stringify({ seed, sid, steps, left, errors: errors.map(({ message }) => message) });
    if (errors.some(({ message }) => message.includes("too late"))) continue;
    assert.deepEqual(errors, [], history);
    const session = kept.get(told);
    assert.deepEqual(session?.data ?? {}, left.data, history);
    assert.equal(session?.sub, left.data.user, history);
    if (session) assert.equal(left.id, told, history);
  }
});
