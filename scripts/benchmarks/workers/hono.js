// A gateway out of Hono's own parts, as its documentation shows them: csrf, signed cookie, a session in KV, jwt, proxy.
import { Hono } from "hono";
import { getSignedCookie, setSignedCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { sign } from "hono/jwt";
import { proxy } from "hono/proxy";

const IDLE = 30 * 60;
const TOUCH = 60;
const seconds = () => Math.floor(Date.now() / 1000);

const app = new Hono();
app.use(csrf());

app.post("/login", async (c) => {
  const id = crypto.randomUUID();
  const now = seconds();
  const session = { sub: await c.req.text(), created: now, seen: now, data: {} };
  await c.env.SESSIONS.put(id, JSON.stringify(session), { expirationTtl: IDLE });
  await setSignedCookie(c, "session", id, c.env.SECRET, { path: "/", secure: true, httpOnly: true, sameSite: "Lax", prefix: "host" });
  return c.body(null, 204);
});

app.all("*", async (c) => {
  const id = await getSignedCookie(c, c.env.SECRET, "session", "host");
  const session = id && (await c.env.SESSIONS.get(id, "json"));
  if (!session) return c.text("Unauthorized", 401);
  const now = seconds();
  if (now - session.seen >= TOUCH) {
    session.seen = now;
    c.executionCtx.waitUntil(c.env.SESSIONS.put(id, JSON.stringify(session), { expirationTtl: IDLE }));
  }
  const assertion = await sign(
    { iss: c.env.ISSUER, aud: "origin", iat: now, exp: now + 60, jti: crypto.randomUUID(), sub: session.sub, data: session.data },
    c.env.SECRET,
    "HS256",
  );
  const url = new URL(c.req.url);
  return proxy(c.env.ORIGIN + url.pathname + url.search, {
    ...c.req,
    headers: {
      ...c.req.header(),
      "X-Forwarded-Host": c.req.header("host"),
      "X-Forwarded-Proto": "http",
      "Edge-Session-Assertion": assertion,
      Cookie: undefined,
    },
    redirect: "manual",
  });
});

export default app;
