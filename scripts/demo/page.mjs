// HTML of the demonstration: a template tag that escapes, the frame around each page, and its headers.

/** Built text, which needs no more escaping. */
class Html {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = text => text.replace(/[&<>"']/g, character => ENTITIES[character]);

/** Everything put into it is escaped, except what this tag made itself; nothing, null and false leave no trace. */
export function html(strings, ...values) {
  return new Html(strings.reduce((text, string, index) => text + show(values[index - 1]) + string));
}

function show(value) {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(show).join("");
  return value === undefined || value === null || value === false ? "" : escape(String(value));
}

/** No inline script or style, nothing from elsewhere: what a careful application would send. */
export const policy = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "same-origin",
};

export function document({ title, header, body, scripts = [], site }) {
  return html`<!doctype html>
<html lang="en" data-site="${site}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/assets/${site}.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
${scripts.map(name => html`<script type="module" src="/assets/${name}.js"></script>\n`)}</head>
<body>
${header}
<main>
${body}
</main>
</body>
</html>
`.toString();
}

/** A page of the application itself. Logging out is the gate's own unless the application has a path for it. */
export function page({ title, body, user, attacker, path, logout = "/.edge-session/logout" }) {
  const link = (href, text) => html`<a href="${href}"${path === href ? html` aria-current="page"` : ""}>${text}</a>`;
  const header = html`<header class="site">
<a class="brand" href="/"><img src="/assets/app.svg" alt="" width="24" height="24"> edge-session</a>
<nav aria-label="Site">
${user ? link("/session", "Session") : link("/login", "Sign in")}
${attacker && html`<a href="${attacker}" target="_blank" rel="noopener">Attacker’s page</a>`}
${user && html`<form method="post" action="${logout}"><button class="plain">Sign out</button></form>`}
</nav>
</header>`;
  return document({ title: `${title} · edge-session`, header, body, scripts: ["live", "session"], site: "app" });
}
