// Compact JWS with HS256: what an origin sends, good or deliberately broken, and what the gate sends, checked by another library.
import { createHmac, randomUUID } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

// Signs any header and payload: objects, or text that is taken as it is.
export function sign(header, payload, key) {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
}

const seconds = () => Math.floor(Date.now() / 1000);

export const controlHeader = (gate) => ({ alg: "HS256", typ: "edge-session-control+jwt", kid: gate.originKey.id });

// The claims of a control for the request that `recorded` is (origin.mjs), or with a jti of its own for the endpoint (`recorded` undefined).
// A gate whose clock was moved needs `now` (seconds).
export function controlClaims(gate, recorded, operation, now) {
  const iat = now ?? recorded?.claims?.iat ?? seconds();
  const claims = { iss: gate.audience, aud: gate.issuer, iat, exp: iat + 30, ...operation };
  if (recorded) claims.req = recorded.claims.jti;
  else claims.jti = randomUUID();
  return claims;
}

// The value of Edge-Session-Control. `operation` is { op: "create", sub: "alice", ... }.
export function control(gate, recorded, operation, now) {
  return sign(controlHeader(gate), controlClaims(gate, recorded, operation, now), gate.originKey.bytes);
}

// Verifies an assertion as a careful origin does, and returns its claims. `now` in milliseconds where the clock was moved.
export async function verifyAssertion(gate, token, { now = Date.now(), key = gate.originKey } = {}) {
  const { payload } = await jwtVerify(token, key.bytes, {
    algorithms: ["HS256"],
    typ: "edge-session-assertion+jwt",
    issuer: gate.issuer,
    audience: gate.audience,
    requiredClaims: ["iat", "exp", "jti"],
    currentDate: new Date(now),
    clockTolerance: 60,
  });
  if (decodeProtectedHeader(token).kid !== key.id) throw new Error("the assertion names another key");
  return payload;
}
