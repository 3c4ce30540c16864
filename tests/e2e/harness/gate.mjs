// Starts the built Worker on workerd, with its Durable Objects, an origin behind it, and a test's hand on clock, faults and traps.
//
//   const gate = await startGate({ config: { paths: [{ path: "/pub/*", access: "public" }] } });
//   gate.origin.handler = (request, response) => response.end("hello");
//   const answer = await get(gate, "/pub/x");          // raw.mjs
//   await gate.stop();
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { freePort } from "../../../scripts/ports.mjs";
import { bundle } from "./bundle.mjs";
import { startOrigin } from "./origin.mjs";
import { send } from "./raw.mjs";

export { freePort };

const SCRIPT = "gate";
const CLASS = "SessionObject";
// What a Worker on a route sends out comes to the server that stands behind it.
const NETWORK = { name: "network", compatibilityDate: "2026-10-01", modules: true, script: "export default { fetch: (request, env) => env.BEHIND.fetch(request) };" };

// One entry of a key list, as an operator would make it.
export function makeKey(id) {
  const bytes = randomBytes(32);
  return { id, bytes, entry: `${id}:${bytes.toString("base64url")}` };
}

// Options, all of them optional:
//   config    members of EDGE_SESSION, put over { issuer, audience, origin, store_deadline }; null instead of an object: no EDGE_SESSION
//             at all; text: EDGE_SESSION as text
//   secrets   put over the three made here; a member that is null is left out
//   origin    what startOrigin (origin.mjs) gave, not stopped by gate.stop; default: one of its own, at gate.origin
//   binding   true: the origin is reached through the service binding ORIGIN and not by URL;
//             a function (request) => Response: it is the origin, in this process
//   route     true: the Worker stands on a route of https://app.example.com, in front of the origin of that name. Only then requests go
//             through Miniflare's front end, which is told the URL
//   port      the gate's port; default: a free one
//   bindings  more bindings of the Worker, as Miniflare takes them
//   entry     the Worker's entry, a file beside this one; default: worker.js
//   kv        true: a KV namespace is bound as SESSIONS_KV
//   twin      true: a second isolate of the same Worker with the same store, reached at gate.twin as the gate is at gate
//   storage   a folder that keeps the objects, for a gate that is stopped and started again; default: a new one
export async function startGate(options = {}) {
  const port = options.port ?? (await freePort());
  const issuer = options.route ? "https://app.example.com" : `http://localhost:${port}`;
  const ownOrigin = options.origin === undefined && typeof options.binding !== "function";
  const origin = ownOrigin ? await startOrigin() : options.origin;
  const keyId = (name) => (options.route ? name : `dev-${name}`);
  const cookieKey = makeKey(keyId("cookie1"));
  const originKey = makeKey(keyId("origin1"));
  const locatorKey = randomBytes(32).toString("base64url");
  const backDoorPort = await freePort();
  const twin = options.twin ? { port: await freePort(), backDoorPort: await freePort() } : undefined;
  const storage = options.storage ?? mkdtempSync(join(tmpdir(), "edge-session-objects-"));
  const { folder, modules } = await bundle(options.entry);

  const gate = {
    port,
    issuer,
    audience: "https://origin.test",
    url: `http://127.0.0.1:${port}`,
    host: new URL(issuer).host,
    route: options.route,
    origin,
    originKey,
    cookieKey,
    twin: twin && { port: twin.port, host: new URL(issuer).host },
    logs: [], // every console line of the Worker: { level, message, timestamp }
    config: options.config,
    secrets: options.secrets ?? {},
  };

  const miniflareOptions = () => {
    const bindings = { ...options.bindings };
    if (gate.config !== null) {
      // The store answers in time on a machine that is busy with other things, too; a test of the deadline names its own.
      const upstream = options.route ? "route" : options.binding ? "binding:ORIGIN" : origin.url;
      const own = { issuer, audience: gate.audience, origin: upstream, store_deadline: "20s" };
      bindings.EDGE_SESSION = typeof gate.config === "string" ? gate.config : { ...own, ...gate.config };
    }
    const secrets = {
      EDGE_SESSION_KEYS: cookieKey.entry,
      EDGE_SESSION_ORIGIN_KEYS: originKey.entry,
      EDGE_SESSION_LOCATOR_KEY: locatorKey,
      ...gate.secrets,
    };
    for (const [name, value] of Object.entries(secrets)) if (value !== null) bindings[name] = value;
    const behind = { external: { address: origin?.host, http: {} } };
    const serviceBindings = {};
    if (typeof options.binding === "function") serviceBindings.ORIGIN = options.binding;
    else if (options.binding) serviceBindings.ORIGIN = behind;
    // Straight to the Worker: Miniflare's own front end would tidy the requests.
    const worker = (name, objects, sockets) => ({
      name,
      compatibilityDate: "2026-10-01",
      modulesRoot: folder,
      modules,
      bindings,
      serviceBindings,
      ...(options.route ? { outboundService: "network" } : {}),
      ...(options.kv ? { kvNamespaces: { SESSIONS_KV: "sessions" } } : {}),
      durableObjects: { SESSIONS: { className: CLASS, ...objects } },
      unsafeDirectSockets: sockets,
    });
    const direct = (port, entrypoint) => ({ host: "127.0.0.1", port, ...(entrypoint ? { entrypoint } : {}) });
    const all = convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: options.route ? port : 0,
      cf: false,
      telemetry: { enabled: false },
      unsafeInspectDurableObjects: true,
      handleStructuredLogs: (line) => gate.logs.push(line),
      workers: [
        worker(SCRIPT, { useSQLite: true }, [...(options.route ? [] : [direct(port)]), direct(backDoorPort, "BackDoor")]),
        ...(twin ? [worker("twin", { scriptName: SCRIPT }, [direct(twin.port), direct(twin.backDoorPort, "BackDoor")])] : []),
        ...(options.route ? [{ ...NETWORK, serviceBindings: { BEHIND: behind } }] : []),
      ],
    });
    return { ...all, resourcePersistencePath: storage };
  };
  const miniflare = new Miniflare(miniflareOptions());
  await miniflare.ready;
  gate.miniflare = miniflare;

  const orderAt = async (port, body) => {
    // On a connection of its own: one that was kept may be closed by workerd just when it is used again.
    const answer = await send({ port, host: "back-door" }, "POST", "/", [], JSON.stringify(body));
    if (answer.status !== 200) throw new Error(`the back door answered ${answer.status}: ${answer.text}`);
    return answer.json();
  };
  const order = (body) => orderAt(backDoorPort, body);
  if (twin) gate.twin.order = (body) => orderAt(twin.backDoorPort, body);
  gate.order = order; // for what only one entry knows

  // --- clock ---
  let shifted = 0;
  let still = null;
  gate.now = async () => (await order({})).now;
  // Until it is started again only `advance` moves the clock of gate and objects: for windows that a slow machine could leave between two requests.
  const setClock = async () => {
    await order({ shift: shifted, still });
    await gate.twin?.order({ shift: shifted, still });
  };
  gate.stopClock = () => {
    still = Date.now();
    return setClock();
  };
  gate.startClock = () => {
    still = null;
    return setClock();
  };
  // Sets gate and objects this many milliseconds further ahead (or back).
  gate.advance = (ms) => {
    shifted += ms;
    return setClock();
  };

  // --- store ---
  // The names of the objects that were called, once for each call, since the start or the last forgetCalls.
  gate.storeCalls = async () => (await order({})).calls;
  gate.forgetCalls = async () => (await order({ forget: true })).calls;
  // How many requests the gate has begun to handle since its start.
  gate.begun = async () => (await order({})).begun;
  // For the next `times` calls of an object, after `skip` that go well: "throw", "overloaded", "hang", "null", "garbage" {reply}, "slow" {ms},
  // "late" {ms} (done, answered late), "lost" {ms} (done, the reply lost, at once or later), "undeleted" (the object cannot delete
  // everything), "reset" (the object is thrown out of memory).
  // {held: true} in the place of {ms}: until gate.release, or clearFaults.
  gate.fault = (kind, { times = 1, ...more } = {}) => order({ fault: { kind, times, ...more } });
  gate.release = () => order({ release: true });
  // The platform refuses this many questions at once: calling the object throws.
  gate.refuse = (times = 1) => order({ refuse: times });
  gate.clearFaults = () => order({ clear: true });

  // --- traps ---
  // The Wasm instance dies during the next request in place "gate" or "object": "trap", "panic" or "throw" (worker.js says how they differ).
  gate.trap = (kind = "trap", { place = "gate", times = 1 } = {}) => order({ trap: { kind, place, times } });
  // The death by "throw" of whoever looks at the clock next, be it amid a request.
  gate.breakClock = () => order({ breakClock: true });

  // --- objects ---
  gate.objects = {
    names: async () => [...new Set(await gate.storeCalls())],
    ids: () => miniflare.listDurableObjectIds(CLASS, SCRIPT),
    // Rows of an SQL statement run in the storage of the object of this name.
    sql: async (name, statement, ...values) => {
      const handle = await miniflare.unsafeGetDurableObjectStorage(SCRIPT, CLASS, { name });
      return handle.exec(statement, ...values);
    },
    // Throws the object out of memory; its storage stays.
    evict: (name) => miniflare.unsafeEvictDurableObject(SCRIPT, CLASS, { name }),
    // Runs its alarm now, by the shifted clock.
    alarm: (name) => order({ alarm: name }),
    folder: storage,
  };

  // --- logs ---
  // The events of the Worker's log, in order; those of one name only, or all.
  gate.events = (name) => {
    const events = [];
    for (const { message } of gate.logs) {
      try {
        const event = JSON.parse(message);
        if (event?.event !== undefined && (name === undefined || event.event === name)) events.push(event);
      } catch {
        // a line that is no event
      }
    }
    return events;
  };

  // Waits until all that the Worker has logged so far is there: lines come in order, a little later than answers.
  gate.logsArrived = async () => {
    const mark = randomUUID();
    await order({ say: mark });
    const isMark = ({ message }) => message === mark;
    while (!gate.logs.some(isMark)) await new Promise((resolve) => setTimeout(resolve, 5));
    gate.logs.splice(gate.logs.findIndex(isMark), 1);
  };
  gate.forgetLogs = async () => {
    await gate.logsArrived();
    gate.logs.length = 0;
  };

  // Deploys the same Worker with another configuration, or other secrets: isolates start anew, the objects keep what they stored.
  gate.setConfig = async (config, secrets = gate.secrets) => {
    gate.config = config;
    gate.secrets = secrets;
    await miniflare.setOptions(miniflareOptions());
    if (shifted !== 0 || still !== null) await setClock();
  };

  gate.stop = async () => {
    await miniflare.dispose();
    if (ownOrigin) await origin.stop();
    if (options.storage === undefined) rmSync(storage, { recursive: true, force: true, maxRetries: 10 });
  };
  return gate;
}
