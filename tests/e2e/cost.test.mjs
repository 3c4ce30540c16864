// What a day of one user costs (harness/day.mjs says how it looks), counted at the bindings, and what a single operation costs.
// tests/data/cost.json pins every count: more is a failure, less is one too, until the pin is lowered (COST_PIN=write writes it anew).
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { ASSUMED, READ_ON, SOURCES, dollars, written } from "../../scripts/pricing/prices.mjs";
import { SESSION } from "./harness/app.mjs";
import { SUBRESOURCES, Visitor, day, startCounting } from "./harness/day.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const FILE = new URL("../data/cost.json", import.meta.url);
const writes = process.env.COST_PIN === "write";
const pinned = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : { day: {}, operations: {} };
const STORES = ["durable", "kv"];
const WINDOWS = ["0s", "10s", "60s"];

// Without what is zero.
const some = (counts) => Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

function matchesPin(where, name, counts) {
  const seen = some(counts);
  if (writes) {
    pinned[where][name] = seen;
    return;
  }
  const pin = pinned[where][name] ?? {};
  for (const key of new Set([...Object.keys(seen), ...Object.keys(pin)])) {
    const [now, before] = [seen[key] ?? 0, pin[key] ?? 0];
    assert.ok(now <= before, `${name}: ${key} rose from ${before} to ${now}`);
    assert.ok(now >= before, `${name}: ${key} fell from ${before} to ${now}: lower the pin in tests/data/cost.json (COST_PIN=write)`);
  }
}

test.after(() => {
  if (writes) writeFileSync(FILE, `${JSON.stringify(pinned, null, 2)}\n`);
});

const table = [];
for (const store of STORES) {
  for (const safe of WINDOWS) {
    test(`a user's day costs what is pinned: store ${store}, window ${safe}`, async () => {
      const counting = await startCounting({ store, freshness: { safe } });
      try {
        const { requests, counts } = await day(counting);
        const per = (count) => Math.round((count / requests) * 1e4) / 10;
        table.push({
          store, window: safe, "object calls": per(counts.calls), alarms: per(counts.alarms), "rows read": per(counts.rows_read), "rows written": per(written(counts)),
          "KV reads": per(counts.kv_reads), "KV writes": per(counts.kv_writes), "KV deletes": per(counts.kv_deletes), "KV lists": per(counts.kv_lists),
          "$ per million": Number(dollars(requests, counts).toFixed(3)),
        });
        matchesPin("day", `${store} ${safe}`, { requests, ...counts });
      } finally {
        await counting.stop();
      }
    });
  }
}

test("the table is printed, with its prices' source and date", (t) => {
  t.diagnostic(`per thousand requests; rows written include alarms set and objects deleted; list prices of ${READ_ON}: ${SOURCES.join(" ")}`);
  t.diagnostic(`assumed, not counted: ${ASSUMED.cpu_ms} ms of CPU a request, ${ASSUMED.object_ms} ms of an object's time a call`);
  const names = Object.keys(table[0]);
  const rows = [names, ...table.map((row) => names.map((name) => String(row[name])))];
  const widths = names.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  for (const row of rows) t.diagnostic(row.map((cell, i) => cell.padStart(widths[i])).join("  "));
  assert.equal(table.length, STORES.length * WINDOWS.length);
});

test("a longer window never costs more, and the default one saves nine store calls of ten", () => {
  for (const key of ["object calls", "KV reads"]) {
    const [none, usual, long] = table.filter((row) => row.store === (key === "KV reads" ? "kv" : "durable")).map((row) => row[key]);
    assert.ok(long < usual && usual * 10 < none, `${none} ${usual} ${long}`);
  }
});

for (const store of STORES) {
  test(`each operation costs what is pinned: ${store}`, async () => {
    const counting = await startCounting({ store });
    try {
      const user = new Visitor(counting);
      const costs = async (name, act) => {
        await counting.counts();
        await act();
        matchesPin("operations", `${store} ${name}`, await counting.counts());
      };
      const read = () => user.send("GET", "/app/page", BROWSER.fetch);
      const quiet = 20 * SECOND;
      await costs("login", () => user.login());
      await counting.wait(quiet);
      await costs("validate", read);
      await costs("remembered", read);
      await counting.wait(61 * SECOND);
      await costs("validate and touch", read);
      await counting.wait(quiet);
      await costs("post", () => user.post());
      await costs("update", () => user.does({ op: "update", set: { a: 1 } }));
      await counting.wait(15 * MINUTE);
      await costs("rotation", async () => {
        await user.send("GET", "/app/page", BROWSER.navigate);
        await user.reads(SUBRESOURCES, "/app/part");
      });
      const other = new Visitor(counting);
      await costs("second login", () => other.login());
      await costs("logout of one", () => other.logout());
      await costs("logout of the last", () => user.logout());
      await user.login();
      await costs("expiry", () => counting.wait(24 * 60 * MINUTE));
    } finally {
      await counting.stop();
    }
  });

  test(`a flood of forged cookies costs no store operation: ${store}`, async () => {
    const counting = await startCounting({ store });
    try {
      const user = new Visitor(counting);
      await user.login();
      const id = user.browser.jar.get(SESSION);
      await counting.counts();
      const { gate } = counting;
      for (let i = 0; i < 50; i += 1) {
        const at = 1 + ((i * 7) % (id.length - 2));
        const altered = id.slice(0, at) + (id[at] === "A" ? "B" : "A") + id.slice(at + 1);
        for (const forged of [altered, id.slice(0, at), `${id}${i}`, "x".repeat(i * 20)]) {
          for (const method of ["GET", "POST"]) {
            const answer = await send(gate, method, "/app/page", [...BROWSER.fetch, ["Cookie", `${SESSION}=${forged}`]], method === "POST" ? "" : undefined);
            assert.equal(answer.status, 401);
          }
        }
      }
      assert.deepEqual(some(await counting.counts()), {});
    } finally {
      await counting.stop();
    }
  });
}
