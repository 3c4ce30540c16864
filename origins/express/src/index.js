// Sessions of an Express application behind edge-session.
//
//   const sessions = edgeSession({ issuer, audience, keys, subject: (session) => session.passport?.user });
//   app.use(sessions);
import { Refused } from "./assertion.js";
import { Exchange, subjectText } from "./exchange.js";
import { makeGate } from "./gate.js";
import { parseKeys } from "./keys.js";
import { hook } from "./response.js";
import { makeStandalone } from "./standalone.js";

export { SessionDataError } from "./control.js";
export { GateError } from "./gate.js";
export { Cookie, Session } from "./session.js";

const OPTIONS = ["issuer", "audience", "keys", "subject", "directPaths", "siteFromIssuer", "dataLimit", "controlUrl", "standalone", "log"];
const begun = new WeakMap(); // request -> Exchange

export function edgeSession(given = {}) {
  const options = read(given);
  const gate = options.standalone ? makeStandalone(options) : makeGate(options);
  const site = { ...options, deliver: gate.deliver, outOfBand: gate.outOfBand };
  const tell = quietly(options.log);
  const direct = new Set(options.directPaths);

  const shown = new WeakMap(); // request -> what it said of itself, hidden since
  function identify(request) {
    if (!shown.has(request)) shown.set(request, { headers: { ...request.headers } });
    hide(request);
    return gate.identify(shown.get(request));
  }

  function middleware(req, res, next) {
    if (begun.has(req)) return next();
    if (direct.has((req.originalUrl ?? req.url).split("?", 1)[0])) {
      hide(req);
      begin(site, req, res, undefined, next);
      return next();
    }
    identify(req).then(
      (claims) => {
        try {
          begin(site, req, res, claims, next);
        } catch (error) {
          return next(error); // the application's `subject` has thrown
        }
        return next();
      },
      (error) => {
        if (!(error instanceof Refused)) return next(error);
        tell(error.message);
        refuse(req, res, shown.get(req).headers["edge-session-assertion"] ? "The gate's assertion does not verify here; this application's log says why" : `Only requests through ${options.issuer} are answered`);
      },
    );
  }

  // Who sent a request that Express does not see, a WebSocket handshake for one. Undefined: not through the gate, so refuse it.
  middleware.authenticate = async (request) => {
    try {
      return authOf(await identify(request));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      tell(error.message);
      return undefined;
    }
  };
  // For jobs: an account that was disabled, a password that was reset.
  middleware.endSessions = async (subject) => {
    await gate.outOfBand({ op: "destroy_all", sub: named(subject) });
  };
  // For a page of a user's devices. Whether there was such a session of this user.
  middleware.endSession = async (subject, sid) => {
    if (typeof sid !== "string" || sid === "") throw new TypeError("edgeSession: `sid` is the text that listSessions gives");
    return (await gate.outOfBand({ op: "destroy", sub: named(subject), sid })) !== undefined;
  };
  middleware.listSessions = async (subject) => {
    const { sessions } = JSON.parse(await gate.outOfBand({ op: "list", sub: named(subject) }));
    return sessions.map(({ sid, ...times }) => ({ sid, ...dates(times) }));
  };
  return middleware;
}

// A job that means nobody has a mistake in it, and would be told that all is done.
function named(subject) {
  const text = subjectText(subject);
  if (text === undefined) throw new TypeError("edgeSession: the subject is a text of 1 to 255 characters without control characters, or an integer");
  return text;
}

function read(given) {
  const unknown = Object.keys(given).filter((name) => !OPTIONS.includes(name));
  if (unknown.length > 0) throw new TypeError(`edgeSession: unknown option ${unknown.join(", ")}`);
  const { standalone = false, directPaths = [], subject, dataLimit = 2048, log = console.warn, controlUrl } = given;
  if (subject !== undefined && typeof subject !== "function") throw new TypeError("edgeSession: `subject` is a function of the session");
  if (!Array.isArray(directPaths) || directPaths.some((path) => typeof path !== "string" || !path.startsWith("/"))) throw new TypeError("edgeSession: `directPaths` is a list of exact paths");
  if (!Number.isInteger(dataLimit) || dataLimit < 1 || dataLimit > 4096) throw new TypeError("edgeSession: `dataLimit` is the gate's `limits.data`, 1 to 4096 bytes");
  if (controlUrl !== undefined && !URL.canParse(controlUrl)) throw new TypeError("edgeSession: `controlUrl` is a whole address, as http://gate.internal/.edge-session/control");
  const rest = { directPaths, subject, dataLimit, log, controlUrl };
  if (standalone) {
    if (process.env.NODE_ENV === "production") throw new Error("edgeSession: standalone mode trusts everyone and is refused with NODE_ENV=production");
    return { ...rest, standalone, issuer: given.issuer ?? "http://localhost", audience: given.audience ?? "origin", siteFromIssuer: given.siteFromIssuer ?? false };
  }
  const { issuer, audience, siteFromIssuer = true } = given;
  if (typeof issuer !== "string" || !URL.canParse(issuer) || new URL(issuer).origin !== issuer) {
    throw new TypeError("edgeSession: `issuer` is the site's public origin, as https://app.example.com, without a slash at the end");
  }
  if (typeof audience !== "string" || audience === "" || audience === issuer) throw new TypeError("edgeSession: `audience` is not set; it is the gate's `audience`, and not the issuer");
  return { ...rest, issuer, audience, siteFromIssuer, keys: parseKeys(given.keys, issuer), standalone };
}

function begin(site, req, res, claims, next) {
  const isDirect = claims === undefined;
  const exchange = new Exchange(isDirect ? { ...site, deliver: refuseDirect } : site, req, claims ?? { jti: undefined, iat: Date.now() / 1000 });
  begun.set(req, exchange);
  const auth = isDirect ? {} : authOf(claims);
  const own = (name, read, set) => {
    const get = () => {
      exchange.looked = !isDirect;
      return read();
    };
    Object.defineProperty(req, name, { get, set, configurable: true, enumerable: true });
  };
  own("session", () => exchange.session, (session) => exchange.replace(session));
  own("sessionID", () => exchange.sid);
  own("auth", () => auth, (value) => Object.defineProperty(req, "auth", { value, writable: true, configurable: true, enumerable: true }));
  if (!isDirect && site.siteFromIssuer) setSite(req, new URL(site.issuer));
  hook(res, exchange, next);
}

function refuseDirect() {
  throw new Error("edgeSession: this path is one of `directPaths` and has no session to write to");
}

const dates = (times) => Object.fromEntries(Object.entries(times).map(([name, seconds]) => [name, new Date(seconds * 1000)]));

function authOf({ sub, sid, amr, auth_time: authTime, session }) {
  const times = { ...session, ...(authTime !== undefined && { authTime }) };
  return Object.freeze({ ...(sub !== undefined && { sub }), ...(sid !== undefined && { sid }), ...(amr && { amr }), ...dates(times) });
}

// An assertion is as good as a password: nothing that logs headers sees it.
function hide(req) {
  delete req.headers["edge-session-assertion"];
  const raw = req.rawHeaders ?? [];
  for (let i = 0; i < raw.length; i += 2) if (raw[i].toLowerCase() === "edge-session-assertion") raw[i + 1] = "";
}

// Scheme and host as the user's browser has them, whatever "trust proxy" says.
function setSite(req, { protocol, host, hostname }) {
  req.headers.host = host;
  const isExpress4 = typeof req.param === "function"; // removed in Express 5, where req.host has the port
  const values = { protocol: protocol.slice(0, -1), secure: protocol === "https:", hostname, host: isExpress4 ? hostname : host };
  for (const [name, value] of Object.entries(values)) Object.defineProperty(req, name, { value, configurable: true, enumerable: true });
}

function refuse(req, res, title) {
  // In a handshake the response may be no more than an object that somebody has made up.
  if (typeof res.writeHead !== "function") return void req.socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", () => req.socket.destroy());
  const body = { type: "about:blank", title, status: 403, code: "not_through_the_gate" };
  res.writeHead(403, { "Content-Type": "application/problem+json", "Cache-Control": "no-store" });
  res.end(JSON.stringify(body));
}

// Says why requests are refused, each reason once a minute.
function quietly(log) {
  const last = new Map();
  return (reason) => {
    const now = Date.now();
    if (now - (last.get(reason) ?? -Infinity) < 60_000) return;
    if (last.size > 100) last.clear();
    last.set(reason, now);
    log?.(`edgeSession: refused a request without a valid Edge-Session-Assertion: ${reason}`);
  };
}
