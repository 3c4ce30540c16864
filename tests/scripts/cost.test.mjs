// scripts/cost: what it prints, what it refuses, and whether its arithmetic agrees with the day that was counted.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { usersDay } from "../../scripts/pricing/model.mjs";
import { SOURCES, dollars } from "../../scripts/pricing/prices.mjs";

const script = fileURLToPath(new URL("../../scripts/cost", import.meta.url));
const pinned = JSON.parse(readFileSync(new URL("../data/cost.json", import.meta.url), "utf8"));

const cost = (...args) => spawnSync(script, args, { encoding: "utf8" });
// The table as objects.
function table(...args) {
  const { status, stdout, stderr } = cost(...args);
  assert.deepEqual([status, stderr], [0, ""]);
  const [head, ...rows] = stdout.split("\n\n")[0].split("\n").map((line) => line.split(/ {2,}/));
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
}

test("without options it compares both stores and three windows", () => {
  const rows = table();
  assert.deepEqual(rows.map((row) => `${row.store} ${row.window}`), ["durable 0s", "durable 10s", "durable 60s", "kv 0s", "kv 10s", "kv 60s"]);
  for (const row of rows) assert.ok(Number(row["$ per million"]) > 0.3 && Number(row["$ a month"]) > 0, JSON.stringify(row));
  const { stdout } = cost();
  for (const source of SOURCES) assert.ok(stdout.includes(source));
  assert.match(stdout, /List prices of \d{4}-\d\d-\d\d/);
});

test("store and windows can be chosen, and the month is the requests of thirty days", () => {
  const rows = table("--store", "durable", "--window", "30s,5m", "--requests-per-day", "2000000", "--users", "500");
  assert.deepEqual(rows.map((row) => `${row.store} ${row.window}`), ["durable 30s", "durable 5m"]);
  for (const row of rows) assert.ok(Math.abs(Number(row["$ a month"]) - Number(row["$ per million"]) * 60) < 0.05);
});

test("a longer window, fewer posts, a longer touch interval and rarer rotation never cost more", () => {
  const price = (...args) => Number(table("--store", "durable", "--window", "10s", ...args)[0]["$ per million"]);
  for (const [cheap, dear] of [
    [["--window", "60s"], ["--window", "0s"]],
    [["--posts", "1%"], ["--posts", "0.2"]],
    [["--touch", "5m"], ["--touch", "10s"]],
    [["--rotation", "0s"], ["--rotation", "1m"]],
    [["--logins", "1"], ["--logins", "9"]],
    [["--idle", "30m"], ["--idle", "1m"]], // activity is written four times within the idle time at least
  ]) {
    assert.ok(price(...cheap) < price(...dear), `${cheap} ${dear}`);
  }
});

test("its arithmetic comes within a tenth of what a day was counted to cost, for every store and window", () => {
  for (const [name, { requests, ...counts }] of Object.entries(pinned.day)) {
    const [store, safe] = name.split(" ");
    const figures = {
      store, window: Number.parseInt(safe, 10), requestsPerDay: requests, users: 1, posts: 15 / requests, changes: 0.4, logins: 3, perPage: 21, think: 19,
      touch: 60, rotation: 900, idle: 1800,
    };
    const reckoned = usersDay(figures, pinned.operations);
    const [one, other] = [dollars(reckoned.requests, reckoned.counts), dollars(requests, counts)];
    assert.ok(Math.abs(one - other) / other < 0.1, `${name}: ${one.toFixed(3)} reckoned, ${other.toFixed(3)} counted`);
  }
});

test("--help says what can be said, with defaults", () => {
  const { status, stdout } = cost("--help");
  assert.equal(status, 0);
  for (const name of ["requests-per-day", "users", "posts", "store", "window"]) assert.match(stdout, new RegExp(`--${name} .*\\(.+\\)`));
});

test("what makes no sense is refused with what was wrong, on standard error, with status 2", () => {
  for (const [args, said] of [
    [["--requests-per-day", "many"], "--requests-per-day"],
    [["--requests-per-day", "0"], "--requests-per-day"],
    [["--requests-per-day", "1e9"], "--requests-per-day"],
    [["--users", "-1"], "--users"],
    [["--users", "0"], "--users"],
    [["--users", "20", "--requests-per-day", "10"], "--users"],
    [["--posts", "1.5"], "--posts"],
    [["--posts", "101%"], "--posts"],
    [["--posts", "few"], "--posts"],
    [["--store", "redis"], "--store"],
    [["--window", "10"], "--window"],
    [["--window", "10s,"], "--window"],
    [["--window", "31m"], "--window"],
    [["--touch", "0s"], "--touch"],
    [["--think", ""], "--think"],
    [["--per-page", "0.5"], "--per-page"],
    [["--colour", "blue"], "--colour"],
    [["today"], "today"],
    [["--users"], "--users"],
  ]) {
    const { status, stdout, stderr } = cost(...args);
    assert.deepEqual([status, stdout], [2, ""], args.join(" "));
    assert.ok(stderr.startsWith("scripts/cost: ") && stderr.includes(said) && stderr.trim().split("\n").length <= 3, stderr);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
});
