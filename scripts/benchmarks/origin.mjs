// The application behind every gateway: the least that speaks HTTP/1.1 with kept connections, so that its own cost hides nothing. It counts
// what reaches it, and keeps a few of the identities that come along, to be verified when nothing is being timed.
import { createServer } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const CHUNKS_END = Buffer.from("0\r\n\r\n");
const BODY = "hello from the origin";
const ANSWER = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
const BIG = Buffer.alloc(10 * 1024 * 1024, "0123456789abcdef");
const BIG_HEAD = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${BIG.length}\r\n\r\n`);
const SAMPLES = 8;

export const BIG_BYTES = BIG.length;
export const BIG_PATH = "/download";

/** Resolves to the origin, listening on this port of 127.0.0.1, or a free one. */
export async function startOrigin(port = 0) {
  const origin = {
    requests: 0,
    bodyBytes: 0,
    samples: [], // heads of requests
    forget() {
      this.requests = 0;
      this.bodyBytes = 0;
      this.samples = [];
    },
  };
  // What a gateway asks of somebody else than the application, such as an identity provider: path => (head, body) => answer.
  origin.routes = new Map();
  const sockets = new Set();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(origin, socket);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  origin.port = server.address().port;
  origin.url = `http://127.0.0.1:${origin.port}`;
  origin.stop = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return origin;
}

function serve(origin, socket) {
  let pending = null; // bytes of a head that is not complete
  let left = 0; // bytes of the present body that are still to come; -1: until the last chunk
  let tail = Buffer.alloc(0);
  let current = null;

  const finished = () => {
    const route = origin.routes.get(current.path);
    if (route) route(current, socket);
    else if (current.path.startsWith(BIG_PATH)) {
      socket.write(BIG_HEAD);
      socket.write(BIG);
    } else socket.write(ANSWER);
    current = null;
  };

  const takeBody = (bytes) => {
    if (current.body !== undefined) current.body += bytes.toString("latin1");
    if (left === -1) {
      const end = Buffer.concat([tail, bytes.subarray(-CHUNKS_END.length)]).subarray(-CHUNKS_END.length);
      tail = end;
      origin.bodyBytes += bytes.length;
      if (end.equals(CHUNKS_END)) {
        left = 0;
        finished();
      }
      return undefined;
    }
    const taken = Math.min(left, bytes.length);
    left -= taken;
    origin.bodyBytes += taken;
    if (left === 0) finished();
    return taken < bytes.length ? bytes.subarray(taken) : undefined;
  };

  const takeHead = (bytes) => {
    const all = pending ? Buffer.concat([pending, bytes]) : bytes;
    const end = all.indexOf(HEAD_END);
    if (end < 0) {
      pending = all;
      return undefined;
    }
    pending = null;
    const head = all.latin1Slice(0, end);
    const path = head.slice(head.indexOf(" ") + 1, head.indexOf(" ", head.indexOf(" ") + 1));
    const isRoute = origin.routes.has(path);
    if (!isRoute) {
      origin.requests += 1;
      if (origin.samples.length < SAMPLES) origin.samples.push(head);
    }
    current = { path, head, body: isRoute ? "" : undefined };
    const rest = all.length > end + 4 ? all.subarray(end + 4) : undefined;
    if (head.startsWith("GET ")) {
      finished();
      return rest;
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    left = length ? Number(length[1]) : /\r\ntransfer-encoding: *chunked/i.test(head) ? -1 : 0;
    tail = Buffer.alloc(0);
    if (left === 0) finished();
    return rest;
  };

  socket.on("data", (bytes) => {
    let rest = bytes;
    while (rest) rest = left === 0 ? takeHead(rest) : takeBody(rest);
  });
}

/** The value of a header in a recorded head, or undefined. */
export function headerOf(head, name) {
  const lower = name.toLowerCase();
  for (const line of head.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === lower) return line.slice(colon + 1).trim();
  }
  return undefined;
}
