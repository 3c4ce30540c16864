// The size of what is deployed: the Wasm, and all the JavaScript beside it, minified as wrangler does.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = new URL("../../", import.meta.url);

const sizes = (bytes) => ({ raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes).length });

/** { wasm, glue }, each of them { raw, gzip, brotli } in bytes. */
export async function bytes() {
  const bundle = await build({ entryPoints: [fileURLToPath(new URL("src/shell/entry.js", root))], bundle: true, minify: true, format: "esm", write: false, external: ["cloudflare:*", "*.wasm"] });
  return { wasm: sizes(readFileSync(new URL("build/index_bg.wasm", root))), glue: sizes(bundle.outputFiles[0].contents) };
}
