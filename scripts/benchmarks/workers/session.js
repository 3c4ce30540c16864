// The gate's work in plain JavaScript: refuse cross-site requests, verify the signed cookie, ask a Durable Object or a memory of at most ten
// seconds, slide the session, sign who is asking, edit headers. `crypto` is { sign, verify, hash }; each may return a promise.
import { DurableObject } from "cloudflare:workers";
import { edited, forward } from "./forwarding.js";

const IDLE = 30 * 60_000;
const ABSOLUTE = 12 * 3_600_000;
const TOUCH = 60_000;
const FRESH = 10_000;
const ENTRIES = 2000;
const COOKIE = /(?:^|; )__Host-session=([\w-]{22})\.([\w-]{43})\.([\w-]{43})(?:;|$)/;
const SPOOFABLE = /^(?:edge[-_]session|x[-_]forwarded|forwarded$|x[-_]real[-_]ip$)/;
const HEADER = base64url(JSON.stringify({ alg: "HS256", typ: "edge-session-assertion+jwt", kid: "o1" }));

const memory = new Map();

export const worker = (crypto) => ({
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const headers = request.headers;
    if (headers.get("host") !== env.HOST) return refusal(421, "wrong_host");
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (isCrossSite(headers, env, isRead)) return refusal(403, "cross_site");
    if (url.pathname === "/login" && request.method === "POST") return login(crypto, await request.text(), env);

    const match = COOKIE.exec(headers.get("cookie") ?? "");
    if (match === null) return refusal(401, "session_required");
    const [, locator, secret, mac] = match;
    if (!(await crypto.verify(env.COOKIE_KEY, `${locator}.${secret}`, mac))) return refusal(401, "session_required");

    const now = Date.now();
    const id = await crypto.hash(secret);
    const fresh = isRead && !url.pathname.startsWith("/checked/") ? FRESH : 0;
    let known = memory.get(id);
    const object = () => env.SESSIONS.getByName(locator);
    if (known !== undefined && now - known.asked < fresh && now < known.view.idle) {
      if (now >= known.view.touch) {
        known.view.touch = now + 4000;
        ctx.waitUntil(object().validate(id).then((view) => remember(id, now, view)));
      }
    } else {
      known = remember(id, now, await object().validate(id));
    }
    if (known.view === null || now >= known.view.idle) return refusal(401, "session_required");

    const remove = [...headers.keys()].filter((name) => SPOOFABLE.test(name));
    const assertion = await state(crypto, env, known.view, now);
    return edited(await forward(request, env, url, { assertion, sid: known.view.sid, remove }));
  },
});

function isCrossSite(headers, env, isRead) {
  const site = headers.get("sec-fetch-site");
  if (isRead) return site === "cross-site" && headers.get("sec-fetch-mode") !== "navigate";
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  return origin !== null && origin !== env.ISSUER;
}

function remember(id, asked, view) {
  const known = { asked, view };
  memory.delete(id);
  memory.set(id, known);
  if (memory.size > ENTRIES) memory.delete(memory.keys().next().value);
  return known;
}

async function state(crypto, env, view, now) {
  const iat = Math.floor(now / 1000);
  const claims = {
    iss: env.ISSUER,
    aud: "origin",
    iat,
    exp: iat + 60,
    jti: base64url(globalThis.crypto.getRandomValues(new Uint8Array(16))),
    sub: view.sub,
    sid: view.sid,
    auth_time: Math.floor(view.created / 1000),
    session: {
      created: Math.floor(view.created / 1000),
      idle: Math.floor(view.idle / 1000),
      absolute: Math.floor(view.absolute / 1000),
      checked: Math.floor(view.checked / 1000),
    },
    data: view.data,
  };
  const text = `${HEADER}.${base64url(JSON.stringify(claims))}`;
  return `${text}.${await crypto.sign(env.ORIGIN_KEY, text)}`;
}

async function login(crypto, sub, env) {
  const random = (length) => base64url(globalThis.crypto.getRandomValues(new Uint8Array(length)));
  const [locator, secret] = [random(16), random(32)];
  await env.SESSIONS.getByName(locator).create(await crypto.hash(secret), sub, random(16));
  const mac = await crypto.sign(env.COOKIE_KEY, `${locator}.${secret}`);
  const cookie = `__Host-session=${locator}.${secret}.${mac}; Path=/; Secure; HttpOnly; SameSite=Lax`;
  return new Response(null, { status: 204, headers: { "set-cookie": cookie } });
}

function refusal(status, code) {
  const body = JSON.stringify({ type: "about:blank", status, code });
  return new Response(body, { status, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } });
}

function base64url(bytes) {
  const binary = typeof bytes === "string" ? bytes : String.fromCharCode(...bytes);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export class Sessions extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS session (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID");
  }

  create(id, sub, sid) {
    const now = Date.now();
    this.#write(id, { sub, sid, data: {}, created: now, idle: now + IDLE, absolute: now + ABSOLUTE, touch: now + TOUCH });
  }

  /** The live session of this ID, or null. Activity is written down once a minute. */
  validate(id) {
    const row = this.ctx.storage.sql.exec("SELECT body FROM session WHERE id = ?", id).toArray()[0];
    if (row === undefined) return null;
    const session = JSON.parse(row.body);
    const now = Date.now();
    if (now >= session.idle || now >= session.absolute) return null;
    if (now >= session.touch) {
      session.idle = Math.min(now + IDLE, session.absolute);
      session.touch = now + TOUCH;
      this.#write(id, session);
    }
    return { ...session, checked: now };
  }

  #write(id, session) {
    this.ctx.storage.sql.exec("INSERT OR REPLACE INTO session (id, body) VALUES (?, ?)", id, JSON.stringify(session));
  }
}
