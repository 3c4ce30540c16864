// Bundles a Worker under test once a process, from what scripts/build left in build/.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
const made = new Map();

// Resolves to { folder, modules } in the form that Miniflare takes. `entry` is a file beside this one.
export function bundle(entry = "worker.js") {
  if (!made.has(entry)) made.set(entry, make(entry));
  return made.get(entry);
}

async function make(entry) {
  const wasm = join(root, "build/index_bg.wasm");
  if (!existsSync(wasm)) throw new Error("build/ is empty: run scripts/build first");
  const folder = mkdtempSync(join(tmpdir(), "edge-session-bundle-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    external: ["cloudflare:*", "*.wasm"],
    logLevel: "error",
  });
  copyFileSync(wasm, join(folder, "index_bg.wasm"));
  return {
    folder,
    modules: [
      { type: "ESModule", path: join(folder, "worker.js") },
      { type: "CompiledWasm", path: join(folder, "index_bg.wasm") },
    ],
  };
}
