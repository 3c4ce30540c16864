// The way into a response: its head carries the session's change, and its end waits for what changed later.

// Errors go to Express's error handlers by `next`.
export function hook(res, exchange, next) {
  const { writeHead, end } = res;
  let ended = false;

  const fail = (error) => setImmediate(next, error);

  res.writeHead = function (status, ...rest) {
    if (res.headersSent || status < 200) return writeHead.call(res, status, ...rest);
    try {
      exchange.deliver(res);
    } catch (error) {
      // Somebody writes already (a pipe, a file), so nothing else can be answered. A broken connection shows the user no success.
      res.socket?.destroy();
      fail(error);
    }
    if (exchange.looked) amend(res, rest, "Vary", andCookie);
    // It answers this request and no other.
    if (exchange.told) amend(res, rest, "Cache-Control", () => "private, no-store");
    return writeHead.call(res, status, ...rest);
  };

  res.end = function (...args) {
    if (ended) return res;
    if (!res.headersSent) {
      try {
        exchange.deliver(res);
      } catch (error) {
        // The application's error page takes the place of this answer; whoever ends it once more until then sends nothing.
        clean(res);
        ended = true;
        setImmediate(() => {
          ended = false;
          next(error);
        });
        return res;
      }
      return finish(args);
    }
    if (!exchange.pending) return finish(args);
    ended = true;
    exchange.flush().then(() => end.apply(res, args)).catch((error) => {
      fail(error);
      setImmediate(() => res.socket?.destroy());
    });
    return res;
  };

  // What Node.js does not take (a number, a bad status) has ended nothing: the error page is still to come.
  function finish(args) {
    ended = true;
    try {
      return end.apply(res, args);
    } catch (error) {
      ended = false;
      throw error;
    }
  }
}

// What belongs to the answer that is not sent.
function clean(res) {
  for (const name of ["Content-Length", "Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Cache-Control", "Location"]) res.removeHeader(name);
}

// A page that looked at the session is another one for another user.
function andCookie(vary) {
  const varies = vary.split(",").some((one) => one.trim() === "*" || one.trim().toLowerCase() === "cookie");
  return varies ? vary : vary === "" ? "Cookie" : `${vary}, Cookie`;
}

// Changes a header of the head that is about to be written. What the application gives writeHead, an object or a list, would win over
// what is set, so it is changed there, in a copy.
function amend(res, rest, name, change) {
  const i = rest.findIndex((value) => value !== null && typeof value === "object");
  if (Array.isArray(rest[i])) rest[i] = plain(rest[i]);
  const given = i < 0 ? [] : pairs(rest[i]);
  const mine = ([key]) => key.toLowerCase() === name.toLowerCase();
  const values = given.filter(mine).map(([, value]) => value);
  const value = change(String((values.length > 0 ? values.flat().join(", ") : res.getHeader(name)) ?? ""));
  res.setHeader(name, value);
  if (values.length === 0) return;
  const others = given.filter((pair) => !mine(pair));
  rest[i] = Array.isArray(rest[i]) ? others.flat() : Object.fromEntries(others);
}

const pairs = (headers) => (Array.isArray(headers) ? Array.from({ length: headers.length / 2 }, (_, i) => headers.slice(2 * i, 2 * i + 2)) : Object.entries(headers));

// A list as Node.js takes it where a header is set already, and here one is: no list of pairs, and no name twice (Node.js 20 keeps the last).
function plain(list) {
  const flat = Array.isArray(list[0]) ? list.flat() : list;
  if (flat.length % 2 !== 0) return flat; // Node.js says what is wrong
  const byName = new Map();
  for (const [name, value] of pairs(flat)) {
    const key = String(name).toLowerCase();
    byName.set(key, [name, ...(byName.get(key)?.slice(1) ?? []), value]);
  }
  return [...byName.values()].flatMap(([name, ...values]) => [name, values.length === 1 ? values[0] : values.flat()]);
}
