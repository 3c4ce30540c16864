// The demonstration application's server: plain node:http, no session store, no login state of its own.
// Who is asking is in one signed header of each request; logging in and out is one signed header of a response.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { WebSocketServer } from "ws";
import { edgeSession } from "./ten-lines.mjs";
import { open, routes } from "./routes.mjs";
import { page, policy } from "./page.mjs";

const TYPES = { ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };
const MAX_FORM = 16_384;

/** `site` is what the pages need to know: `{ issuer, audience, attacker }`. Listens on a free port of 127.0.0.1. */
export async function startOrigin({ site, keys }) {
  const session = edgeSession({ issuer: site.issuer, audience: site.audience, keys });
  const server = createServer(async (request, response) => {
    let claims;
    try {
      claims = await session.verify(request.headers["edge-session-assertion"]);
      await answer({ request, response, claims, session, site });
    } catch (error) {
      fail(response, claims ? error : Object.assign(new Error("This application is reached through its gate only."), { status: 403 }));
    }
  });
  const sockets = echo({ server, session });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    stop: () => new Promise(resolve => {
      for (const client of sockets.clients) client.terminate();
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

async function answer({ request, response, claims, session, site }) {
  const url = new URL(request.url, site.issuer);
  const asset = /^\/assets\/([a-z-]+\.(?:css|js|svg))$/.exec(url.pathname);
  if (asset && request.method === "GET") return sendAsset(response, asset[1]);
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) throw Object.assign(new Error("There is no such page."), { status: 404 });
  // The gate's path rules say the same. An application that is configured wrongly should still not show pages to nobody.
  if (!claims.sub && !open.has(url.pathname)) return response.writeHead(303, { Location: "/login" }).end();

  const form = request.method === "POST" ? await readForm(request) : undefined;
  /** Answers this request with an operation on its session. */
  const control = async (op, fields) => response.setHeader("Edge-Session-Control", await session.control(op, { req: claims.jti, ...fields }));
  /** Speaks to the gate outside a request: the same signature is the authority. */
  const outOfBand = async (op, fields) => {
    const body = await session.control(op, { jti: randomUUID(), ...fields });
    const reply = await fetch(`${site.issuer}/.edge-session/control`, { method: "POST", body });
    if (reply.status === 404) return;
    if (!reply.ok) throw new Error(`The gate answered ${reply.status} to ${op}.`);
    return reply.status === 200 ? reply.json() : undefined;
  };
  const html = (title, body, status = 200) => send(response, status, page({ title, body, user: claims.sub, attacker: site.attacker, path: url.pathname }));
  const redirect = location => response.writeHead(303, { Location: location }).end();
  await route({ url, form, claims, control, outOfBand, html, redirect });
}

function send(response, status, text) {
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", ...policy }).end(text);
}

function sendAsset(response, name) {
  const body = readFileSync(new URL(`assets/${name}`, import.meta.url));
  response.writeHead(200, { "Content-Type": TYPES[extname(name)], "Cache-Control": "public, max-age=60", "X-Content-Type-Options": "nosniff" });
  response.end(body);
}

function fail(response, error) {
  if (response.headersSent) return response.destroy();
  response.removeHeader("Edge-Session-Control");
  const status = error.status ?? 500;
  // A message with a status was written for the reader; any other is for the terminal.
  if (!error.status) console.error("demonstration application:", error);
  const text = error.status ? error.message : "Something went wrong in the demonstration application; the terminal says what.";
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

async function readForm(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_FORM) throw Object.assign(new Error("That form is too large."), { status: 413 });
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString());
}

/** A WebSocket that sends back what it gets. The gate is not on the path of an open socket, so its end is kept here. */
function echo({ server, session }) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 4096 });
  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const claims = await session.verify(request.headers["edge-session-assertion"]).catch(() => undefined);
    if (!claims?.sub || !request.url.startsWith("/echo")) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, client => {
      client.on("message", data => client.send(`${claims.sub} said: ${data}`));
      client.on("error", () => client.terminate());
      const left = claims.session.absolute * 1000 - Date.now();
      const end = setTimeout(() => client.close(4001, "session over"), Math.min(left, 2 ** 31 - 1));
      client.on("close", () => clearTimeout(end));
    });
  });
  return sockets;
}
