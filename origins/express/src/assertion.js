// Edge-Session-Assertion: the gate's statement of who is asking, verified with jose.
import { errors, jwtVerify } from "jose";

const TYPE = "edge-session-assertion+jwt";
const LEEWAY = 60; // seconds that the two clocks may differ
const FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

// Why a request is refused; the message is for the log and holds nothing of the assertion.
export class Refused extends Error {}

const isText = (value) => typeof value === "string" && value !== "";

// A session has a handle and data, and perhaps a subject; without a session there is none of the three.
function isSession({ sid, sub, data }) {
  if (sid === undefined) return sub === undefined && data === undefined;
  return isText(sid) && (sub === undefined || isText(sub)) && data !== null && typeof data === "object" && !Array.isArray(data);
}

// What is to be looked at, where jose says only what has failed.
function wordsFor(error, { issuer, audience }) {
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature does not verify: the key of its kid in `keys` is not the gate's";
  if (error instanceof errors.JWTExpired) return "it has expired: it was kept waiting on its way here, or the clocks differ by over 60 s";
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "iss") return `its iss is not \`issuer\`, which is ${JSON.stringify(issuer)} here`;
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === "aud") return `its aud is not \`audience\`, which is ${JSON.stringify(audience)} here`;
  return error instanceof errors.JOSEError ? error.message : "it does not verify";
}

// A function from an assertion to its claims; it throws Refused.
export function makeVerify({ issuer, audience, keys }) {
  const byId = new Map(keys.map(({ kid, key }) => [kid, key]));
  const keyOf = ({ kid }) => {
    const key = byId.get(kid);
    if (key === undefined) throw new Refused("its kid names no key of `keys`");
    return key;
  };
  return async function verify(token, now = Date.now()) {
    if (token === undefined || token === "") throw new Refused("there is none");
    if (!FORM.test(token)) throw new Refused("it is not three parts in base64url");
    let verified;
    try {
      verified = await jwtVerify(token, keyOf, {
        algorithms: ["HS256"],
        typ: TYPE,
        issuer,
        audience,
        clockTolerance: LEEWAY,
        requiredClaims: ["iss", "aud", "iat", "exp", "jti"],
        currentDate: new Date(now),
      });
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw new Refused(wordsFor(error, { issuer, audience }));
    }
    const { payload, protectedHeader } = verified;
    // jose takes other spellings of a type.
    if (Object.keys(protectedHeader).length !== 3 || protectedHeader.typ !== TYPE) throw new Refused("its protected header is not exactly alg, typ and kid");
    if (payload.aud !== audience || !isText(payload.jti)) throw new Refused("its aud or jti is of another type");
    if (!Number.isSafeInteger(payload.iat) || !Number.isSafeInteger(payload.exp)) throw new Refused("its iat or exp is no integer");
    if (payload.iat > now / 1000 + LEEWAY) throw new Refused("it was issued in the future: the clocks differ by over 60 s");
    if (!isSession(payload)) throw new Refused("its sid, sub or data is missing or of another type");
    return payload;
  };
}
