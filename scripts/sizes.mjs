// Prints the size of what is deployed.
import { bytes } from "./benchmarks/bytes.mjs";

const kb = (count) => `${(count / 1000).toFixed(1).padStart(6)} kB`;
const { wasm, glue } = await bytes();
for (const [name, { raw, gzip, brotli }] of [["Wasm", wasm], ["glue", glue]]) {
  console.log(`${name}  ${kb(raw)} raw  ${kb(gzip)} gzip  ${kb(brotli)} brotli`);
}
