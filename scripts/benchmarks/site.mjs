// The site that every gateway here protects: its name, its keys, its configuration of the gate, its users, and the Workers that guard it.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { once, requestBytes } from "./load.mjs";
import { sign, verify } from "./jws.mjs";
import { headerOf } from "./origin.mjs";
import { gateEntry, startWorkerd } from "./workerd.mjs";

export const HOST = "localhost:8787";
export const ISSUER = `http://${HOST}`;
export const USERS = 16;
export const ASSERTION = "Edge-Session-Assertion";

/** What a page's script sends: the headers of every timed request, but for its cookie. */
export const BASE = [
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"],
  ["Accept", "*/*"],
  ["Sec-Fetch-Site", "same-origin"],
  ["Sec-Fetch-Mode", "cors"],
  ["Sec-Fetch-Dest", "empty"],
];

const key = () => randomBytes(32).toString("base64url");

/** New keys, and an origin that logs in whoever posts a name to /login at the gate. */
export function makeSite(origin) {
  const keys = { cookie: key(), origin: key(), locator: key(), hono: key() };
  const originKey = Buffer.from(keys.origin, "base64url");
  origin.routes.set("/login", (request, socket) => {
    const assertion = JSON.parse(Buffer.from(headerOf(request.head, ASSERTION).split(".")[1], "base64url"));
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: "origin", aud: ISSUER, req: assertion.jti, iat: now, exp: now + 30, op: "create", sub: request.body, auth_time: now, data: {} };
    const control = sign({ typ: "edge-session-control+jwt", kid: "o1" }, claims, originKey);
    socket.write(`HTTP/1.1 204 No Content\r\nEdge-Session-Control: ${control}\r\n\r\n`);
  });
  return { origin, keys, originKey };
}

/** The gate as it is deployed: defaults, but that no ID is replaced while its cookie is being used here. */
const configuration = (site) => ({
  issuer: ISSUER,
  origin: site.origin.url,
  audience: "origin",
  rotation: { every: "12h" },
  paths: [
    { path: "/public/*", access: "public" },
    { path: "/login", access: "optional" },
    { path: "/checked/*", access: "required", freshness: "0s" },
  ],
});

const gate = (site, objects) => ({
  name: "gate",
  entry: gateEntry,
  classes: ["SessionObject"],
  bindings: [
    { name: "EDGE_SESSION", json: configuration(site) },
    { name: "EDGE_SESSION_KEYS", text: `c1:${site.keys.cookie}` },
    { name: "EDGE_SESSION_ORIGIN_KEYS", text: `o1:${site.keys.origin}` },
    { name: "EDGE_SESSION_LOCATOR_KEY", text: site.keys.locator },
    { name: "SESSIONS", objects },
  ],
});

const plain = (site, more = []) => [
  { name: "ORIGIN", text: site.origin.url },
  { name: "HOST", text: HOST },
  { name: "ISSUER", text: ISSUER },
  { name: "COOKIE_KEY", text: site.keys.cookie },
  { name: "ORIGIN_KEY", text: site.keys.origin },
  ...more,
];

const OWN = { className: "SessionObject" };
const JAVASCRIPT = [
  { name: "session_subtle", node: false },
  { name: "session_node", node: true },
];

/** One Worker alone, for what it adds to a process. */
export const alone = {
  pass: () => ({ name: "pass", bindings: [] }),
  with_object: () => ({ name: "with_object", classes: [OWN.className], bindings: [{ name: "SESSIONS", objects: OWN }] }),
  gate: (site) => gate(site, OWN),
};

/**
 * Logs everyone in where sessions are kept in Durable Objects, through taps that see what the gate asks its objects. Gives the sessions, the
 * questions, and `operations`, a count of the calls; `stop` leaves the sessions on the disk for startWorkers.
 */
export async function startTapped(site, { folder, storage, core }) {
  const tap = (name, className) => ({ name: `tap_${name}`, entry: new URL("./workers/tap.js", import.meta.url).pathname, classes: ["Tap"], bindings: [{ name: "TAPPED", objects: { className, worker: name } }] });
  const tapped = (name) => ({ name: "SESSIONS", objects: { className: "Tap", worker: `tap_${name}` } });
  const workers = [
    gate(site, tapped("gate").objects),
    tap("gate", "SessionObject"),
    ...JAVASCRIPT.flatMap(({ name, node }) => [{ name, node, classes: ["Sessions"], bindings: plain(site, [tapped(name)]) }, tap(name, "Sessions")]),
  ];
  const server = await startWorkerd({ core, folder: join(folder, "tapped"), storage, origin: site.origin, workers });
  const told = async (name) => JSON.parse((await once(server.ports[`tap_${name}`], requestBytes({ host: "tap" }))).text);
  try {
    const sessions = {};
    for (const name of ["gate", ...JAVASCRIPT.map((one) => one.name)]) sessions[name] = await logIn(server.ports[name]);
    // Each of them is asked for once, so that the tap holds a question for each.
    const questions = {};
    for (const cookie of sessions.gate) {
      const before = (await told("gate")).questions;
      const answer = await once(server.ports.gate, requestBytes({ path: "/checked/", host: HOST, headers: [...BASE, ["Cookie", cookie]] }));
      if (answer.status !== 200) throw new Error(`a session that was just made is answered with ${answer.status}: ${answer.text}`);
      const after = (await told("gate")).questions;
      const [name] = Object.keys(after).filter((one) => after[one] !== before[one]);
      questions[cookie] = { name, question: after[name] };
    }
    return { ...server, sessions, questions, operations: async (name) => (await told(name)).calls };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Everything that runs on workerd, in one process. */
export async function startWorkers(site, { folder, storage, core, sessions, questions, assertion }) {
  const filler = { name: "ASSERTION", text: assertion };
  const workers = [
    alone.pass(),
    { name: "header", bindings: [filler] },
    { name: "edits", bindings: plain(site, [filler]) },
    { name: "object", bindings: plain(site, [filler, { name: "QUESTIONS", json: questions }, { name: "SESSIONS", objects: { ...OWN, worker: "gate" } }]) },
    alone.gate(site),
    ...JAVASCRIPT.map(({ name, node }) => ({ name, node, classes: ["Sessions"], bindings: plain(site, [{ name: "SESSIONS", objects: { className: "Sessions" } }]) })),
    { name: "kv", bindings: [] },
    { name: "hono", bindings: [...plain(site), { name: "SECRET", text: site.keys.hono }, { name: "SESSIONS", kv: "kv" }] },
  ];
  const server = await startWorkerd({ core, folder: join(folder, "workers"), storage, origin: site.origin, workers });
  try {
    const all = { ...sessions, hono: await logIn(server.ports.hono) };
    // What the others ask is counted behind taps.
    const operations = async (name) => name === "hono" ? JSON.parse((await once(server.ports.kv, requestBytes({ host: "kv", path: "/.calls" }))).text).calls : undefined;
    return { ...server, sessions: all, operations };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The Cookie headers of as many users as there are connections. */
export async function logIn(port) {
  const cookies = [];
  for (let i = 0; i < USERS; i += 1) {
    const answer = await once(port, requestBytes({ method: "POST", path: "/login", host: HOST, headers: BASE, body: `user-${i}` }));
    const set = [...answer.head.matchAll(/\r\nset-cookie: *([^;\r]*)/gi)].map((match) => match[1]);
    const cookie = set.find((one) => one.startsWith("__Host-session="));
    if (answer.status !== 204 || !cookie) throw new Error(`a login was answered with ${answer.status}: ${answer.text}`);
    cookies.push(cookie);
  }
  return cookies;
}

/** Who a request to the origin is from, according to its signed identity. */
export async function identity(head, secret) {
  const claims = await verify(headerOf(head, ASSERTION), secret, { issuer: ISSUER, audience: "origin" });
  return claims.sub;
}
