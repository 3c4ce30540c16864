// An application to put behind the gate: records what arrives and answers as the test says.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

// origin.handler = (request, response) => ... ; `request` is a Recorded, complete with its body unless origin.streaming is true.
export async function startOrigin(handler) {
  const sockets = new Set();
  const origin = {
    handler: handler ?? ((request, response) => response.end("ok")),
    streaming: false,
    upgrade: echo, // (request, socket, head) => ... for WebSocket handshakes
    requests: [], // every Recorded, in order of arrival
    get last() {
      return this.requests.at(-1);
    },
    forget: () => origin.requests.splice(0),
  };
  const server = createServer({ maxHeaderSize: 1 << 20 }, async (incoming, response) => {
    const request = new Recorded(incoming);
    origin.requests.push(request);
    try {
      if (origin.streaming) request.incoming = incoming;
      else await request.readBody(incoming);
      await origin.handler(request, response);
    } catch (error) {
      if (incoming.destroyed && !incoming.complete) return; // the client left
      console.error("origin:", error);
      response.destroy();
    }
  });
  server.on("upgrade", (incoming, socket, head) => {
    const request = new Recorded(incoming);
    origin.requests.push(request);
    socket.on("error", () => {});
    origin.upgrade(request, socket, head);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin.port = server.address().port;
  origin.host = `127.0.0.1:${origin.port}`;
  origin.url = `http://${origin.host}`;
  origin.stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    });
  return origin;
}

export class Recorded {
  constructor(incoming) {
    this.method = incoming.method;
    this.url = incoming.url; // as on the wire
    this.headers = []; // [name, value], names as sent
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) this.headers.push([incoming.rawHeaders[i], incoming.rawHeaders[i + 1]]);
    this.length = 0;
  }

  async readBody(incoming) {
    const hash = createHash("sha256");
    const parts = [];
    for await (const part of incoming) {
      hash.update(part);
      this.length += part.length;
      if (this.length <= 1_000_000) parts.push(part);
    }
    this.sha256 = hash.digest("hex");
    this.body = Buffer.concat(parts); // the first megabyte at most
  }

  all(name) {
    return this.headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  // Several lines joined as Node and others do; undefined when there is none.
  header(name) {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.join(", ");
  }

  get assertion() {
    return this.header("edge-session-assertion");
  }

  // The assertion's payload, not verified (jws.mjs verifies).
  get claims() {
    return this.assertion && JSON.parse(Buffer.from(this.assertion.split(".")[1], "base64url").toString());
  }
}

// Writes `megabytes` as fast as the reader takes them.
export async function stream(response, megabytes, headers = {}) {
  response.writeHead(200, { "Content-Type": "application/octet-stream", ...headers });
  const part = Buffer.alloc(1 << 20, "edge-session ");
  for (let i = 0; i < megabytes; i += 1) {
    if (response.destroyed) return;
    if (response.write(part)) continue;
    await new Promise((resolve) => {
      const go = () => {
        response.off("drain", go).off("close", go);
        resolve();
      };
      response.on("drain", go).on("close", go);
    });
  }
  response.end();
}

// Starts a server-sent event stream. The result's send(text) writes one event.
export function events(response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.flushHeaders();
  return { send: (text) => response.write(`data: ${text}\n\n`), end: () => response.end() };
}

// Answers a WebSocket handshake.
export function accept(request, socket, headers = []) {
  const digest = createHash("sha1").update(`${request.header("sec-websocket-key")}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = [["Upgrade", "websocket"], ["Connection", "Upgrade"], ["Sec-WebSocket-Accept", digest], ...headers];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join("")}\r\n`);
}

// Sends every frame back (unmasked, as a server must), close frames too.
export function echo(request, socket, head) {
  accept(request, socket);
  let buffer = head;
  const frames = () => {
    while (buffer.length >= 2) {
      let length = buffer[1] & 127;
      let at = 2;
      if (length === 126) {
        if (buffer.length < 4) return;
        length = buffer.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (buffer.length < 10) return;
        length = Number(buffer.readBigUInt64BE(2));
        at = 10;
      }
      if (buffer.length < at + 4 + length) return;
      const mask = buffer.subarray(at, at + 4);
      const data = Buffer.from(buffer.subarray(at + 4, at + 4 + length).map((byte, i) => byte ^ mask[i & 3]));
      const answer = buffer[0] & 15 ? (buffer[0] & 15) === 9 ? 0x8a : buffer[0] : buffer[0];
      socket.write(Buffer.concat([Buffer.from([answer]), Buffer.from([...buffer.subarray(1, at)].map((b, i) => (i === 0 ? b & 127 : b))), data]));
      if ((buffer[0] & 15) === 8) socket.end();
      buffer = buffer.subarray(at + 4 + length);
    }
  };
  socket.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    frames();
  });
  frames();
}
