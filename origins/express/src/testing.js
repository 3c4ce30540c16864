// For an application's own tests: requests as they come from the gate, without a gate.
//
//   const edge = edgeForTests({ issuer, audience });
//   app.use(edgeSession({ issuer, audience, keys: edge.keys, subject }));
//   await request(app).get("/account").set(edge.headers({ sub: "17", data: { cart: 3 } }));
//   edge.operation(response);  // { op: "update", set: { … } } or undefined
import { randomBytes } from "node:crypto";
import { signText } from "./control.js";

export function edgeForTests({ issuer = "https://app.example.com", audience = "origin" } = {}) {
  if (process.env.NODE_ENV === "production") throw new Error("edgeForTests: refused with NODE_ENV=production");
  const key = randomBytes(32);
  const random = () => randomBytes(16).toString("base64url");
  return {
    issuer,
    audience,
    keys: `test:${key.toString("base64url")}`,

    // Headers of a request: of nobody, or with a session. Other claims (auth_time, amr) are taken as they are.
    headers({ sub, data, sid, ...claims } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, aud: audience, iat: now, exp: now + 60, jti: random() };
      if (sub !== undefined || data !== undefined || sid !== undefined) {
        payload.session = { created: now, idle: now + 1800, absolute: now + 43_200, checked: now };
        Object.assign(payload, { sid: sid ?? random(), data: data ?? {} }, sub !== undefined && { sub: String(sub) });
      }
      const header = { alg: "HS256", typ: "edge-session-assertion+jwt", kid: "test" };
      return { "Edge-Session-Assertion": signText(key, JSON.stringify(header), JSON.stringify({ ...payload, ...claims })) };
    },

    // What a response tells the gate, without the envelope; undefined when nothing. Takes a fetch Response, or supertest's.
    operation(response) {
      const control = typeof response.headers?.get === "function" ? response.headers.get("edge-session-control") : response.headers["edge-session-control"];
      if (!control) return undefined;
      const { iss, aud, iat, exp, req, ...operation } = JSON.parse(Buffer.from(control.split(".")[1], "base64url").toString());
      return operation;
    },
  };
}
