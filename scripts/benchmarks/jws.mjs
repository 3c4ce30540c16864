// Compact JWS with HS256: what the origin signs to log someone in, and what it verifies of an identity that came along.
import { createHmac } from "node:crypto";
import { jwtVerify } from "jose";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs a payload; `key` is bytes. */
export function sign(header, payload, key) {
  const input = `${encode({ alg: "HS256", ...header })}.${encode(payload)}`;
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
}

/** The claims of a token that verifies; throws for any other. */
export async function verify(token, key, options = {}) {
  const { payload } = await jwtVerify(token ?? "", key, { algorithms: ["HS256"], clockTolerance: 60, ...options });
  return payload;
}
