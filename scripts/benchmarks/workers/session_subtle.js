// The gate's work with the Web's own cryptography.
import { Sessions, worker } from "./session.js";

const HMAC = { name: "HMAC", hash: "SHA-256" };
const encoder = new TextEncoder();
const keys = new Map();

async function key(text) {
  if (!keys.has(text)) keys.set(text, await crypto.subtle.importKey("raw", decode(text), HMAC, false, ["sign", "verify"]));
  return keys.get(text);
}

const encode = (buffer) => new Uint8Array(buffer).toBase64({ alphabet: "base64url", omitPadding: true });
const decode = (text) => Uint8Array.fromBase64(text, { alphabet: "base64url" });

export { Sessions };
export default worker({
  sign: async (k, text) => encode(await crypto.subtle.sign("HMAC", await key(k), encoder.encode(text))),
  verify: async (k, text, mac) => crypto.subtle.verify("HMAC", await key(k), decode(mac), encoder.encode(text)),
  hash: async (text) => encode(await crypto.subtle.digest("SHA-256", encoder.encode(text))),
});
