// Prints the size of what is deployed: the Wasm, and all the JavaScript beside it, minified as wrangler does.
import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const bundle = await build({
  entryPoints: ["src/shell/entry.js"],
  bundle: true,
  minify: true,
  format: "esm",
  write: false,
  external: ["cloudflare:*", "*.wasm"],
});
const kb = (bytes) => `${(bytes / 1000).toFixed(1).padStart(6)} kB`;
for (const [name, bytes] of [
  ["Wasm", readFileSync("build/index_bg.wasm")],
  ["glue", bundle.outputFiles[0].contents],
]) {
  const gzip = gzipSync(bytes, { level: 9 }).length;
  console.log(`${name}  ${kb(bytes.length)} raw  ${kb(gzip)} gzip  ${kb(brotliCompressSync(bytes).length)} brotli`);
}
