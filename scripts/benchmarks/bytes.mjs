// The size of what is deployed: the Wasm, and all the JavaScript beside it, minified as wrangler does.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { gateEntry, root } from "./workerd.mjs";

const sizes = (bytes) => ({ raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length });

export async function bytes() {
  const bundle = await build({ entryPoints: [gateEntry], bundle: true, minify: true, format: "esm", write: false, external: ["cloudflare:*", "*.wasm"] });
  return { wasm: sizes(readFileSync(join(root, "build/index_bg.wasm"))), glue: sizes(bundle.outputFiles[0].contents) };
}
