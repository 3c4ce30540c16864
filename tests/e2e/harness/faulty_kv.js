// The Worker under test with a KV namespace that fails on command.
import harness, { BackDoor as Door, SessionObject } from "./worker.js";

let faults = []; // { op: "get" | "list" | "put" | "delete", kind, times, skip?, ms? }

function take(op) {
  const fault = faults.find((f) => f.op === op && f.times > 0);
  if (fault?.skip > 0) {
    fault.skip -= 1;
    return undefined;
  }
  if (fault) fault.times -= 1;
  return fault;
}

// "reject" as KV does for 429 and the like, "lost" (done, the answer lost), "hang" for longer than anybody waits.
const KINDS = ["reject", "lost", "hang"];
const faulty = (namespace) =>
  Object.fromEntries(
    ["get", "list", "put", "delete"].map((op) => [
      op,
      async (...args) => {
        const fault = take(op);
        if (fault?.kind === "reject") throw new Error(`KV ${op.toUpperCase()} failed: 429 Too Many Requests`);
        if (fault?.kind === "hang") await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 3_600_000));
        const answer = await namespace[op](...args);
        if (fault?.kind === "lost") throw new Error("reply lost, on command");
        return answer;
      },
    ]),
  );

let bound;
export default {
  fetch(request, env, ctx) {
    bound ??= env.SESSIONS_KV ? { ...env, SESSIONS_KV: faulty(env.SESSIONS_KV) } : env;
    return harness.fetch(request, bound, ctx);
  },
};

export class BackDoor extends Door {
  async fetch(request) {
    const text = await request.text();
    const { kv, clear } = JSON.parse(text);
    if (kv) {
      if (!KINDS.includes(kv.kind)) throw new Error(`there is no fault ${kv.kind}`);
      faults.push(kv);
    }
    if (clear) faults = [];
    return super.fetch(new Request(request.url, { method: "POST", body: text }));
  }
}

export { SessionObject };
