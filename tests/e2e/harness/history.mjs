// Random histories: browsers of a few users, an administrator and a thief, all at once, through both isolates of a gate with a twin.
// Whatever they did and saw stands in a ledger, for guarantees.mjs to judge. What they choose follows from the seed; how it interleaves is real.
//
//   const ledger = openLedger(gate);
//   await live(ledger, { seed: 7 });
//   assert.deepEqual(broken(ledger), []);        // guarantees.mjs
import { parseSetCookie } from "./cookies.mjs";
import { control } from "./jws.mjs";
import { accept } from "./origin.mjs";
import { BROWSER, connect, request } from "./raw.mjs";
import { FRESH, SESSION } from "./app.mjs";

// Numbers from 0 to 1, the same for the same seed (mulberry32).
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, below: (n) => Math.floor(next() * n), one: (list) => list[Math.floor(next() * list.length)], chance: (p) => next() < p };
}

// The session ID in a cookie, by which it is told from others: the seal around one may differ. Undefined for what is no cookie of ours.
export function idOf(cookie) {
  const bytes = Buffer.from(cookie ?? "", "base64url");
  return bytes.length < 90 ? undefined : bytes.subarray(-64, -32).toString("hex");
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Puts an application behind the gate that does what each request's own entry says, and writes down what it saw.
export function openLedger(gate, { freshness = 1000, grace = 1000 } = {}) {
  const ledger = {
    gate,
    freshness,
    grace,
    entries: [],
    named: new Map(), // the entries by their numbers
    secrets: new Set(), // what no log may show
    faulty: false, // the store may fail, or an instance die
    exact: true, // parallel changes lose nothing
    now: () => performance.now(),
    places: [gate, gate.twin].filter(Boolean),
    date: () => Date.now(),
  };
  const entryOf = (recorded) => {
    const entry = ledger.named.get(Number(/[?&]n=(\d+)/.exec(recorded.url)?.[1]));
    if (entry === undefined) return undefined; // of an earlier ledger, and late
    entry.arrived = ledger.now();
    (entry.jtis ??= []).push(recorded.claims.jti);
    entry.arrivals = (entry.arrivals ?? 0) + 1;
    entry.claims = recorded.claims;
    entry.received = recorded.headers.map(([, value]) => value).join("\n");
    ledger.secrets.add(recorded.assertion);
    return entry;
  };
  gate.origin.handler = async (recorded, response) => {
    const entry = entryOf(recorded);
    if (entry === undefined) return response.destroy();
    const { delay = 0, status = 200, how = "whole" } = entry.answer ?? {};
    if (delay) await sleep(delay);
    if (how === "no head") return response.destroy();
    if (entry.op) {
      const op = entry.op.op === "create" ? { ...entry.op, data: { root: entry.claims.jti, owner: entry.op.sub ?? "nobody" } } : entry.op;
      const message = control(gate, recorded, op);
      ledger.secrets.add(message);
      response.setHeader("Edge-Session-Control", message);
    }
    entry.answered = ledger.now();
    response.statusCode = status;
    if (how === "whole" || status === 204 || status === 304 || entry.method === "HEAD") return response.end(status === 204 || status === 304 ? undefined : "ok");
    response.write("first ");
    await sleep(20);
    return how === "broken body" ? response.destroy() : response.end("second");
  };
  gate.origin.upgrade = (recorded, socket) => {
    const entry = entryOf(recorded);
    if (entry === undefined) return socket.destroy();
    entry.answered = ledger.now();
    return accept(recorded, socket);
  };
  return ledger;
}

// One browser: a jar that all its tabs share, as browsers keep it.
class Browser {
  static count = 0;
  number = (Browser.count += 1);
  cookies = new Map(); // name: { value, until }

  constructor(ledger, from) {
    this.ledger = ledger;
    if (from) this.cookies = new Map(from.cookies);
  }

  get header() {
    const live = [...this.cookies].filter(([, { until }]) => until > this.ledger.now());
    return live.length === 0 ? null : live.map(([name, { value }]) => `${name}=${value}`).join("; ");
  }

  get cookie() {
    return this.cookies.get(SESSION)?.value;
  }

  take(name, value, age) {
    if (age === 0) this.cookies.delete(name);
    else this.cookies.set(name, { value, until: age === undefined ? Infinity : this.ledger.now() + age * 1000 });
  }
}

let numbers = 0;

// Sends what an entry says and notes in it what came of that. Never throws.
export async function carryOut(ledger, given, browser) {
  const entry = { n: (numbers += 1), method: "GET", headers: BROWSER.fetch, place: 0, path: "/page", ...given };
  ledger.entries.push(entry);
  ledger.named.set(entry.n, entry);
  entry.unsafe = !["GET", "HEAD"].includes(entry.method) || entry.path === "/socket";
  const cookie = entry.cookie ?? browser?.cookie;
  const header = entry.cookie ? `${SESSION}=${entry.cookie}` : browser?.header;
  Object.assign(entry, { browser: browser?.number, sent: cookie, id: entry.forged ? undefined : idOf(cookie), isFresh: header?.includes(`${FRESH}=`) ?? false });
  const path = entry.path.startsWith("/.edge") ? entry.path : `${entry.path}?n=${entry.n}`;
  const headers = [...entry.headers, ["Cookie", header ?? null]];
  entry.start = ledger.now();
  entry.date = ledger.date();
  let connection;
  let timer;
  try {
    connection = await connect(ledger.places[entry.place]);
    connection.send(request(ledger.places[entry.place], entry.method, path, headers, entry.body));
    if (entry.leaves !== undefined) timer = setTimeout(() => connection.abort(), entry.leaves);
    const answer = await connection.read({ method: entry.method, timeout: 40_000 });
    if (browser) take(entry, answer, browser);
    Object.assign(entry, { end: ledger.now(), status: answer.status, code: entry.method === "HEAD" ? { 401: "session_required", 502: "origin_unreachable", 503: "store_unavailable" }[answer.status] : answer.code, complete: answer.complete, headersBack: answer.head });
  } catch (error) {
    entry.lost = error.message;
  } finally {
    clearTimeout(timer);
    connection?.socket.destroy();
  }
  return entry;
}

function take(entry, answer, browser) {
  const set = answer.all("set-cookie").map(parseSetCookie);
  for (const { name, value, attributes } of set) {
    const age = attributes["max-age"] === undefined ? undefined : Number(attributes["max-age"]);
    browser.take(name, value, age);
    if (name === FRESH && age > 0) entry.marked = true;
    if (name !== SESSION) continue;
    if (age === 0) entry.cleared = true;
    else {
      entry.gave = idOf(value);
      entry.gaveCookie = value;
      browser.ledger.secrets.add(value);
    }
  }
}

let histories = 0;

// Lives one history. `steps` is how many things each tab does, `leave` how often a client
// disconnects: three times as often where something is to be changed.
export async function live(ledger, { seed, steps = 12, users = 2, leave = 0.05, thief = true } = {}) {
  const rng = random(seed);
  const name = `h${(histories += 1)}-${seed}`;
  const subjects = Array.from({ length: users }, (_, i) => `${name}-user${i}`);
  const places = ledger.places.length;
  const answer = () => ({
    delay: rng.chance(0.4) ? rng.below(120) : 0,
    status: rng.chance(0.85) ? 200 : rng.one([204, 303, 304, 404, 500]),
    how: rng.chance(0.85) ? "whole" : rng.one(["slow body", "broken body", "no head"]),
  });
  let keys = 0;
  let over = false;

  const tab = async (browser, own, isThief) => {
    let key = `k${(keys += 1)}`;
    let value = 0;
    const login = () => ({ op: "create", ...(rng.chance(0.15) ? {} : { sub: rng.chance(0.85) ? own : rng.one(subjects) }), ...(rng.chance(0.12) ? { end_others: true } : {}) });
    const write = () => ({ [key]: (value += 1) });
    const choices = [
      [34, () => ({ method: rng.chance(0.9) ? "GET" : "HEAD", path: rng.one(["/page", "/private/page"]), headers: rng.one([BROWSER.fetch, BROWSER.navigate]) })],
      [14, () => ({ method: "POST", path: rng.one(["/page", "/private/page"]), body: "" })],
      [20, () => ({ op: { op: "update", set: write() } })],
      [5, () => ({ op: { op: "rotate", ...(rng.chance(0.5) ? { set: write() } : {}), ...(rng.chance(0.25) ? { end_others: true } : {}) } })],
      [4, () => ({ op: login() })],
      [2, () => ({ op: { op: "destroy" } })],
      [1.5, () => ({ op: { op: "destroy_all", ...(rng.chance(0.7) ? { sub: own } : {}) } })],
      [3, () => ({ method: "POST", path: "/.edge-session/logout", body: "", headers: rng.one([BROWSER.fetch, BROWSER.submit]) })],
      [2, () => ({ path: "/socket", headers: [...BROWSER.fetch, ["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"], ["Sec-WebSocket-Key", Buffer.alloc(16, 7).toString("base64")]] })],
      [2, () => ({ cookie: forged(rng, browser.cookie), forged: true })],
    ];
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    const choose = () => {
      let at = rng.next() * total;
      return choices.find(([weight]) => (at -= weight) < 0)[1]();
    };
    for (let step = 0; step < steps; step += 1) {
      const wanted = !isThief && browser.cookie === undefined && rng.chance(0.6) ? { op: login() } : choose();
      const more = wanted.op ? { method: "POST", path: "/do", body: "x" } : {};
      const written = wanted.op?.set && { key, value };
      const leaves = rng.chance(wanted.op ? 3 * leave : leave) ? rng.below(100) : undefined;
      const entry = await carryOut(ledger, { ...more, ...wanted, written, leaves, seed, place: rng.below(places), answer: answer() }, browser);
      // What may still come must not undo a later write.
      if (written && !(entry.marked || entry.gave)) [key, value] = [`k${(keys += 1)}`, 0];
      if (entry.lost && entry.leaves === undefined) await sleep(50);
      if (rng.chance(0.5)) await sleep(rng.below(40));
    }
  };

  // Out of band: ends sessions, writes into them, and says now and then again what it has said before.
  const administrator = async () => {
    const said = [];
    const written = new Map();
    while (!over) {
      await sleep(rng.below(150));
      const known = ledger.entries.filter((entry) => entry.seed === seed && entry.claims?.sid && entry.claims.data);
      const whose = rng.one(known)?.claims;
      const mark = said.length > 0 && rng.chance(0.3) ? rng.one(said) : undefined;
      if (!mark && !whose) continue;
      let order = mark;
      if (!order) {
        const named = { sid: whose.sid, ...(whose.sub ? { sub: whose.sub } : {}) };
        const kind = rng.next();
        const root = whose.data.root;
        if (kind < 0.65 && written.get(root) !== Infinity) {
          const value = (written.get(root) ?? 0) + 1;
          written.set(root, value);
          order = { op: { op: "update", ...named, set: { admin: value } }, root, written: { key: "admin", value } };
        } else if (kind < 0.9 || !whose.sub) order = { op: { op: kind < 0.8 ? "list" : "destroy", ...(kind < 0.8 && whose.sub ? { sub: whose.sub } : named) }, root };
        else order = { op: { op: "destroy_all", sub: whose.sub }, root };
        if (order.op.op === "list" && !whose.sub) continue;
        order.message = control(ledger.gate, undefined, order.op, Math.floor(ledger.date() / 1000));
        ledger.secrets.add(order.message);
      }
      const sent = { outOfBand: order.op, root: order.root, written: mark ? undefined : order.written, again: mark?.first, body: order.message };
      const entry = await carryOut(ledger, { ...sent, method: "POST", path: "/.edge-session/control", seed, place: rng.below(places), headers: [] });
      if (!mark && entry.status === 204) said.push({ ...order, first: entry });
      // Not twice on the way at once, and nothing later over what may still come.
      if (order.written && entry.status !== 204) written.set(order.root, Infinity);
    }
  };

  const tabs = [];
  for (const sub of subjects) {
    for (let i = 0; i < 1 + rng.below(2); i += 1) {
      const browser = new Browser(ledger);
      for (let tabsOpen = 1 + rng.below(3); tabsOpen > 0; tabsOpen -= 1) tabs.push(tab(browser, sub, false));
      if (thief && rng.chance(0.4)) tabs.push(sleep(100 + rng.below(300)).then(() => tab(new Browser(ledger, browser), sub, true)));
    }
  }
  const administered = administrator();
  await Promise.all(tabs);
  over = true;
  await administered;
}

// A value that the gate has not sealed: another's ID, a changed byte, a piece.
function forged(rng, cookie) {
  const bytes = Buffer.from(cookie ?? Buffer.alloc(120, rng.below(256)).toString("base64url"), "base64url");
  const kind = rng.below(3);
  if (kind === 0) return bytes.subarray(0, bytes.length - 1 - rng.below(40)).toString("base64url");
  bytes[rng.below(bytes.length)] ^= 1 << rng.below(8);
  return bytes.toString("base64url");
}

// Presents every ID that anybody was ever given once more, when all is quiet, in both isolates.
export async function lookBack(ledger) {
  ledger.quiet = ledger.now();
  const cookies = new Map(ledger.entries.filter((entry) => entry.gave).map((entry) => [entry.gave, entry.gaveCookie]));
  const all = [...cookies.values()];
  const seeds = new Map(ledger.entries.filter((entry) => entry.gave).map((entry) => [entry.gave, entry.seed]));
  for (let at = 0; at < all.length; at += 20) {
    const some = all.slice(at, at + 20);
    await Promise.all(
      some.map((cookie, i) => carryOut(ledger, { method: "POST", body: "", cookie, last: true, seed: seeds.get(idOf(cookie)), place: (at + i) % ledger.places.length })),
    );
  }
}
