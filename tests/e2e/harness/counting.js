// The Worker under test with counting bindings: every operation that costs money is counted where it is asked for, between the product
// and the platform. The clock stands still between orders, so that a trace costs the same on a slow machine as on a fast one.
import harness, { BackDoor as Door, SessionObject as Tested } from "./worker.js";

const ZERO = { calls: 0, alarms: 0, rows_read: 0, rows_written: 0, alarms_set: 0, delete_alls: 0, kv_reads: 0, kv_writes: 0, kv_deletes: 0, kv_lists: 0 };
let counts = { ...ZERO };
let underWay = 0;
const wakings = new Map(); // of objects, by name

let frozen;
const shifted = Date.now;
Date.now = () => frozen ?? shifted();

async function during(promise) {
  underWay += 1;
  try {
    return await promise;
  } finally {
    underWay -= 1;
  }
}

// An object's storage. A cursor knows what it has cost once it has been read to its end; statements without rows know it at once.
function countedStorage(storage, name, cursors) {
  const sql = {
    exec(query, ...values) {
      const cursor = storage.sql.exec(query, ...values);
      cursors.push(cursor);
      return cursor;
    },
  };
  return {
    sql,
    transactionSync: (body) => storage.transactionSync(body),
    setAlarm(time) {
      counts.alarms_set += 1;
      wakings.set(name, Number(time));
      return storage.setAlarm(time);
    },
    deleteAll() {
      counts.delete_alls += 1;
      wakings.delete(name);
      return storage.deleteAll();
    },
  };
}

export class SessionObject extends Tested {
  #cursors = [];

  constructor(ctx, env) {
    super(ctx, env);
    const storage = countedStorage(ctx.storage, ctx.id.name, this.#cursors);
    const counted = new Proxy(ctx, { get: (target, key) => (key === "storage" ? storage : typeof target[key] === "function" ? target[key].bind(target) : target[key]) });
    Object.defineProperty(this, "ctx", { value: counted });
  }

  async #counting(work) {
    try {
      return await during(work());
    } finally {
      for (const cursor of this.#cursors.splice(0)) {
        counts.rows_read += cursor.rowsRead;
        counts.rows_written += cursor.rowsWritten;
      }
    }
  }

  ask(question) {
    counts.calls += 1;
    return this.#counting(() => super.ask(question));
  }

  alarm() {
    counts.alarms += 1;
    wakings.delete(this.ctx.id.name);
    return this.#counting(() => super.alarm());
  }
}

// A KV namespace. A read of several keys is billed for each.
const countedKv = (namespace) => ({
  get(keys, options) {
    counts.kv_reads += Array.isArray(keys) ? keys.length : 1;
    return during(namespace.get(keys, options));
  },
  put(key, value, options) {
    counts.kv_writes += 1;
    return during(namespace.put(key, value, options));
  },
  delete(key) {
    counts.kv_deletes += 1;
    return during(namespace.delete(key));
  },
  list(options) {
    counts.kv_lists += 1;
    return during(namespace.list(options));
  },
});

let counted;
export default {
  fetch(request, env, ctx) {
    counted ??= env.SESSIONS_KV ? { ...env, SESSIONS_KV: countedKv(env.SESSIONS_KV) } : env;
    return harness.fetch(request, counted, ctx);
  },
};

export class BackDoor extends Door {
  async fetch(request) {
    const text = await request.text();
    const { freeze, recount } = JSON.parse(text);
    if (freeze !== undefined) frozen = freeze;
    const seen = await (await super.fetch(new Request(request.url, { method: "POST", body: text }))).json();
    const answer = { ...seen, counts, underWay, wakings: [...wakings] };
    if (recount) counts = { ...ZERO };
    return Response.json(answer);
  }
}
