import { createHmac, timingSafeEqual } from "node:crypto";
export function edgeSession({ issuer, audience, keys }) {
  const list = new Map(keys.split(",").map(entry => entry.split(":"))), [newest] = list.keys(), now = () => Math.floor(Date.now() / 1000);
  const read = part => JSON.parse(Buffer.from(part, "base64url")), write = value => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (text, kid) => `${text}.${createHmac("sha256", Buffer.from(list.get(kid), "base64url")).update(text).digest("base64url")}`;
  const verify = assertion => { // gives the claims, or throws: answer 403
    const [head, body] = assertion.split("."), { alg, typ, kid } = read(head), claims = read(body), { iss, aud, iat, exp } = claims;
    const genuine = timingSafeEqual(Buffer.from(sign(`${head}.${body}`, kid)), Buffer.from(assertion)) && alg === "HS256" && typ === "edge-session-assertion+jwt";
    if (genuine && iss === issuer && aud === audience && exp > now() - 60 && iat <= now() + 60) return claims;
    throw new Error("no valid assertion");
  };
  const control = (op, fields) => sign([{ alg: "HS256", typ: "edge-session-control+jwt", kid: newest },
    { iss: audience, aud: issuer, iat: now(), exp: now() + 30, op, ...fields }].map(write).join("."), newest);
  return { verify, control };
}
