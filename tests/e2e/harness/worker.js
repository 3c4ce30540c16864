// The Worker under test: src/shell/entry.js as it is deployed, plus a back door on a socket of its own (gate.mjs is its only user).
// The gate's own socket shows nothing of it: what a test sends there meets the product alone.
import { WorkerEntrypoint } from "cloudflare:workers";
import product, { SessionObject as Product } from "../../../src/shell/entry.js";
import * as glue from "../../../build/index.js";

// The clock of the whole isolate, gate and objects. Alarms and timers keep to the real one.
const realNow = Date.now;
let shift = 0;
let still = null; // the time at which it stands, to which the shift is added; null while it goes
let clockThrows = 0;
const now = () => (still ?? realNow()) + shift;
Date.now = () => {
  if (clockThrows > 0) {
    clockThrows -= 1;
    throw new TypeError("the clock throws, on command");
  }
  return now();
};

// Orders given by the test, each for the next `times` calls of its place, after the next `skip`.
let traps = [];
let faults = [];
const FAULTS = ["throw", "overloaded", "hang", "null", "garbage", "slow", "late", "lost", "undeleted", "reset"]; // what the object below does
let calls = [];
let begun = 0; // requests that the gate has begun to handle
let releases = 0;
let refusals = 0;

// How long a fault takes: its time, or until the test releases it.
async function patience({ ms, held }) {
  const before = releases;
  do await new Promise((resolve) => setTimeout(resolve, held ? 5 : ms));
  while (held && releases === before);
}

function take(orders, place) {
  const order = orders.find((o) => (o.place ?? place) === place && o.times > 0);
  if (order?.skip > 0) {
    order.skip -= 1;
    return undefined;
  }
  if (order) order.times -= 1;
  return order;
}

// Kills the Wasm instance. No trap can be ordered through the product, so this calls an export with a pointer past the end of memory:
// a real trap, met by the real glue. "panic" does before what a panic does: its hook tells JavaScript, then the instance traps.
// "throw" is another way to die: a JavaScript function called by Rust throws where Rust does not expect it.
function die(kind) {
  if (kind === "throw") {
    clockThrows = 1;
    return;
  }
  if (kind === "panic") globalThis.__worker_init_state.criticalError = true;
  glue.SessionObject.prototype.ask.call({ __wbg_ptr: 0xfffffff0 }, "");
}

// In a microtask, where the futures of Rust run: what dies there is thrown at nobody. It comes right after the call that begins a request.
function dieSoon(place) {
  const order = take(traps, place);
  if (!order) return;
  if (order.kind === "throw") die("throw");
  else queueMicrotask(() => die(order.kind));
}

// A platform that does not even let the gate ask, as beyond its limit of subrequests.
const refusing = {
  getByName() {
    refusals -= 1;
    throw new Error("no more of these, on command");
  },
};

export default {
  fetch(request, env, ctx) {
    begun += 1;
    dieSoon("gate");
    return product.fetch(request, refusals > 0 ? { ...env, SESSIONS: refusing } : env, ctx);
  },
};

export class SessionObject extends Product {
  async ask(question) {
    calls.push(this.ctx.id.name);
    const fault = take(faults, "object");
    if (!fault) {
      dieSoon("object");
      return super.ask(question);
    }
    switch (fault.kind) {
      case "throw":
        throw new Error("fault on command");
      case "overloaded":
        throw Object.assign(new Error("Durable Object is overloaded, on command"), { overloaded: true, retryable: false });
      case "hang": // for an hour: a promise that nothing can settle would be noticed and refused
        await new Promise((resolve) => setTimeout(resolve, 3_600_000));
        return null;
      case "null": // what the object says where it could not carry out the question
        return null;
      case "garbage":
        return fault.reply ?? "{";
      case "slow": // before the object sees it
        await patience(fault);
        return super.ask(question);
      case "late": // the object has done it, the reply comes late
      case "lost": { // ... or never
        const reply = await super.ask(question);
        if (fault.kind === "late" || fault.ms || fault.held) await patience(fault);
        if (fault.kind === "lost") throw new Error("reply lost, on command");
        return reply;
      }
      case "undeleted": { // the object's storage fails where it deletes everything
        const { storage } = this.ctx;
        storage.deleteAll = () => Promise.reject(new Error("not deleted, on command"));
        const reply = await super.ask(question);
        delete storage.deleteAll;
        return reply;
      }
      case "reset":
        this.ctx.abort("reset on command");
    }
    return null;
  }
}

export class BackDoor extends WorkerEntrypoint {
  async fetch(request) {
    const order = await request.json();
    if ("shift" in order) shift = order.shift;
    if ("still" in order) still = order.still;
    if (order.breakClock) clockThrows = 1;
    if (order.trap) traps.push(order.trap);
    if (order.fault) {
      if (!FAULTS.includes(order.fault.kind)) throw new Error(`there is no fault ${order.fault.kind}`);
      faults.push(order.fault);
    }
    if (order.refuse) refusals = order.refuse;
    if (order.clear) {
      traps = [];
      faults = [];
      refusals = 0;
      clockThrows = 0;
    }
    if (order.clear || order.release) releases += 1;
    if (order.say) console.log(order.say);
    if (order.alarm) await this.env.SESSIONS.getByName(order.alarm).backDoorAlarm();
    const seen = calls;
    if (order.forget) calls = [];
    return Response.json({ now: now(), calls: seen, begun, waiting: { traps: traps.filter((t) => t.times > 0).length, faults: faults.filter((f) => f.times > 0).length } });
  }
}

// Alarms run on the real clock; this runs one now. The product does not see it.
SessionObject.prototype.backDoorAlarm = function backDoorAlarm() {
  return this.alarm();
};
