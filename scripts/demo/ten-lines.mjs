import { SignJWT, jwtVerify } from "jose"; // npm install jose
export function edgeSession({ issuer, audience, keys }) {
  const list = new Map(keys.split(",").map(entry => entry.split(":"))), [kid] = list.keys(), key = ({ kid }) => Buffer.from(list.get(kid), "base64url");
  const rules = { algorithms: ["HS256"], typ: "edge-session-assertion+jwt", issuer, audience, clockTolerance: 60, maxTokenAge: "15m", requiredClaims: ["exp"] };
  const verify = async assertion => (await jwtVerify(/^[\w.-]+$/.test(assertion) ? assertion : "", key, rules)).payload;
  const control = (op, fields) => new SignJWT({ op, ...fields }).setProtectedHeader({ alg: "HS256", typ: "edge-session-control+jwt", kid })
    .setIssuer(audience).setAudience(issuer).setIssuedAt().setExpirationTime("30s").sign(key({ kid }));
  return { verify, control };
}
