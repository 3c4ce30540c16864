// The cases by name, and what each is compared with.

/**
 * On workerd: { name, label, worker, shape, floor } and, where they differ from an answered page for a user, `status` (then nothing may
 * reach the origin) and `identity`: "nobody" where the gate signs that, "none" where nothing is signed. `floor` is the case that makes the
 * same edits to the same request.
 */
export const WORKERD = [
  { name: "pass", label: "pass-through", worker: "pass", shape: "get", identity: "none" },
  { name: "header", label: "pass-through, one header", worker: "header", shape: "get", identity: "none" },
  { name: "floor", label: "same edits, no check", worker: "edits", shape: "get", identity: "none" },
  { name: "floor-post", label: "same edits, POST", worker: "edits", shape: "post", identity: "none" },
  { name: "floor-40-cookies", label: "same edits, 40 cookies", worker: "edits", shape: "forty", identity: "none" },
  { name: "floor-20-headers", label: "same edits, 20 headers", worker: "edits", shape: "twenty", identity: "none" },
  { name: "floor-4k-cookie", label: "same edits, 4 KB of cookies", worker: "edits", shape: "long", identity: "none" },
  { name: "floor-public", label: "same edits, public path", worker: "edits", shape: "public", identity: "none" },
  { name: "gate", label: "gate, GET from memory", worker: "gate", shape: "get", floor: "floor" },
  { name: "gate-40-cookies", label: "gate, 40 other cookies", worker: "gate", shape: "forty", floor: "floor-40-cookies" },
  { name: "gate-20-headers", label: "gate, 20 headers", worker: "gate", shape: "twenty", floor: "floor-20-headers" },
  { name: "gate-4k-cookie", label: "gate, 4 KB of cookies", worker: "gate", shape: "long", floor: "floor-4k-cookie" },
  { name: "gate-public", label: "gate, public path", worker: "gate", shape: "public", floor: "floor-public", identity: "nobody" },
  { name: "gate-forged", label: "gate, forged cookie", worker: "gate", shape: "forged", status: 401, floor: "floor" },
  { name: "gate-cross-site", label: "gate, cross-site POST", worker: "gate", shape: "attack", status: 403, floor: "floor-post" },
  { name: "object", label: "same edits and one object call", worker: "object", sessions: "gate", shape: "get", floor: "floor", identity: "none" },
  { name: "object-post", label: "same edits and one object call, POST", worker: "object", sessions: "gate", shape: "post", identity: "none" },
  { name: "gate-store", label: "gate, GET checked by the store", worker: "gate", shape: "checked", floor: "object" },
  { name: "gate-post", label: "gate, POST", worker: "gate", shape: "post", floor: "object-post" },
  { name: "js-subtle", label: "JavaScript, crypto.subtle", worker: "session_subtle", shape: "get", floor: "floor" },
  { name: "js-node", label: "JavaScript, node:crypto", worker: "session_node", shape: "get", floor: "floor" },
  { name: "js-subtle-store", label: "JavaScript, crypto.subtle, store", worker: "session_subtle", shape: "checked", floor: "object" },
  { name: "js-node-store", label: "JavaScript, node:crypto, store", worker: "session_node", shape: "checked", floor: "object" },
  {
    name: "hono", label: "Hono: csrf, signed cookie, KV, jwt", worker: "hono", shape: "get", floor: "floor",
    note: "its KV is a Worker in the same process that keeps values in memory, and its CPU counts as well; nothing is remembered between requests",
  },
];

/** Gateways of other kinds, each in processes of its own. */
export const PEERS = [
  { name: "express", label: "Express: express-session, Redis, proxy", note: "Node and Redis together" },
  { name: "apache", label: "Apache: mod_auth_openidc", note: "passes on the ID token that was signed at login, and signs nothing itself" },
];

/** What is measured otherwise than in requests of one kind. */
export const PARTS = ["bodies", "cold", "bytes"];
export const NAMES = [...[...WORKERD, ...PEERS].map(({ name }) => name), ...PARTS];
