// Workers KV as workerd asks for it, in memory. The real one's work is done elsewhere, so this does as little as it can.
const values = new Map();
let calls = 0;

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/.calls") return Response.json({ calls });
    calls += 1;
    if (request.method === "PUT") {
      values.set(pathname, await request.text());
      return new Response(null);
    }
    const value = values.get(pathname);
    return value === undefined ? new Response(null, { status: 404 }) : new Response(value);
  },
};
