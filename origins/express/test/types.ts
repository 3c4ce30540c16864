// Compiled, never run: the types as an application written in TypeScript uses them.
import express from "express";
import { edgeSession, SessionDataError } from "@edge-session/express";
import { edgeForTests } from "@edge-session/express/testing";

declare module "@edge-session/express" {
  interface SessionData {
    cart: number[];
    passport: { user: string };
  }
}

const { issuer, audience, keys } = edgeForTests();
const sessions = edgeSession({ issuer, audience, keys, subject: (session) => session.passport?.user, directPaths: ["/healthz"] });
const app = express();
app.use(sessions);
app.post("/cart", (req, res, next) => {
  req.session.cart = [...(req.session.cart ?? []), 1];
  req.session.cookie.maxAge = 60_000;
  const until: Date | undefined = req.auth.absolute;
  // @ts-expect-error: nothing of this name is kept in the session
  req.session.basket = 1;
  // @ts-expect-error: who is asking is the gate's to say
  req.auth.sub = "mallory";
  req.session.save((error) => (error instanceof SessionDataError ? next(error) : res.json({ until, id: req.session.id })));
});
void sessions.endSession(17, "sid").then((ended: boolean) => ended);
void sessions.endSessions(17).then(() => sessions.listSessions("17"));
