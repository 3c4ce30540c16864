// The usual gateway on Node: express-session with Redis, and a proxy, as their documentation sets them up. Started by express.mjs.
import { Agent } from "node:http";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createProxyMiddleware } from "http-proxy-middleware";
import { createClient } from "redis";
import { sign } from "../jws.mjs";

const { port, redis, origin, secret, originKey, issuer } = JSON.parse(process.argv[2]);
const key = Buffer.from(originKey, "base64url");
const client = await createClient({ url: redis }).connect();

const app = express();
app.disable("x-powered-by");
app.use(
  session({
    store: new RedisStore({ client, ttl: 30 * 60 }), // slides: each request touches the session
    name: "__Host-session",
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", path: "/" },
  }),
);
app.post("/login", express.text({ type: () => true }), (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.sub = request.body;
    request.session.data = {};
    return response.sendStatus(204);
  });
});
app.use((request, response, next) => {
  if (!request.session.sub) response.sendStatus(401);
  else next();
});
app.use(
  createProxyMiddleware({
    target: origin,
    xfwd: true,
    agent: new Agent({ keepAlive: true }),
    on: {
      proxyReq(outgoing, request) {
        const iat = Math.floor(Date.now() / 1000);
        const { sub, data } = request.session;
        const claims = { iss: issuer, aud: "origin", iat, exp: iat + 60, jti: crypto.randomUUID(), sub, sid: sub, data };
        outgoing.setHeader("Edge-Session-Assertion", sign({ typ: "edge-session-assertion+jwt", kid: "o1" }, claims, key));
        outgoing.removeHeader("cookie");
      },
    },
  }),
);
app.listen(port, "127.0.0.1");
