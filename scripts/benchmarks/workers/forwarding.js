// The edits that the gate makes to a request and its answer, in JavaScript, for all Workers here that are to make the same ones.
const SESSION_COOKIE = /(^|; )__Host-session=[^;]*/;

/**
 * Sends the request on. Instead of the session's ID the origin gets its public handle `sid`, or nothing where there is none; other cookies
 * stay, headers in `remove` go. Where a session may count, no cache may answer.
 */
export function forward(request, env, url, { assertion, sid, remove = [] }) {
  const forwarded = new Request(env.ORIGIN + url.pathname + url.search, request);
  const headers = forwarded.headers;
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
  if (sid === undefined) return fetch(forwarded, { redirect: "manual" });
  if (!headers.has("cache-control")) headers.set("cache-control", "max-age=0");
  return fetch(forwarded, { redirect: "manual", cache: "no-store" });
}

/** A private page that says nothing of caches must not be kept by one. */
export function edited(response) {
  if (response.headers.has("cache-control")) return response;
  const copy = new Response(response.body, response);
  copy.headers.set("cache-control", "private, no-store");
  return copy;
}
