// Many people at once, at random: what the other tests check one by one, in one tangle, against what must hold whatever happens.
// The same seed gives the same choices; how they interleave is real. For a long run: ROUNDS=200 SEED=5000.
import assert from "node:assert/strict";
import test from "node:test";
import { startGate } from "./harness/gate.mjs";
import { broken } from "./harness/guarantees.mjs";
import { live, lookBack, openLedger, random } from "./harness/history.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 1);
const SEED = Number(process.env.SEED ?? 1);
const HISTORIES = 5; // at once
const CONFIG = {
  default_access: "optional",
  paths: [{ path: "/private/*", access: "required" }],
  lifetime: { touch: "1s" },
  log: { level: "debug" },
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Faults of the store and of its answers, until all is over.
async function trouble(gate, rng, isOver) {
  while (!isOver()) {
    const kind = rng.one(["throw", "overloaded", "null", "slow", "late", "lost", "reset", "garbage"]);
    await gate.order({ fault: { kind, times: 1 + rng.below(2), skip: rng.below(4), ms: rng.below(1300) } });
    await sleep(50 + rng.below(200));
  }
  await gate.clearFaults();
  await sleep(1400); // what was late has come
}

// Isolates remember much with few new IDs, or little with many.
const LONG = { freshness: { safe: "5s" }, rotation: { every: "4s", grace: "1s", reuse: "refuse" } };
const SHORT = { freshness: { safe: "1s" }, rotation: { every: "1s", grace: "1s", reuse: "refuse" } };

for (const [name, { window = SHORT, config = {}, faulty = false, ...options }] of Object.entries({
  "with the Durable Object and much from memory": { window: LONG },
  "with the Durable Object and many new IDs": {},
  "while the store fails now and then": { config: { store_deadline: "1s" }, faulty: true },
  "with KV, for what it promises": { config: { store: "kv" }, kv: true },
})) {
  test(`random histories break no promise, ${name}`, async () => {
    const gate = await startGate({ twin: true, config: { ...CONFIG, ...window, ...config }, ...options });
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const ledger = openLedger(gate, { freshness: parseInt(window.freshness.safe, 10) * 1000 });
        Object.assign(ledger, { faulty, exact: !options.kv });
        const seeds = Array.from({ length: HISTORIES }, (_, i) => SEED + round * HISTORIES + i);
        let isOver = false;
        const troubled = faulty ? trouble(gate, random(SEED + round), () => isOver) : sleep(0);
        await Promise.all(seeds.map((seed) => live(ledger, { seed })));
        isOver = true;
        await troubled;
        await sleep(300); // what clients have left behind is done
        await lookBack(ledger);
        assert.deepEqual(broken(ledger), []);
        assert.ok(ledger.entries.filter((entry) => entry.claims?.sid).length > 30, "people were signed in");
        await gate.logsArrived();
        const log = gate.logs.map(({ message }) => message).join("\n");
        gate.logs.length = 0;
        for (const secret of ledger.secrets) assert.ok(!log.includes(secret), "no cookie, statement or instruction is in the log");
      }
    } finally {
      await gate.stop();
    }
  });
}
