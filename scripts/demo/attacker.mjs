// The attacker's page, on a site of its own: http://127.0.0.1 beside http://localhost is another site, and
// http://localhost with another port is the same site but another origin, to which browsers do send cookies.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { document, html, policy } from "./page.mjs";

const ASSETS = { "style.css": "text/css", "live.js": "text/javascript", "attack.js": "text/javascript", "attacker.svg": "image/svg+xml" };

/** What each button does; `assets/attack.js` does it, by the id. */
const ATTACKS = [
  { id: "form", title: "A form that sends money", text: "A hidden form posts 100 coins to Mallory with the visitor’s cookie, if the browser sends it.", button: "Post the form", frame: true },
  { id: "fetch", title: "A fetch with credentials", text: "The same transfer by fetch(), mode no-cors: the answer stays hidden, the effect would not.", button: "Fetch" },
  { id: "login", title: "Login CSRF", text: "Signs the visitor in as Mallory, to see later what was typed into the wrong account. It needs no session.", button: "Sign the visitor in", frame: true },
  { id: "frame", title: "A framed page", text: "Loads the private page into a frame, to draw something over its buttons.", button: "Frame it", frame: true },
  { id: "image", title: "A private page as an image", text: "Whether and how fast it loads tells who is signed in, where a site lets it.", button: "Load it" },
  { id: "socket", title: "A WebSocket", text: "Browsers apply no same-origin rule to WebSockets and send no Sec-Fetch headers with them.", button: "Open it" },
];

export async function startAttacker({ site, port, hosts, feed }) {
  const handle = (request, response) => {
    const url = URL.parse(request.url, "http://attacker.invalid");
    const asset = url?.pathname.match(/^\/assets\/(.+)$/)?.[1];
    if (request.method !== "GET" || !url) {
      response.writeHead(405).end();
    } else if (url.pathname === "/") {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", ...policyFor(site.issuer) }).end(attackPage({ site, port, host: request.headers.host ?? "" }));
    } else if (url.pathname === "/feed") {
      feed.stream(response, { replay: 8 });
    } else if (asset && Object.hasOwn(ASSETS, asset)) {
      response.writeHead(200, { "Content-Type": ASSETS[asset], "Cache-Control": "no-cache" }).end(readFileSync(new URL(`assets/${asset}`, import.meta.url)));
    } else {
      response.writeHead(404).end();
    }
  };
  const servers = await Promise.all(hosts.map(host => new Promise((resolve, reject) => {
    const server = createServer(handle);
    server.once("error", reject).listen(port, host, () => resolve(server));
  })));
  return {
    stop: () => Promise.all(servers.map(server => new Promise(resolve => {
      server.close(resolve);
      server.closeAllConnections();
    }))),
  };
}

/** Only what the attacks need; the feed shows the gate's log, which other origins must not read either. */
function policyFor(victim) {
  const socket = victim.replace(/^http/, "ws");
  return {
    ...policy,
    // An attacker has no reason to hide: with "same-origin" a form would be sent with `Origin: null`.
    "Referrer-Policy": "unsafe-url",
    "Content-Security-Policy":
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' ${victim}; connect-src 'self' ${victim} ${socket}; ` +
      `frame-src ${victim}; form-action ${victim}; base-uri 'none'; frame-ancestors 'none'`,
  };
}

function attackPage({ site, port, host }) {
  const sibling = host.startsWith("localhost");
  const here = `http://${sibling ? "localhost" : "127.0.0.1"}:${port}`;
  const header = html`<header class="site">
<a class="brand" href="/"><img src="/assets/attacker.svg" alt="" width="24" height="24"> attacker</a>
<nav aria-label="Where from">
<a href="http://127.0.0.1:${port}/"${!sibling && html` aria-current="page"`}>Another site</a>
<a href="http://localhost:${port}/"${sibling && html` aria-current="page"`}>Sibling</a>
<a href="${site.issuer}/" target="_blank" rel="noopener">Application</a>
</nav>
</header>`;
  const body = html`<div class="columns" id="attacks" data-victim="${site.issuer}">
<div>
<h1>Somebody else’s page</h1>
<p class="lead">You are at <code>${here}</code>, and the target is <code>${site.issuer}</code>: ${sibling
    ? "another origin on the same site, so the browser does send the session cookie along, SameSite or not. Only the gate stands in the way."
    : "another site, so the browser keeps most cookies back by itself. The gate does not rely on that."}</p>
<p><button id="all">Try everything</button></p>
${ATTACKS.map(({ id, title, text, button, frame }) => html`<section class="attack" data-attack="${id}">
<h2>${title}</h2>
<p>${text}</p>
<div><button class="plain">${button}</button> <span class="verdict" role="status"></span></div>
${frame && html`<iframe name="${id}" title="What the frame for “${title}” shows" hidden></iframe>`}
</section>`)}
<section class="attack">
<h2>A plain link, for comparison</h2>
<p>Following a link from elsewhere is how the web works, so it is let through: <a href="${site.issuer}/session" target="_blank" rel="noopener">open the private page</a>.</p>
</section>
</div>
<aside aria-labelledby="log-title">
<h2 id="log-title">What the gate and the application saw</h2>
<p class="count"><output class="big" id="received">0</output> requests reached the application</p>
<ol class="log" id="log" data-source="/feed" aria-live="off"></ol>
</aside>
</div>`;
  return document({ title: "Attacker’s page", header, body, scripts: ["live", "attack"], site: "attacker" });
}
