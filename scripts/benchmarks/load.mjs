// The load: a few kept connections, each of which sends a request, reads the answer to its end and sends the next. Requests are made before,
// answers are read with as little as HTTP needs, so that one core keeps a gateway on another one busy.
import { connect } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** The bytes of a request. Headers are an array of [name, value]. */
export function requestBytes({ method = "GET", path = "/", host, headers = [], body }) {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const bytes = body === undefined ? undefined : Buffer.from(body);
  if (bytes) lines.push(`Content-Length: ${bytes.length}`);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return bytes ? Buffer.concat([head, bytes]) : head;
}

/** One connection. `exchange` resolves to { status, head, bytes, text }; `text` only where it was asked for. */
class Connection {
  #socket;
  #waiting = null;
  #parts = [];
  #head = null;
  #left = 0; // bytes of the body to come; -1: until the last chunk; -2: until the end of the connection
  #tail = Buffer.alloc(0);

  static open(port) {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new Connection(socket)));
    });
  }

  constructor(socket) {
    this.#socket = socket;
    socket.removeAllListeners("error");
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#closed());
    socket.on("data", (bytes) => this.#take(bytes));
  }

  /** `done` is called with the answer or an Error. A callback and not a promise: this is called some ten thousand times a second. */
  exchange(request, done, keepBody = false) {
    this.#waiting = { done, keepBody, body: [], bytes: 0 };
    this.#socket.write(request);
  }

  close() {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #closed() {
    if (this.#head && this.#left === -2) this.#finish();
    else this.#fail(new Error("the connection was closed"));
  }

  #fail(error) {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.done(error);
  }

  #finish() {
    const { done, keepBody, body, bytes } = this.#waiting;
    const head = this.#head;
    this.#waiting = null;
    this.#head = null;
    this.#parts = [];
    done({ status: Number(head.slice(9, 12)), head, bytes, text: keepBody ? Buffer.concat(body).toString() : undefined });
  }

  #take(bytes) {
    if (!this.#waiting) {
      this.#socket.destroy(new Error("an answer that nobody asked for"));
      return;
    }
    if (this.#head) {
      this.#takeBody(bytes);
      return;
    }
    const all = this.#parts.length > 0 ? Buffer.concat([...this.#parts, bytes]) : bytes;
    const end = all.indexOf(HEAD_END);
    if (end < 0) {
      this.#parts = [all];
      return;
    }
    this.#head = all.latin1Slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#head);
    if (length) this.#left = Number(length[1]);
    else if (/\r\ntransfer-encoding: *chunked/i.test(this.#head)) this.#left = -1;
    else this.#left = /^HTTP\/1.1 (?:204|304)/.test(this.#head) ? 0 : -2;
    this.#tail = Buffer.alloc(0);
    this.#takeBody(all.subarray(end + 4));
  }

  #takeBody(bytes) {
    const waiting = this.#waiting;
    waiting.bytes += bytes.length;
    if (waiting.keepBody) waiting.body.push(bytes);
    if (this.#left >= 0) {
      this.#left -= bytes.length;
      if (this.#left === 0) this.#finish();
      else if (this.#left < 0) this.#fail(new Error(`a body longer than it says: ${this.#head}\n${bytes}`));
    } else if (this.#left === -1) {
      this.#tail = Buffer.concat([this.#tail, bytes.subarray(-LAST_CHUNK.length)]).subarray(-LAST_CHUNK.length);
      if (this.#tail.equals(LAST_CHUNK)) this.#finish();
    }
  }
}

/** One request on a connection of its own. */
export async function once(port, request) {
  const connection = await Connection.open(port);
  try {
    const answer = await new Promise((resolve) => connection.exchange(request, resolve, true));
    if (answer instanceof Error) throw answer;
    return answer;
  } finally {
    connection.close();
  }
}

/**
 * Sends requests for `seconds`, or `count` of them, and waits for the last answer. Connection i sends `requests[i % requests.length]`.
 * Gives { requests, seconds, latencies (sorted, in microseconds), bytes }. Another status than `status` is an error, at once.
 */
export async function load({ port, requests, connections = 16, seconds, count = Infinity, status }) {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const latencies = [];
  let started = 0;
  let bytes = 0;
  let stopping = false;
  const begin = performance.now();
  const until = seconds === undefined ? Infinity : begin + seconds * 1000;
  try {
    await Promise.all(
      open.map(
        (connection, i) =>
          new Promise((resolve, reject) => {
            const request = requests[i % requests.length];
            const next = () => {
              const sent = performance.now();
              if (stopping || started >= count || sent >= until) {
                resolve();
                return;
              }
              started += 1;
              connection.exchange(request, (answer) => {
                if (answer instanceof Error || answer.status !== status) {
                  stopping = true;
                  reject(answer instanceof Error ? answer : new Error(`expected status ${status}, got: ${answer.head.slice(0, 300)}`));
                  return;
                }
                latencies.push((performance.now() - sent) * 1000);
                bytes += answer.bytes;
                next();
              });
            };
            next();
          }),
      ),
    );
    return { requests: latencies.length, seconds: (performance.now() - begin) / 1000, latencies: latencies.sort((a, b) => a - b), bytes };
  } finally {
    for (const connection of open) connection.close();
  }
}
