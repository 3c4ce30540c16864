// What is measured: which requests go to which server, and what has to be true of the answers.
import { BASE, HOST, identity } from "./site.mjs";
import { requestBytes } from "./load.mjs";
import { WORKERD } from "./names.mjs";

const FORTY = Array.from({ length: 40 }, (_, i) => `preference_${i}=value-${i}`).join("; ");
const FOUR_KB = Array.from({ length: 8 }, (_, i) => `blob_${i}=${String.fromCharCode(97 + i).repeat(500)}`).join("; ");
const TWENTY = Array.from({ length: 20 - BASE.length - 2 }, (_, i) => [`X-Custom-Header-${i}`, `value number ${i}`]); // with Host and Cookie
const ATTACK = [...BASE.filter(([name]) => !name.startsWith("Sec-")), ["Origin", "https://evil.example"], ["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "no-cors"], ["Sec-Fetch-Dest", "empty"]];

// A cookie whose MAC, the last 32 bytes, is wrong, and nothing else.
const forged = (cookie) => `${cookie.slice(0, -20)}${cookie.at(-20) === "A" ? "B" : "A"}${cookie.slice(-19)}`;

// Shapes of requests, from a session's cookie.
const SHAPES = {
  get: (cookie) => ({ headers: [...BASE, ["Cookie", cookie]] }),
  checked: (cookie) => ({ path: "/checked/page", headers: [...BASE, ["Cookie", cookie]] }),
  post: (cookie) => ({ method: "POST", body: "a=1&b=2", headers: [...BASE, ["Content-Type", "application/x-www-form-urlencoded"], ["Cookie", cookie]] }),
  forged: (cookie) => ({ headers: [...BASE, ["Cookie", forged(cookie)]] }),
  attack: (cookie) => ({ method: "POST", body: "a=1", headers: [...ATTACK, ["Content-Type", "application/x-www-form-urlencoded"], ["Cookie", cookie]] }),
  public: (cookie) => ({ path: "/public/logo", headers: [...BASE, ["Cookie", cookie]] }),
  forty: (cookie) => ({ headers: [...BASE, ["Cookie", `${FORTY}; ${cookie}`]] }),
  twenty: (cookie) => ({ headers: [...BASE, ...TWENTY, ["Cookie", cookie]] }),
  long: (cookie) => ({ headers: [...BASE, ["Cookie", `${FOUR_KB}; ${cookie}`]] }),
};

/** The bytes of one request for each session. */
export const requestsOf = (shape, cookies) => cookies.map((cookie) => requestBytes({ path: "/page", host: HOST, ...SHAPES[shape](cookie) }));

/** Every case that runs on workerd can be made from what the process is. */
export function workerdCases(site, server) {
  return WORKERD.map(({ worker, shape, sessions = worker, ...one }) => {
    const cookies = server.sessions[sessions] ?? server.sessions.gate;
    const secret = worker === "hono" ? Buffer.from(site.keys.hono) : site.originKey;
    return {
      status: 200,
      identity: "user",
      ...one,
      server,
      worker,
      port: server.ports[worker],
      cookies,
      requests: requestsOf(shape, cookies),
      who: (head) => identity(head, secret),
    };
  });
}

/** A gateway of another kind: it is sent what the gate gets in its first case. */
export const peerCase = (peer, server) => ({
  ...peer,
  status: 200,
  identity: server.who ? "user" : "none",
  floor: "floor",
  server,
  port: server.port,
  requests: server.requests ?? requestsOf("get", server.cookies),
  who: server.who,
});
