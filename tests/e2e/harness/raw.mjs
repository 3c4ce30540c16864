// HTTP/1.1 over a plain socket: what is sent is sent byte for byte, what comes back is shown as it came.
import { createHash, randomBytes } from "node:crypto";
import { connect as tcp } from "node:net";

const LATIN1 = "latin1";

// Opens a connection to a gate, an origin, or { port }.
export function connect(target) {
  return new Promise((resolve, reject) => {
    const socket = tcp({ host: "127.0.0.1", port: target.port, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new Connection(socket));
    });
  });
}

export class Connection {
  #buffer = Buffer.alloc(0);
  #ended = false;
  #wake = [];

  constructor(socket) {
    this.socket = socket;
    this.error = undefined;
    const wake = () => {
      for (const resolve of this.#wake.splice(0)) resolve();
    };
    socket.on("data", (bytes) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes]);
      wake();
    });
    const over = (error) => {
      if (error instanceof Error) this.error = error;
      this.#ended = true;
      wake();
    };
    socket.on("end", over).on("close", over).on("error", over);
  }

  // Text is sent as Latin-1, so "\xff" is one byte; a Buffer as it is.
  send(data) {
    this.socket.write(typeof data === "string" ? Buffer.from(data, LATIN1) : data);
    return this;
  }

  async #more(deadline) {
    if (this.#ended) return false;
    let timer;
    await Promise.race([
      new Promise((resolve) => this.#wake.push(resolve)),
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer in time; so far: ${JSON.stringify(this.#buffer.toString(LATIN1).slice(0, 300))}`)), Math.max(0, deadline - performance.now()));
      }),
    ]).finally(() => clearTimeout(timer));
    return true;
  }

  #take(length) {
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return bytes;
  }

  // Bytes up to and including the mark, or undefined at the end of the stream.
  async until(mark, deadline) {
    for (;;) {
      const at = this.#buffer.indexOf(mark);
      if (at >= 0) return this.#take(at + mark.length);
      if (!(await this.#more(deadline))) return undefined;
    }
  }

  async exactly(length, deadline) {
    while (this.#buffer.length < length) if (!(await this.#more(deadline))) return undefined;
    return this.#take(length);
  }

  // Whatever has come, at least one byte; undefined at the end.
  async some(timeout = 30_000) {
    const deadline = performance.now() + timeout;
    while (this.#buffer.length === 0) if (!(await this.#more(deadline))) return undefined;
    return this.#take(this.#buffer.length);
  }

  // The head of the next response, without its body.
  async readHead({ timeout = 30_000 } = {}) {
    const bytes = await this.until("\r\n\r\n", performance.now() + timeout);
    if (bytes === undefined) throw new Error(`the connection ended without a response${this.error ? ` (${this.error.code})` : ""}`);
    return new RawResponse(bytes.toString(LATIN1));
  }

  // The next response. `method` tells whether it has a body (HEAD has none). `complete` is false when the stream ended inside the body.
  async read({ method = "GET", timeout = 30_000 } = {}) {
    const deadline = performance.now() + timeout;
    let response;
    do response = await this.readHead({ timeout });
    while (response.status >= 100 && response.status < 200 && response.status !== 101);
    const { status } = response;
    if (method === "HEAD" || status === 101 || status === 204 || status === 304) return response;
    const parts = [];
    if (/(^|,)\s*chunked\s*$/i.test(response.header("transfer-encoding") ?? "")) {
      for (;;) {
        const line = await this.until("\r\n", deadline);
        const size = line === undefined ? NaN : parseInt(line.toString(LATIN1), 16);
        const chunk = Number.isNaN(size) ? undefined : await this.exactly(size + (size === 0 ? 0 : 2), deadline);
        if (chunk === undefined) {
          response.complete = false;
          break;
        }
        if (size === 0) {
          while ((await this.until("\r\n", deadline))?.length > 2); // trailers
          break;
        }
        parts.push(chunk.subarray(0, size));
      }
    } else if (response.header("content-length") !== undefined) {
      const length = Number(response.header("content-length"));
      const body = await this.exactly(length, deadline);
      response.complete = body !== undefined;
      parts.push(body ?? this.#take(this.#buffer.length));
    } else {
      while (await this.#more(deadline));
      parts.push(this.#take(this.#buffer.length));
    }
    response.body = Buffer.concat(parts);
    return response;
  }

  get ended() {
    return this.#ended;
  }

  // Orderly: FIN.
  close() {
    this.socket.end();
  }

  // As a client that vanishes: RST.
  abort() {
    this.socket.resetAndDestroy();
  }
}

export class RawResponse {
  constructor(head) {
    const [first, ...lines] = head.slice(0, -4).split("\r\n");
    this.head = head;
    this.version = first.split(" ", 1)[0];
    this.status = Number(first.split(" ")[1]);
    this.reason = first.split(" ").slice(2).join(" ");
    this.lines = lines; // as they came
    this.headers = lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
    this.body = Buffer.alloc(0);
    this.complete = true;
  }

  // All values of a name, in order.
  all(name) {
    return this.headers.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  // The only value of a name, or undefined. A name that comes twice is an error: then `all` is the one to ask.
  header(name) {
    const values = this.all(name);
    if (values.length > 1) throw new Error(`${name} came ${values.length} times`);
    return values[0];
  }

  get text() {
    return this.body.toString("utf8");
  }

  json() {
    return JSON.parse(this.text);
  }

  // The code of a refusal, or undefined.
  get code() {
    return this.header("content-type")?.startsWith("application/problem+json") ? this.json().code : undefined;
  }
}

// The text of a request. Headers are [name, value] pairs or an object (an array as value: several lines). Host is the gate's own
// unless one is given; `host: null` leaves it out. A body gets its Content-Length unless a length is given.
export function request(target, method, path, headers = [], body) {
  const given = (Array.isArray(headers) ? headers : Object.entries(headers)).flatMap(([n, v]) => (Array.isArray(v) ? v.map((one) => [n, one]) : [[n, v]]));
  const has = (name) => given.some(([n]) => n.toLowerCase() === name);
  const lines = given.filter(([, value]) => value !== null && value !== undefined);
  if (!has("host")) lines.unshift(["Host", target.host]);
  // What Miniflare's front end takes the URL from.
  if (target.route) lines.push(["MF-Original-URL", `${target.issuer}${path}`]);
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  if (body !== undefined && !has("content-length") && !has("transfer-encoding")) lines.push(["Content-Length", bytes.length]);
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, LATIN1), bytes]);
}

// One request on a connection of its own.
export async function send(target, method, path, headers = [], body, options = {}) {
  const connection = await connect(target);
  try {
    return await connection.send(request(target, method, path, headers, body)).read({ method, ...options });
  } finally {
    connection.socket.destroy();
  }
}

export const get = (target, path, headers, options) => send(target, "GET", path, headers, undefined, options);

// A request as a browser sends it, for its Fetch Metadata: "navigate" (a link or an address typed), "submit" (a form on our own
// site), "fetch" (a script of our own site), "attack" (a form on another site).
export const BROWSER = {
  navigate: [["Sec-Fetch-Site", "none"], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"], ["Sec-Fetch-User", "?1"], ["Accept", "text/html,*/*;q=0.8"]],
  submit: [["Sec-Fetch-Site", "same-origin"], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"], ["Accept", "text/html,*/*;q=0.8"]],
  fetch: [["Sec-Fetch-Site", "same-origin"], ["Sec-Fetch-Mode", "cors"], ["Sec-Fetch-Dest", "empty"], ["Accept", "*/*"]],
  attack: [["Origin", "https://evil.example"], ["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"], ["Accept", "text/html,*/*;q=0.8"]],
};

// --- WebSocket ---

// Shakes hands. Resolves to { response, socket }; socket is undefined unless the answer was 101.
export async function webSocket(target, path, headers = []) {
  const connection = await connect(target);
  const key = randomBytes(16).toString("base64");
  const all = [...(Array.isArray(headers) ? headers : Object.entries(headers))];
  const put = (name, value) => {
    if (!all.some(([n]) => n.toLowerCase() === name.toLowerCase())) all.push([name, value]);
  };
  put("Connection", "Upgrade");
  put("Upgrade", "websocket");
  put("Sec-WebSocket-Version", "13");
  put("Sec-WebSocket-Key", key);
  const response = await connection.send(request(target, "GET", path, all)).read();
  if (response.status !== 101) {
    connection.socket.destroy();
    return { response, socket: undefined };
  }
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return { response, accepted: response.header("sec-websocket-accept") === accept, socket: new WebSocketClient(connection) };
}

export class WebSocketClient {
  constructor(connection) {
    this.connection = connection;
  }

  // Sends one masked frame: text for a string, else binary; another opcode (8 close, 9 ping) on demand.
  send(data, opcode = typeof data === "string" ? 1 : 2) {
    const payload = Buffer.from(data);
    const mask = randomBytes(4);
    let length;
    if (payload.length < 126) length = Buffer.from([0x80 | payload.length]);
    else if (payload.length < 65536) length = Buffer.from([0x80 | 126, payload.length >> 8, payload.length & 255]);
    else {
      length = Buffer.alloc(9);
      length[0] = 0x80 | 127;
      length.writeBigUInt64BE(BigInt(payload.length), 1);
    }
    const masked = Buffer.from(payload.map((byte, i) => byte ^ mask[i & 3]));
    this.connection.send(Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, masked]));
  }

  close(code = 1000, reason = "") {
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
    this.send(payload, 8);
  }

  // The next frame, { opcode, data, code? }, or undefined at the end of the stream.
  async receive(timeout = 30_000) {
    const deadline = performance.now() + timeout;
    const head = await this.connection.exactly(2, deadline);
    if (head === undefined) return undefined;
    let length = head[1] & 127;
    if (length === 126) length = (await this.connection.exactly(2, deadline)).readUInt16BE();
    else if (length === 127) length = Number((await this.connection.exactly(8, deadline)).readBigUInt64BE());
    const data = await this.connection.exactly(length, deadline);
    const opcode = head[0] & 15;
    if (opcode === 8 && length >= 2) return { opcode, data: data.subarray(2), code: data.readUInt16BE() };
    return { opcode, data: opcode === 1 ? data.toString() : data };
  }
}
