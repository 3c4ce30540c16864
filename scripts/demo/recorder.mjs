// Stands between the gate and the demonstration application, whatever that is written in: notes every request that
// reaches the application, and answers /live, the log that its pages show. Nothing of it is needed behind a real gate.
import { createServer, request as httpRequest } from "node:http";
import { connect } from "node:net";

/** `session` is an `edgeSession` (ten-lines.mjs), `target` the application's port. Listens on a free port of 127.0.0.1. */
export async function startRecorder({ target, session, feed, ids }) {
  // What does not verify the application refuses, as it must; here it is only noted.
  const verified = request => session.verify(request.headers["edge-session-assertion"]).catch(() => undefined);
  const note = (request, claims, method = request.method) => {
    const who = claims ? (claims.sub ?? (claims.sid ? "anonymous" : "nobody")) : "refused: no assertion";
    feed.application({ method, path: request.url, who });
  };

  const server = createServer(async (request, response) => {
    const claims = await verified(request);
    if (request.url.split("?", 1)[0] === "/live") return live(response, claims, { feed, ids });
    note(request, claims);
    forward(request, response, target, answer => claims && heard(answer, claims, ids));
  });
  const sockets = new Set();
  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    note(request, await verified(request), "WebSocket");
    tunnel(request, socket, head, target, sockets);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    stop: () => new Promise(resolve => {
      for (const socket of sockets) socket.destroy();
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** The gate's log for whoever is signed in. A stream outlives the check that let it in, so it ends with the session at the latest. */
function live(response, claims, { feed, ids }) {
  if (!claims?.sub) return response.writeHead(403).end();
  const about = { session: ids.tag(claims.sid), rotated: ids.last(claims.sid) };
  feed.stream(response, { replay: 12, until: claims.session.absolute * 1000, about });
}

/** An operation that gives the session a new ID; its handle is then the `jti` that was answered. */
function heard(answer, claims, ids) {
  const [, operation] = (answer.headers["edge-session-control"] ?? "").split(".");
  if (!operation) return;
  try {
    const { op } = JSON.parse(Buffer.from(operation, "base64url"));
    if (op === "create" || op === "rotate") ids.asked(claims.jti);
  } catch {} // the gate will say what is wrong with it
}

/** Headers as they came, but for those that are about one connection. */
function onward(rawHeaders) {
  const kept = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!["connection", "keep-alive"].includes(rawHeaders[i].toLowerCase())) kept.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  return kept;
}

function forward(request, response, port, onAnswer) {
  // A connection for each request: a kept one may be closed by the application just as it is used again.
  const onwards = httpRequest({ host: "127.0.0.1", port, method: request.method, path: request.url, headers: onward(request.rawHeaders), agent: false });
  onwards.on("response", answer => {
    onAnswer(answer);
    response.writeHead(answer.statusCode, answer.statusMessage, onward(answer.rawHeaders));
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  onwards.on("error", () => response.destroy());
  response.on("close", () => onwards.destroy());
  request.pipe(onwards);
}

function tunnel(request, socket, head, port, sockets) {
  const onwards = connect(port, "127.0.0.1");
  const lines = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`);
  onwards.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
  onwards.write(head);
  for (const [one, other] of [[socket, onwards], [onwards, socket]]) {
    sockets.add(one);
    one.pipe(other);
    one.on("error", () => other.destroy());
    one.on("close", () => sockets.delete(one));
  }
}
