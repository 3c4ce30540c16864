// The edits that the gate makes to a request and its answer, in JavaScript, for all Workers here that are to make the same ones.
const SESSION_COOKIE = /(^|; )__Host-session=[^;]*/;

/**
 * Sends the request on. Instead of the session's ID the origin gets its public handle `sid`, or nothing where there is none; other cookies
 * stay, headers in `remove` go. Where a session may count, no cache may answer.
 */
export function forward(request, env, url, { assertion, sid, remove = [] }) {
  const href = env.ORIGIN + url.pathname + url.search;
  const { method } = request;
  const init = sid === undefined ? { redirect: "manual" } : { redirect: "manual", cache: "no-store" };
  let input = href;
  if (method === "GET" || method === "HEAD") {
    // Without a body, copying the headers alone costs much less than copying the request.
    init.method = method;
    init.headers = new Headers(request.headers);
  } else {
    input = new Request(href, request);
  }
  const headers = init.headers ?? input.headers;
  for (const name of remove) headers.delete(name);
  const cookie = headers.get("cookie");
  if (cookie !== null) {
    const replaced = cookie.replace(SESSION_COOKIE, sid === undefined ? "" : `$1__Host-session=${sid}`);
    if (replaced === "") headers.delete("cookie");
    else headers.set("cookie", replaced);
  }
  headers.set("x-forwarded-host", env.HOST);
  headers.set("x-forwarded-proto", "http");
  headers.set("edge-session-assertion", assertion);
  if (sid !== undefined && !headers.has("cache-control")) headers.set("cache-control", "max-age=0");
  return fetch(input, init);
}

/** A private page that says nothing of caches must not be kept by one. */
export function edited(response) {
  if (response.headers.has("cache-control")) return response;
  const copy = new Response(response.body, response);
  copy.headers.set("cache-control", "private, no-store");
  return copy;
}
