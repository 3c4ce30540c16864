// The same edits, and one call of the gate's own Durable Object with the gate's own question: what asking the store costs before anything
// has been checked. The questions were recorded before; the Cookie header tells which one to ask.
import { edited, forward } from "./forwarding.js";

export default {
  async fetch(request, env) {
    const { name, question } = env.QUESTIONS[request.headers.get("cookie")];
    JSON.parse(await env.SESSIONS.getByName(name).ask(question));
    return edited(await forward(request, env, new URL(request.url), { assertion: env.ASSERTION, sid: name }));
  },
};
