// An Express application behind edge-session: logging in and out, data in the session, a change of privilege.
// `scripts/dev --origin express` runs it behind the gate. Its pages are those of scripts/demo; what Express does is here.
import express from "express";
import { edgeSession } from "@edge-session/express";
import { randomBytes } from "node:crypto";
import { page, policy } from "../../../scripts/demo/page.mjs";
import { authenticate, users } from "../../../scripts/demo/users.mjs";
import { confirmPage, homePage, loginPage, messagePage, sessionPage } from "../../../scripts/demo/views.mjs";

const REMEMBER = 30 * 24 * 3600 * 1000;
const UNLOCKED_FOR = 300 * 1000;

const sessions = edgeSession({
  issuer: process.env.EDGE_SESSION_ISSUER,
  audience: process.env.EDGE_SESSION_AUDIENCE,
  keys: process.env.EDGE_SESSION_ORIGIN_KEYS,
  // Whose session it is: an account id that never changes. The gate begins a new session when it does.
  subject: session => session.user,
});

const app = express();
app.disable("x-powered-by");
// First of all: from here on every request has come through the gate, and req.session is there.
app.use(sessions);
app.use((req, res, next) => {
  res.set(policy);
  next();
});
app.use("/assets", express.static(process.env.DEMO_ASSETS, { maxAge: "60s" }));
app.use(express.urlencoded({ extended: false, limit: "16kb" }));

/** Sends a page in the frame that all of them have. */
const show = (req, res, title, body) =>
  res.send(page({ title, body, user: req.session.user, attacker: process.env.DEMO_ATTACKER, path: req.path, logout: "/logout" }));

/** A path of this site, else the session page: never somebody else's address. */
const localPath = text => (/^\/(?![/\\])[^\\\u0000-\u001f\u007f]*$/.test(text ?? "") ? text : "/session");

app.get("/", (req, res) => show(req, res, "Start", homePage({ user: req.session.user, count: req.session.count, done: req.query.done })));

// Works without signing in: writing to the session of nobody makes an anonymous one.
app.post("/counter", (req, res) => {
  req.session.count = (req.session.count ?? 0) + 1;
  res.redirect(303, "/");
});

app.get("/login", (req, res) => {
  if (req.session.user) return res.redirect(303, "/session");
  show(req, res, "Sign in", loginPage({ returnTo: req.query.return_to })); // the gate puts it there
});

app.post("/login", (req, res, next) => {
  const { user: login, password, remember, return_to: returnTo } = req.body ?? {};
  const user = authenticate(login, password);
  if (!user) return show(req, res.status(401), "Sign in", loginPage({ returnTo, failed: true }));
  // A new session carries over only what the application wants of the old one: here a visitor's counter.
  const carried = req.session.user ? {} : { count: req.session.count };
  req.session.regenerate(error => {
    if (error) return next(error);
    Object.assign(req.session, { user, ...carried });
    req.session.rotate({ amr: ["pwd"] }); // how it was authenticated
    if (remember) req.session.cookie.maxAge = REMEMBER; // otherwise the cookie goes with the browser
    res.redirect(303, localPath(returnTo));
  });
});

app.post("/logout", (req, res, next) => {
  req.session.destroy(error => (error ? next(error) : res.redirect(303, "/")));
});

// The gate's path rules say the same (`required`). An application should still not show pages to nobody where they don't.
app.use((req, res, next) => (req.session.user ? next() : res.redirect(303, "/login")));

const unlocked = ({ unlockedUntil }) => unlockedUntil > Date.now() && new Date(unlockedUntil);

app.get("/session", async (req, res) => {
  show(req, res, "Session", sessionPage({
    session: req.auth, // what the gate has signed: sub, sid, amr, and the times
    data: req.session,
    told: { auth: req.auth, session: req.session },
    by: "req.auth, req.session",
    now: new Date(),
    user: users.get(req.session.user),
    others: [...users].filter(([sub]) => sub !== req.session.user),
    sessions: await sessions.listSessions(req.session.user),
    unlocked: unlocked(req.session),
    done: req.query.done,
  }));
});

// A change of data. Each note is a member of its own: only members that changed are sent, so that two tabs that add one at the
// same time both succeed.
app.post("/notes", (req, res) => {
  const text = String(req.body.text ?? "").trim().slice(0, 140);
  if (text === "") return res.redirect(303, "/session");
  req.session[`note-${randomBytes(4).toString("hex")}`] = text;
  // It is saved with the response anyway; save() says beforehand whether it fits.
  req.session.save(error => {
    if (!error) return res.redirect(303, "/session?done=added#notes");
    show(req, res.status(400), "Full", messagePage("The session is full", "A session holds 2 KiB. Remove a note first; what is large belongs into a database."));
  });
});

app.post("/notes/remove", (req, res) => {
  const name = String(req.body.name);
  if (name.startsWith("note-")) delete req.session[name];
  res.redirect(303, "/session?done=removed#notes");
});

app.get("/confirm", (req, res) => show(req, res, "Confirm", confirmPage({ user: users.get(req.session.user) })));

// A change of privilege. More rights mean a new ID: one that leaked before this moment is worth nothing now.
app.post("/confirm", (req, res) => {
  const user = users.get(req.session.user);
  if (authenticate(user.login, req.body.password) !== req.session.user) {
    return show(req, res.status(401), "Confirm", confirmPage({ user, failed: true }));
  }
  req.session.unlockedUntil = Date.now() + UNLOCKED_FOR;
  req.session.rotate({ amr: ["pwd"], authTime: new Date() });
  res.redirect(303, "/session?done=unlocked#transfer");
});

app.post("/lock", (req, res) => {
  delete req.session.unlockedUntil;
  req.session.rotate();
  res.redirect(303, "/session?done=locked#transfer");
});

app.post("/transfer", (req, res) => {
  const [from, to, amount] = [users.get(req.session.user), users.get(req.body.to), Number(req.body.amount)];
  if (!unlocked(req.session)) return res.redirect(303, "/confirm");
  if (!to || to === from || !Number.isSafeInteger(amount) || amount < 1 || amount > from.balance) {
    return res.redirect(303, "/session?done=impossible#transfer");
  }
  from.balance -= amount;
  to.balance += amount;
  res.redirect(303, "/session?done=sent#transfer");
});

// One of the user's own: the subject is the session's, and only the handle comes from the form.
app.post("/sessions/end", async (req, res) => {
  await sessions.endSession(req.session.user, req.body.sid);
  res.redirect(303, "/session?done=ended#sessions");
});

app.post("/sessions/end-all", (req, res, next) => {
  req.session.destroyAll(error => (error ? next(error) : res.redirect(303, "/?done=everywhere")));
});

const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1", error => {
  if (error) throw error;
  console.log(`listening on ${server.address().port}`);
});
