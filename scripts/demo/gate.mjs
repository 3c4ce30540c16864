// Starts the built Worker on workerd. Miniflare's and wrangler's own front ends tidy requests (wrangler's even
// rewrites the site's host inside Origin, so that some attacks look like the site itself), therefore the site listens
// on direct sockets, where the Worker sees the bytes that the browser sent.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";

/**
 * `settings` is the parsed wrangler.toml, so that bindings, migrations and dates are those of a deployment.
 * Gives `{ stop }`.
 */
export async function startGate({ miniflare, root, settings, config, vars, port, hosts, state, onLog }) {
  const { Log, LogLevel, Miniflare } = miniflare;
  const classes = new Set([...(settings.migrations ?? []).flatMap(migration => migration.new_sqlite_classes ?? []), ...Object.keys(settings.exports ?? {})]);
  const objects = settings.durable_objects?.bindings ?? [];
  const text = name => [name, { type: "text", value: vars[name] }];

  const instance = keepingSignals(() => new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false, // would ask Cloudflare for the caller's place in the world
    telemetry: { enabled: false },
    log: new Log(LogLevel.NONE),
    resourcePersistencePath: state,
    handleStructuredLogs: ({ message }) => onLog(message),
    workers: [{
      config: {
        name: settings.name,
        compatibilityDate: settings.compatibility_date,
        compatibilityFlags: settings.compatibility_flags,
        manifest: modules(root, settings.main),
        env: {
          ...Object.fromEntries(Object.keys(vars).map(text)),
          EDGE_SESSION: { type: "json", value: config },
          ...Object.fromEntries(objects.map(({ name, class_name }) =>
            [name, { type: "durable-object", worker: settings.name, exportName: class_name }])),
          ...Object.fromEntries((settings.kv_namespaces ?? []).map(({ binding, id }) => [binding, { type: "kv", id: id ?? binding }])),
        },
        exports: Object.fromEntries([...classes].map(name => [name, { type: "durable-object", storage: "sqlite" }])),
      },
      dev: {
        rootPath: root,
        unsafeRegisterWorker: false,
        unsafeDirectSockets: hosts.map(host => ({ host, port })),
      },
    }],
  }));
  try {
    await instance.ready;
  } catch (error) {
    await instance.dispose();
    throw error;
  }
  return { stop: () => instance.dispose() };
}

/** Miniflare would end this process on a signal at once: before the application has heard of it, and before workerd has let go of its port. */
function keepingSignals(create) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const ours = new Map(signals.map(signal => [signal, process.listeners(signal)]));
  const created = create();
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) if (!ours.get(signal).includes(listener)) process.removeListener(signal, listener);
  }
  return created;
}

/** The entry as it stands in src/, what stands beside it, and what the build made: the same files that wrangler would bundle. */
function modules(root, main) {
  const files = [dirname(main), "build"]
    .flatMap(folder => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && [".js", ".wasm"].includes(extname(entry.name)))
    .map(entry => relative(root, join(entry.parentPath, entry.name)));
  return {
    mainModule: main,
    modulesRoot: root,
    modules: Object.fromEntries([...new Set([main, ...files])].map(name => {
      const bytes = readFileSync(join(root, name));
      return [name, extname(name) === ".wasm" ? { type: "wasm", contents: bytes } : { type: "esm", contents: bytes.toString() }];
    })),
  };
}
