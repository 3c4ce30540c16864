// One workerd process that runs several Workers, each on a socket of its own, straight from a configuration file: no Miniflare, no wrangler,
// nothing between the socket and the Worker that a deployment has not.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { freePort } from "../ports.mjs";
import { once, requestBytes } from "./load.mjs";
import { ready, start } from "./machine.mjs";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const here = (name) => fileURLToPath(new URL(`./workers/${name}`, import.meta.url));
const WASM = join(root, "build/index_bg.wasm");
const COMPATIBILITY_DATE = "2026-10-01";

/** A Worker's entry as `wrangler deploy` would send it: one minified file, with its Wasm beside it. */
export async function bundle(entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    external: ["cloudflare:*", "node:*", "*.wasm"],
    logLevel: "error",
  });
}

export const gateEntry = join(root, "src/shell/entry.js");

/**
 * Starts the Workers `{ name, entry?, node?, bindings: [{ name, text | json | objects | kv }], objects?: { className }, listens? }`.
 * `objects` of a binding is { className, worker? }. Their outgoing requests all go to the origin. Gives { pids, ports,
 * elapsed, stop }: `elapsed` is how many milliseconds passed until the first of them had answered `request`.
 */
export async function startWorkerd({ core, folder, storage, origin, workers, request = requestBytes({ host: "ready", method: "OPTIONS" }) }) {
  if (!existsSync(WASM)) throw new Error("build/ is empty: run scripts/build first");
  mkdirSync(folder, { recursive: true });
  mkdirSync(storage, { recursive: true });
  copyFileSync(WASM, join(folder, "index_bg.wasm"));
  const ports = {};
  for (const worker of workers) {
    await bundle(worker.entry ?? here(`${worker.name}.js`), join(folder, `${worker.name}.mjs`));
    if (worker.listens !== false) ports[worker.name] = await freePort();
  }
  const file = join(folder, "workerd.capnp");
  writeFileSync(file, configuration({ workers, ports, storage, origin }));
  const begin = performance.now();
  const server = start(core, join(root, "node_modules/.bin/workerd"), ["serve", file]);
  const [first] = Object.values(ports);
  try {
    await ready(server, () => once(first, request));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { ...server, pids: [server.pid], ports, elapsed: performance.now() - begin };
}

/** A string of Cap'n Proto's text format, which is C's. */
const text = (value) => JSON.stringify(value);

function binding(worker, { name, ...value }) {
  if ("text" in value) return `(name = ${text(name)}, text = ${text(value.text)})`;
  if ("json" in value) return `(name = ${text(name)}, json = ${text(JSON.stringify(value.json))})`;
  if ("kv" in value) return `(name = ${text(name)}, kvNamespace = ${text(value.kv)})`;
  const { className, worker: other } = value.objects;
  const designator = other ? `(className = ${text(className)}, serviceName = ${text(other)})` : text(className);
  return `(name = ${text(name)}, durableObjectNamespace = ${designator})`;
}

function service(worker) {
  const modules = [`(name = ${text(`${worker.name}.mjs`)}, esModule = embed ${text(`${worker.name}.mjs`)})`];
  if (worker.entry === gateEntry) modules.push(`(name = "index_bg.wasm", wasm = embed "index_bg.wasm")`);
  // The key makes an object's identity, so that it is the same one whichever process asks.
  const objects = (worker.classes ?? []).map((name) => `(className = ${text(name)}, uniqueKey = ${text(`${worker.storedAs ?? worker.name}-${name}`)}, enableSql = true)`);
  return `  (name = ${text(worker.name)}, worker = (
    modules = [${modules.join(", ")}],
    compatibilityDate = "${COMPATIBILITY_DATE}",${worker.node ? `\n    compatibilityFlags = ["nodejs_compat"],` : ""}
    bindings = [${worker.bindings.map((one) => binding(worker, one)).join(",\n      ")}],${
      objects.length > 0 ? `\n    durableObjectNamespaces = [${objects.join(", ")}],\n    durableObjectStorage = (localDisk = "storage"),` : ""
    }
    globalOutbound = "origin"
  ))`;
}

function configuration({ workers, ports, storage, origin }) {
  const sockets = Object.entries(ports).map(([name, port]) => `  (name = ${text(name)}, address = "127.0.0.1:${port}", http = (), service = ${text(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
services = [
${workers.map(service).join(",\n")},
  (name = "storage", disk = (path = ${text(storage)}, writable = true)),
  (name = "origin", external = (address = "127.0.0.1:${origin.port}", http = ()))
],
sockets = [
${sockets.join(",\n")}
]);
`;
}
