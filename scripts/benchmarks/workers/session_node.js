// The gate's work with Node's cryptography, which answers at once.
import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { Sessions, worker } from "./session.js";

const keys = new Map();

function key(text) {
  if (!keys.has(text)) keys.set(text, createSecretKey(Buffer.from(text, "base64url")));
  return keys.get(text);
}

const hmac = (k, text) => createHmac("sha256", key(k)).update(text);

export { Sessions };
export default worker({
  sign: (k, text) => hmac(k, text).digest("base64url"),
  verify(k, text, mac) {
    const given = Buffer.from(mac, "base64url");
    return given.length === 32 && timingSafeEqual(hmac(k, text).digest(), given);
  },
  hash: (text) => createHash("sha256").update(text).digest("base64url"),
});
