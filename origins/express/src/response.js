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
    if (exchange.looked) vary(res, rest);
    return writeHead.call(res, status, ...rest);
  };

  res.end = function (...args) {
    if (ended) return res;
    if (!res.headersSent) {
      try {
        exchange.deliver(res);
      } catch (error) {
        clean(res);
        fail(error); // the application's error page takes the place of this answer
        return res;
      }
      ended = true;
      return end.apply(res, args);
    }
    ended = true;
    if (!exchange.pending) return end.apply(res, args);
    exchange.flush().then(
      () => end.apply(res, args),
      (error) => {
        fail(error);
        setImmediate(() => res.socket?.destroy());
      },
    );
    return res;
  };
}

// What belongs to the answer that is not sent.
function clean(res) {
  for (const name of ["Content-Length", "Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Cache-Control", "Location"]) res.removeHeader(name);
}

// A page that looked at the session is another one for another user.
function vary(res, rest) {
  const given = rest.find((value) => value !== null && typeof value === "object" && !Array.isArray(value)) ?? {};
  const name = Object.keys(given).find((key) => key.toLowerCase() === "vary");
  const value = String((name === undefined ? res.getHeader("Vary") : given[name]) ?? "");
  if (value.split(",").some((one) => one.trim() === "*" || one.trim().toLowerCase() === "cookie")) return;
  const all = value === "" ? "Cookie" : `${value}, Cookie`;
  if (name === undefined) res.setHeader("Vary", all);
  else given[name] = all;
}
