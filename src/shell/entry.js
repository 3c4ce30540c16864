// The Worker's JavaScript entry. A panic or trap kills the whole Wasm instance: the futures of all requests in flight in it are never
// polled again, so without help their clients, and whoever waits for a Durable Object, would hang. This file answers them, with a 500
// and never with a pass to the origin. wasm-bindgen's own glue makes a new instance at the next call.
import { DurableObject } from "cloudflare:workers";
import { SessionObject as Sessions, __wbg_reset_state, __worker_init_state, fetch as gate } from "../../build/index.js";
import { DIED, Waiting } from "./waiting.js";

const waiting = new Waiting();

function abandon() {
  const requests = waiting.abandon();
  if (requests > 0) console.error(JSON.stringify({ event: "instance.died", requests }));
}

// What the worker crate tells JavaScript: its panic hook sets `criticalError` before the instance dies, and each new instance counts
// `instanceId` up. The second catches what no panic hook sees, such as an exhausted stack: what is waiting then waits for a dead one.
const state = __worker_init_state();
let instanceId = state.instanceId;
Object.defineProperty(state, "criticalError", {
  get: () => false,
  set: (died) => {
    if (died) abandon();
  },
});
Object.defineProperty(state, "instanceId", {
  get: () => instanceId,
  set: (id) => {
    instanceId = id;
    abandon();
  },
});

// Any call into the glue replaces an instance that is marked as dead. A trap outside a panic surfaces as an uncaught error of a
// microtask, if anywhere: looking at once answers its victims now and not when the next request comes.
addEventListener("error", () => __worker_init_state());

function internalError() {
  return new Response('{"type":"about:blank","title":"Internal error","status":500,"code":"internal"}', {
    status: 500,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

// The name alone: a message may quote what a client sent.
const log = (error) => console.error(JSON.stringify({ event: "internal", error: error?.name }));

// After anything that went wrong: replaces the instance if it has died, which tells everyone who waits for it.
function revive() {
  try {
    __worker_init_state();
  } catch {
    // It is dead, and the glue could not replace it.
    abandon();
    __wbg_reset_state();
  }
}

// What `call` gives, or DIED; a promise of that where it gives a promise.
function settle(call) {
  let given;
  try {
    given = call();
  } catch (error) {
    log(error);
    revive();
    return DIED;
  }
  if (!(given instanceof Promise)) return given;
  return new Promise((resolve) => {
    // Not before the call, which may be the one that replaces a dead instance.
    waiting.add(resolve);
    given.then(
      (value) => {
        waiting.delete(resolve);
        resolve(value);
      },
      (error) => {
        // Who was abandoned has been told already.
        if (waiting.delete(resolve)) log(error);
        // Before any other callback of a dead instance is called: each of them would be, with pointers into the next one's memory.
        revive();
        resolve(DIED);
      },
    );
  });
}

// What `call` gives, or what `otherwise` makes where the instance died: a Response belongs to the request that made it.
function survive(call, otherwise) {
  const or = (given) => (given === DIED ? otherwise() : given);
  const settled = settle(call);
  return settled instanceof Promise ? settled.then(or) : or(settled);
}

export default {
  fetch(request, env, ctx) {
    // What goes on behind the answer is nobody's either, and an instance may die of it.
    const behind = { waitUntil: (work) => ctx.waitUntil(settle(() => work)) };
    const answered = survive(() => gate(request, env, behind), internalError);
    // A client that disconnects ends its request wherever it stands: a logout that the origin has answered would not be carried out.
    if (answered instanceof Promise) ctx.waitUntil(answered);
    return answered;
  },
};

export class SessionObject extends DurableObject {
  #sessions;
  #instanceId;

  // The Rust object lives in an instance; another instance needs another one, or it would be handed a pointer into foreign memory.
  // The glue compares them before it replaces a dead instance, so that has to happen first.
  #current() {
    __worker_init_state();
    if (this.#instanceId !== instanceId) {
      this.#sessions = new Sessions(this.ctx.storage, this.env);
      this.#instanceId = instanceId;
    }
    return this.#sessions;
  }

  // The gate asks in text, and is answered in text, or null. The runtime would log what is thrown.
  ask(question) {
    return survive(() => this.#current().ask(question), () => null);
  }

  // A failed alarm must throw: then the runtime runs it again later.
  async alarm() {
    if ((await settle(() => this.#current().alarm())) === DIED) throw new Error("alarm failed");
  }
}
