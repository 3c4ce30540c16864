// The demonstration's pages, on plain Node.js and on Express.
import { html } from "./page.mjs";
import { PASSWORD, users } from "./users.mjs";

const DONE = {
  added: "Note added, in one atomic update.",
  removed: "Note removed.",
  unlocked: "Password confirmed. The session has a new ID; the old one is dead.",
  locked: "Locked again, with a new ID.",
  sent: "Money sent.",
  impossible: "That transfer is not possible.",
  ended: "That session has ended. Its browser is signed out with its next click.",
  everywhere: "You are signed out everywhere.",
};

const notice = done => Object.hasOwn(DONE, done ?? "") && html`<p class="notice" role="status">${DONE[done]}</p>`;
const seconds = date => Math.floor(date / 1000);
/** The browser writes it in its own language and time zone. */
const moment = date => html`<time datetime="${date.toISOString()}">${date.toISOString().slice(0, 19).replace("T", " ")} UTC</time>`;

export function homePage({ user, count = 0, done }) {
  return html`<div class="narrow">
${notice(done)}
<h1>A session gate, on your machine</h1>
<p class="lead">Every request to this address is checked before the application behind it hears of it. The application keeps
no sessions: it reads one signed header, and answers with one.</p>
<p>${user
    ? html`<a class="button" href="/session">See your session</a>`
    : html`<a class="button" href="/login">Sign in</a>`}</p>
<section>
<h2>Things to try</h2>
<ol class="try">
<li><b>Sign in</b> in two browsers, then end one session from the other.</li>
<li><b>Add a note</b> in two tabs at once: both stay.</li>
<li><b>Confirm your password</b> and watch the gate issue a new ID.</li>
<li><b>Open the attacker’s page</b> and press every button. Nothing reaches the application.</li>
<li><b>Wait</b> for a deadline: start with <code>scripts/dev --set lifetime.idle=20s</code>.</li>
</ol>
</section>
<section>
<h2>Without signing in</h2>
<p>A session needs no user. The first click makes an anonymous one, and signing in takes the number along.</p>
<form method="post" action="/counter" class="row"><output class="big" id="count">${count}</output><button>Count</button></form>
</section>
</div>`;
}

export function loginPage({ returnTo, failed }) {
  return html`<div class="narrow">
<h1>Sign in</h1>
<p>This is a demonstration: the password is <code>${PASSWORD}</code> for everybody.</p>
<form method="post" action="/login" class="stack">
${failed && html`<p class="notice bad" role="alert">Wrong password. It is <code>${PASSWORD}</code>.</p>`}
${returnTo && html`<input type="hidden" name="return_to" value="${returnTo}">`}
<label>Who are you?
<select name="user" autocomplete="username">${[...users.values()].map(({ login, name }) => html`<option value="${login}">${name}</option>`)}</select></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<label class="check"><input name="remember" type="checkbox"> Remember me on this device</label>
<button>Sign in</button>
</form>
</div>`;
}

export function confirmPage({ user, failed }) {
  return html`<div class="narrow">
<h1>Confirm it’s you</h1>
<p>Sending money needs your password again. Afterwards your session has a new ID.</p>
<form method="post" action="/confirm" class="stack">
${failed && html`<p class="notice bad" role="alert">Wrong password. It is <code>${PASSWORD}</code>.</p>`}
<label>Password of ${user?.name}
<input name="password" type="password" autocomplete="current-password" required autofocus></label>
<button>Confirm</button>
</form>
</div>`;
}

export const messagePage = (title, text) => html`<div class="narrow">
<h1>${title}</h1>
<p>${text}</p>
<p><a class="button" href="/session">Back</a></p>
</div>`;

/**
 * `session` is what the gate says of it: `sub`, `sid`, `amr`, and the dates `authTime`, `created`, `idle`, `absolute`,
 * `checked`; `told` is what the application was told, as it got it, and `by` what gave it. `unlocked` is a date or false.
 */
export function sessionPage({ session, data, told, by, now, user, others, sessions, unlocked, done, echoes }) {
  return html`<div class="columns" id="session" data-now="${seconds(now)}">
<div>
${notice(done)}
<h1>${user.name}</h1>
<p class="lead">Signed in since ${moment(session.created)}.</p>
<section class="deadlines" aria-label="Deadlines">
${deadline("idle", "Idle", "until it ends, unless you do something", session.idle, session.idle - now)}
${deadline("absolute", "Absolute", "until it ends, whatever you do", session.absolute, session.absolute - session.created)}
</section>
<p class="ended" id="ended" hidden>This session is over. <a href="/session">Sign in again</a></p>
${facts(session)}
${notes(data)}
${transfer({ user, others, unlocked })}
${list({ sessions, session })}
${echoes && socket}
<section>
<h2>What the application was told</h2>
<p>The claims of the signed <code>Edge-Session-Assertion</code> that came with this request${by && html`, here as <code>${by}</code>`}.
There is no session ID among them.</p>
<pre tabindex="0">${JSON.stringify(told, null, 2)}</pre>
</section>
</div>
<aside aria-labelledby="log-title">
<h2 id="log-title">Live</h2>
<p>The gate’s log, and the requests that reach the application.</p>
<ol class="log" id="log" data-source="/live" aria-live="off"></ol>
</aside>
</div>`;
}

const deadline = (name, label, text, at, span) => html`<div class="deadline">
<h2>${label}</h2>
<output class="big" id="${name}" data-at="${seconds(at)}" data-span="${Math.max(seconds(span), 1)}">${moment(at)}</output>
<meter min="0" max="1" value="1" aria-hidden="true"></meter>
<p>${text}</p>
</div>`;

const facts = ({ sub, sid, authTime, amr, checked }) => html`<section>
<h2>This session</h2>
<dl>
<div><dt>Account</dt><dd><code>${sub}</code></dd></div>
<div><dt>Handle</dt><dd><code>${sid}</code></dd></div>
<div><dt>Last authenticated</dt><dd>${moment(authTime)}${amr && `, ${amr.join(" and ")}`}</dd></div>
<div><dt>Store last asked</dt><dd>${moment(checked)}</dd></div>
<div><dt>Last new ID</dt><dd id="rotated">the live log knows</dd></div>
</dl>
</section>`;

function notes(data) {
  const entries = Object.entries(data).filter(([name]) => name.startsWith("note-"));
  return html`<section id="notes">
<h2>Notes</h2>
<p>Kept in the session itself, by the gate: data that belongs to this visit.</p>
${entries.length > 0 && html`<ul class="rows">${entries.map(([name, text]) => html`<li><span>${text}</span>
<form method="post" action="/notes/remove"><input type="hidden" name="name" value="${name}"><button class="plain" aria-label="Remove the note ${text}">Remove</button></form></li>`)}</ul>`}
<form method="post" action="/notes" class="row"><input name="text" aria-label="New note" placeholder="New note" maxlength="140" required><button>Add</button></form>
</section>`;
}

const transfer = ({ user, others, unlocked }) => html`<section id="transfer">
<h2>Money</h2>
<p>You have <b id="balance">${user.balance}</b> coins. The attacker’s page would like some.</p>
${unlocked
    ? html`<form method="post" action="/transfer" class="row">
<input name="amount" type="number" min="1" max="${user.balance}" value="10" aria-label="Coins" required>
<select name="to" aria-label="To">${others.map(([sub, { name }]) => html`<option value="${sub}">${name}</option>`)}</select>
<button>Send</button></form>
<form method="post" action="/lock" class="after"><p>Unlocked until ${moment(unlocked)}.</p><button class="plain">Lock now</button></form>`
    : html`<p><a class="button quiet" href="/confirm">Confirm your password to send</a></p>`}
</section>`;

const list = ({ sessions, session }) => html`<section id="sessions">
<h2>Where you are signed in</h2>
<ul class="rows">${sessions.map(({ sid, created, idle }) => html`<li><span>Since ${moment(created)}<br><small>idle until ${moment(idle)}</small></span>
${sid === session.sid
    ? html`<b class="tag">this one</b>`
    : html`<form method="post" action="/sessions/end"><input type="hidden" name="sid" value="${sid}"><button class="plain">End</button></form>`}</li>`)}</ul>
<form method="post" action="/sessions/end-all"><button class="danger">Sign out everywhere</button></form>
</section>`;

const socket = html`<section>
<h2>WebSocket</h2>
<p>From this page it is allowed and passes the gate untouched. The attacker’s page tries the same address.</p>
<form id="echo" class="row"><input name="text" aria-label="Message" value="hello" required><button>Send</button></form>
<p id="echoed" role="status"></p>
</section>`;
