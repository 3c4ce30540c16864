import { createHmac, timingSafeEqual } from "node:crypto";
export function edgeSession({ issuer, audience, keys }) {
  const list = new Map(keys.split(",").map(entry => entry.split(":"))), [signer] = list.keys();
  const read = part => JSON.parse(Buffer.from(part, "base64url")), write = value => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (kid, text) => createHmac("sha256", Buffer.from(list.get(kid), "base64url")).update(text).digest();
  const verify = assertion => { // gives the claims, or throws: answer 403
    const [head, body, mac] = assertion.split("."), { alg, typ, kid } = read(head), claims = read(body), now = Date.now() / 1000;
    const good = timingSafeEqual(sign(kid, `${head}.${body}`), Buffer.from(mac, "base64url")) && alg === "HS256" && typ === "edge-session-assertion+jwt";
    if (!good || claims.iss !== issuer || claims.aud !== audience || !(claims.exp > now - 60) || claims.iat > now + 60) throw new Error("no valid assertion");
    return claims;
  };
  const control = (op, fields) => { // control("create", { req: claims.jti, sub: user.id })
    const iat = Math.floor(Date.now() / 1000), claims = { iss: audience, aud: issuer, iat, exp: iat + 60, op, ...fields };
    const text = `${write({ alg: "HS256", typ: "edge-session-control+jwt", kid: signer })}.${write(claims)}`;
    return `${text}.${sign(signer, text).toString("base64url")}`;
  };
  return { verify, control };
}
