// What the gate takes from the platform for each request, in as few calls as it takes: a call between Wasm and JavaScript costs about as
// much as hashing a header. Nothing is decided here. Lists travel as one text with a line for each part, which headers cannot break: the
// platform refuses line feeds in them, and so does `line`.

const encoder = new TextEncoder();

function line(text) {
  if (text.includes("\n")) throw new TypeError("a line feed in a header");
  return text;
}

// Straight into the memory of the Wasm: what is returned as text is copied there character by character. Gives the number of bytes, or,
// where they do not fit, one that would do.
function write(headers, parts, into) {
  headers.forEach((value, name) => {
    parts.push(name, line(value));
  });
  const text = parts.join("\n");
  const { read, written } = encoder.encodeInto(text, into);
  return read === text.length ? written : 3 * text.length;
}

/** Writes method, URL as the URL Standard writes it (empty where it is none), and name and value of each header. */
export function requestFacts(request, into) {
  return write(request.headers, [line(request.method), URL.parse(request.url)?.href ?? ""], into);
}

/** Writes status, and name and value of each header; of each Set-Cookie. */
export function responseFacts(response, into) {
  return write(response.headers, [response.status], into);
}

/** Makes the changes to headers that are written as operation ("-" removes, "=" sets, "+" adds), name and value. */
function change(headers, changes) {
  const parts = changes.split("\n");
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const name = parts[at + 1];
    const value = parts[at + 2];
    if (parts[at] === "-") headers.delete(name);
    else if (parts[at] === "=") headers.set(name, value);
    else headers.append(name, value);
  }
}

/**
 * Sends the request on, changed, and gives what `then` makes of the answer, or of undefined where there is none. `fetcher` is a service
 * binding; without one it goes out to the network. What is not below `origin` is never sent.
 */
export function send(fetcher, request, href, origin, changes, noStore, then) {
  // Behind this slash nothing can change the host any more. (Asking the new request for its URL costs more than making it.)
  if (!href.startsWith(`${origin}/`)) throw new Error("the request is for another host");
  const init = noStore ? { redirect: "manual", cache: "no-store" } : { redirect: "manual" };
  const { method } = request;
  let input = href;
  if (fetcher === undefined && (method === "GET" || method === "HEAD")) {
    // There is no body to take along, and copying the headers alone costs much less than copying the request.
    init.method = method;
    init.headers = new Headers(request.headers);
    change(init.headers, changes);
  } else {
    // Made from the URL that was judged: made from the request alone it would go out under another path. The Worker behind a binding is
    // given what else the platform knows of the client (`cf`) as well.
    input = new Request(href, request);
    change(input.headers, changes);
  }
  return (fetcher ?? globalThis).fetch(input, init).then(then, () => then(undefined));
}

/**
 * Asks the Durable Object of that name: with a method, which costs less than a fetch. Gives what `then` makes of the reply, or of whatever
 * was thrown in its place. A reply that takes longer than so many milliseconds is not waited for; the object carries the question out
 * nevertheless.
 */
export function ask(namespace, name, question, millis, then) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(new DOMException("no reply in time", "TimeoutError")), millis);
    const settle = (told) => {
      clearTimeout(timer);
      resolve(told);
    };
    namespace.getByName(name).ask(question).then(settle, settle);
  }).then(then, then);
}

/** Whether a Durable Object has stored anything yet. */
export function hasTable({ sql }) {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'").toArray().length > 0;
}

/** The text that a Durable Object has stored, if any. */
export function stored({ sql }) {
  return sql.exec("SELECT body FROM record").toArray()[0]?.body;
}

/**
 * Stores a text in the place of what is stored, if the object has its table; makes that where it has none. Where it fails, or the instance
 * dies meanwhile, nothing has changed.
 */
export function store(storage, hasTable, text) {
  storage.transactionSync(() => {
    if (!hasTable) storage.sql.exec("CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 0), body TEXT NOT NULL)");
    storage.sql.exec("INSERT INTO record (id, body) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body", text);
  });
}

/** The origin's response, changed. A fetched response cannot be; a copy can, and keeps status text, socket and all. */
export function changed(response, changes) {
  const copy = new Response(response.body, response);
  change(copy.headers, changes);
  return copy;
}

/** A response of the gate's own. */
export function own(status, changes, body) {
  const headers = new Headers();
  change(headers, changes);
  return new Response(body === "" ? null : body, { status, headers });
}
