// A small application as the documentation of passport, express-session, connect-flash and csurf shows it.
import express from "express";
import session from "express-session";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import passport from "passport";
import { Strategy as LocalStrategy } from "passport-local";
import flash from "connect-flash";
import csrf from "csurf";
import { findUser, todosOf, verifyPassword } from "./database.mjs";
import { homePage, loginPage } from "./views.mjs";

passport.use(new LocalStrategy((username, password, done) => {
  const user = verifyPassword(username, password);
  return done(null, user ?? false, user ? undefined : { message: "Incorrect username or password." });
}));
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => done(null, findUser(id) ?? false));

const app = express();
app.use(express.urlencoded({ extended: false }));

const redis = createClient({ url: process.env.REDIS_URL });
await redis.connect();
app.use(session({
  store: new RedisStore({ client: redis }),
  secret: process.env.SESSION_SECRET,
  resave: false,
  saveUninitialized: false,
}));

app.use(passport.initialize());
app.use(passport.session());
app.use(flash());
app.use(csrf());

const signedIn = (req, res, next) => (req.isAuthenticated() ? next() : res.redirect("/login"));

app.get("/", (req, res) => {
  if (!req.user) return res.send(homePage({ messages: req.flash("info") }));
  req.session.visits = (req.session.visits ?? 0) + 1;
  return res.send(homePage({ user: req.user, todos: todosOf(req.user), visits: req.session.visits, messages: req.flash("info"), token: req.csrfToken() }));
});

app.get("/login", (req, res) => res.send(loginPage({ messages: req.flash("error"), token: req.csrfToken() })));

app.post("/login", passport.authenticate("local", { failureRedirect: "/login", failureFlash: true }), (req, res) => {
  if (req.body.remember) req.session.cookie.maxAge = 30 * 24 * 60 * 60 * 1000;
  req.flash("info", `Welcome, ${req.user.username}.`);
  res.redirect("/");
});

app.post("/logout", (req, res, next) => {
  req.logout((error) => {
    if (error) return next(error);
    req.flash("info", "You have been logged out.");
    return res.redirect("/");
  });
});

app.post("/todos", signedIn, (req, res) => {
  todosOf(req.user).push(req.body.title);
  req.session.last = req.body.title;
  req.flash("info", `Added ${req.body.title}.`);
  res.redirect("/");
});

app.use((error, req, res, next) => {
  if (res.headersSent) return next(error);
  return res.status(error.status ?? 500).send(error.message);
});

const server = app.listen(process.env.PORT, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
