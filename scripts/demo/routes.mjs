// What the demonstration application does. A route reads the claims of the request (who, and the session's
// data), and answers with a page, or with a redirect that may carry one operation on the session.
import { randomBytes } from "node:crypto";
import { authenticate, users } from "./users.mjs";
import { homePage, loginPage, confirmPage, sessionPage, messagePage } from "./views.mjs";

/** The gate refuses data above limits.data (2 KiB); finding out here gives the user a page, not a 502. */
const MAX_DATA = 2048;
const UNLOCKED_FOR = 300;

const now = () => Math.floor(Date.now() / 1000);
const date = seconds => new Date(seconds * 1000);
const dates = times => Object.fromEntries(Object.entries(times).map(([name, seconds]) => [name, date(seconds)]));
const size = data => Buffer.byteLength(JSON.stringify(data));

/** A path of this site, else the session page: never somebody else's address. */
const localPath = text => (/^\/(?![/\\])[^\\\u0000-\u001f\u007f]*$/.test(text ?? "") ? text : "/session");

/** Pages that need nobody signed in. */
export const open = new Set(["/", "/login", "/counter"]);

export const routes = {
  "GET /": ({ claims, url, html }) => html("Start", homePage({ user: claims.sub, count: claims.data?.count, done: url.searchParams.get("done") })),

  "GET /login": ({ claims, url, html, redirect }) =>
    claims.sub ? redirect("/session") : html("Sign in", loginPage({ returnTo: url.searchParams.get("return_to") })),

  "POST /login": async ({ claims, form, html, redirect, control }) => {
    const returnTo = form.get("return_to");
    const sub = authenticate(form.get("user"), form.get("password"));
    if (!sub) return html("Sign in", loginPage({ returnTo, failed: true }), 401);
    // A new session carries over only what the application wants of the old one: here the counter.
    const { count } = claims.sub ? {} : (claims.data ?? {});
    await control("create", { sub, amr: ["pwd"], remember: form.get("remember") === "on", data: count ? { count } : {} });
    redirect(localPath(returnTo));
  },

  // Works without signing in: the first click makes an anonymous session, later ones change its data.
  "POST /counter": async ({ claims, redirect, control }) => {
    if (claims.sid) await control("update", { set: { count: (claims.data.count ?? 0) + 1 } });
    else await control("create", { data: { count: 1 } });
    redirect("/");
  },

  "GET /session": async ({ claims, url, html, outOfBand }) => {
    const listed = await outOfBand("list", { sub: claims.sub });
    const { sub, sid, amr, auth_time, session, data } = claims;
    html("Session", sessionPage({
      session: { sub, sid, amr, authTime: date(auth_time), ...dates(session) },
      data,
      now: date(claims.iat),
      told: claims,
      user: users.get(claims.sub),
      others: [...users].filter(([sub]) => sub !== claims.sub),
      sessions: listed?.sessions.map(({ sid, ...times }) => ({ sid, ...dates(times) })) ?? [],
      echoes: true,
      unlocked: unlocked(claims) && date(claims.data.unlocked_until),
      done: url.searchParams.get("done"),
    }));
  },

  // Each note is a member of its own, so that two tabs that add one at the same time both succeed.
  "POST /notes": async ({ claims, form, html, redirect, control }) => {
    const text = (form.get("text") ?? "").trim().slice(0, 140);
    if (text === "") return redirect("/session");
    const name = `note-${randomBytes(4).toString("hex")}`;
    if (size({ ...claims.data, [name]: text }) > MAX_DATA) {
      return html("Full", messagePage("The session is full", "A session holds 2 KiB. Remove a note first; what is large belongs into a database."), 400);
    }
    await control("update", { set: { [name]: text } });
    redirect("/session?done=added#notes");
  },

  "POST /notes/remove": async ({ claims, form, redirect, control }) => {
    const name = form.get("name") ?? "";
    if (name.startsWith("note-") && Object.hasOwn(claims.data, name)) await control("update", { unset: [name] });
    redirect("/session?done=removed#notes");
  },

  "GET /confirm": ({ claims, html }) => html("Confirm", confirmPage({ user: users.get(claims.sub) })),

  // More rights mean a new ID: one that leaked before this moment is worth nothing now.
  "POST /confirm": async ({ claims, form, html, redirect, control }) => {
    const user = users.get(claims.sub);
    if (authenticate(user?.login, form.get("password")) !== claims.sub) {
      return html("Confirm", confirmPage({ user, failed: true }), 401);
    }
    await control("rotate", { auth_time: now(), amr: ["pwd"], set: { unlocked_until: now() + UNLOCKED_FOR } });
    redirect("/session?done=unlocked#transfer");
  },

  "POST /lock": async ({ redirect, control }) => {
    await control("rotate", { unset: ["unlocked_until"] });
    redirect("/session?done=locked#transfer");
  },

  "POST /transfer": ({ claims, form, redirect }) => {
    const from = users.get(claims.sub);
    const to = users.get(form.get("to"));
    const amount = Number(form.get("amount"));
    if (!unlocked(claims)) return redirect("/confirm");
    if (!to || to === from || !Number.isSafeInteger(amount) || amount < 1 || amount > from.balance) {
      return redirect("/session?done=impossible#transfer");
    }
    from.balance -= amount;
    to.balance += amount;
    redirect("/session?done=sent#transfer");
  },

  "POST /sessions/end": async ({ claims, form, redirect, outOfBand }) => {
    await outOfBand("destroy", { sub: claims.sub, sid: form.get("sid") ?? "" });
    redirect("/session?done=ended#sessions");
  },

  "POST /sessions/end-all": async ({ redirect, control }) => {
    await control("destroy_all", {});
    redirect("/?done=everywhere");
  },
};

const unlocked = claims => claims.data.unlocked_until > now();

