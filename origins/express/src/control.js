// Edge-Session-Control: what the application tells the gate. Signed with node:crypto, because jose signs asynchronously and a response
// header has to be there when the head is written.
import { createHmac } from "node:crypto";

const LONGEST = 8192; // bytes that the gate takes
const LIFE = 30; // seconds

const encode = (text) => Buffer.from(text).toString("base64url");

// The compact JWS of a header and a payload, both JSON texts.
export function signText(key, header, payload) {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

// A function from an operation, with its `req` or `jti`, and the gate's time in seconds to the signed message.
export function makeSign({ issuer, audience, keys: [{ kid, key }] }) {
  const header = JSON.stringify({ alg: "HS256", typ: "edge-session-control+jwt", kid });
  return function sign(members, now) {
    const iat = Math.floor(now);
    const message = signText(key, header, JSON.stringify({ iss: audience, aud: issuer, iat, exp: iat + LIFE, ...members }));
    if (message.length > LONGEST) throw new SessionDataError(`the change of the session makes a message of ${message.length} bytes; the gate takes ${LONGEST}`);
    return message;
  };
}

// What an application keeps in its session can't be kept there.
export class SessionDataError extends Error {
  constructor(message) {
    super(`edgeSession: ${message}`);
    this.name = "SessionDataError";
    this.code = "EDGE_SESSION_DATA";
    this.status = 500;
  }
}
