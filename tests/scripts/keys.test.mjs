// scripts/keys: what it prints where, the three steps of a rotation, and what it refuses.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { KeyListError, dueStep, format, newKey, parse, rotate } from "../../scripts/keylist/list.mjs";

const SCRIPT = fileURLToPath(new URL("../../scripts/keys", import.meta.url));
const NAMES = ["EDGE_SESSION_KEYS", "EDGE_SESSION_ORIGIN_KEYS", "EDGE_SESSION_LOCATOR_KEY"];
const DAY = 86_400_000;

function keys(args, { input = "", env = {} } = {}) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NAMES.includes(name)));
  const run = spawnSync(SCRIPT, args, { input, env: { ...clean, ...env }, encoding: "utf8" });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

const entry = kid => ({ kid, key: newKey() });
const ids = list => list.map(({ kid }) => kid);
const lines = text => Object.fromEntries(text.trim().split("\n").map(line => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
/** The bytes of a key list that must not be seen elsewhere. */
const material = text => text.match(/[A-Za-z0-9_-]{43}/g);

test("new: three secrets that the gate accepts, and nothing of them on stderr", () => {
  const { code, out, err } = keys(["new"]);
  assert.equal(code, 0);
  const secrets = lines(out);
  assert.deepEqual(Object.keys(secrets), NAMES);
  assert.match(secrets.EDGE_SESSION_KEYS, /^k\d{8}:[A-Za-z0-9_-]{43}$/);
  assert.match(secrets.EDGE_SESSION_ORIGIN_KEYS, /^o\d{8}:[A-Za-z0-9_-]{43}$/);
  assert.match(secrets.EDGE_SESSION_LOCATOR_KEY, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(new Set(material(out)).size, 3, "three different keys");
  for (const key of material(out)) assert.ok(!err.includes(key), "a key on stderr");
  for (const name of NAMES) assert.ok(err.includes(`wrangler secret put ${name}`));
});

test("new gate, origin, locator: one bare value, as `wrangler secret put` takes it", () => {
  for (const [which, form] of [["gate", /^k\d{8}:[\w-]{43}\n$/], ["origin", /^o\d{8}:[\w-]{43}\n$/], ["locator", /^[\w-]{43}\n$/]]) {
    const { code, out } = keys(["new", which]);
    assert.equal(code, 0);
    assert.match(out, form);
    assert.notEqual(keys(["new", which]).out, out, "fresh every time");
  }
});

test("rotate: append, promote and remove follow each other, told from the list alone", () => {
  const first = format([entry("k20260101")]);
  const one = keys(["rotate", "gate"], { input: first });
  assert.equal(one.code, 0);
  const appended = parse(one.out, "list");
  assert.equal(appended.length, 2);
  assert.equal(format(appended.slice(0, 1)), first, "the old key still signs");
  assert.match(one.err, /Deployment 1 of 3/);

  const two = keys(["rotate", "gate"], { input: one.out });
  assert.deepEqual(parse(two.out, "list"), [appended[1], appended[0]]);
  assert.match(two.err, /Deployment 2 of 3/);
  assert.match(two.err, /30 days/);

  const early = keys(["rotate", "gate"], { input: two.out });
  assert.equal(early.code, 1, "a key made today cannot have been first for 30 days");
  assert.equal(early.out, "");
  assert.match(early.err, /too early/);

  const three = keys(["rotate", "gate", "--now"], { input: two.out });
  assert.deepEqual(parse(three.out, "list"), [appended[1]]);
  assert.match(three.err, /Deployment 3 of 3/);

  // The new key is old enough, but it may have begun to sign only yesterday.
  const late = keys(["rotate", "gate"], { input: format([entry("k20260201"), entry("k20260101")]) });
  assert.match(late.err, /After deployment 2 wait .*30 days/);
  assert.doesNotMatch(three.err, /wait/, "who says --now knows");
});

test("rotate: the application's list before the gate's, an hour before the last step", () => {
  const { out, err } = keys(["rotate", "origin"], { input: format([entry("o20260101")]) });
  assert.match(err, /first the application's EDGE_SESSION_ORIGIN_KEYS.*then the gate's:\n +npx wrangler secret put EDGE_SESSION_ORIGIN_KEYS/s);
  const promoted = keys(["rotate", "origin"], { input: out });
  assert.match(promoted.err, /an hour/);
  assert.equal(keys(["rotate", "origin"], { input: promoted.out }).code, 0, "origin keys need no month");
});

test("rotate --ids-only shows the plan and no key, on neither stream", () => {
  const input = format([entry("k20260101"), entry("k20260601")]);
  const { code, out, err } = keys(["rotate", "gate", "--ids-only"], { input });
  assert.equal(code, 0);
  assert.equal(out, "k20260601,k20260101\n");
  for (const key of material(input)) assert.ok(!(out + err).includes(key));
});

test("the list comes from the environment when stdin is empty, and from NAME=list lines", () => {
  const list = format([entry("k20260101"), entry("k20260601")]);
  const fromEnv = keys(["rotate"], { env: { EDGE_SESSION_KEYS: list } });
  assert.equal(fromEnv.code, 0);
  const file = `EDGE_SESSION_KEYS=${list}\nEDGE_SESSION_ORIGIN_KEYS=${format([entry("o20260101")])}\nEDGE_SESSION_LOCATOR_KEY=${newKey()}\n`;
  assert.equal(keys(["rotate", "gate"], { input: file }).out, fromEnv.out);
  const both = keys(["rotate"], { input: file });
  assert.equal(both.code, 2, "two lists, and nobody said which");
  assert.match(both.err, /gate or origin/);
});

test("the list may come through a pipe whose other end takes its time", () => {
  const input = format([entry("k20260101")]);
  const run = spawnSync("sh", ["-c", `(sleep 2; printf %s "$LIST") | "${SCRIPT}" rotate gate`], { env: { ...process.env, LIST: input }, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  assert.ok(run.stdout.startsWith(`${input},`));
});

const rotation = /\n## Rotate the keys\n[^]*?```sh\n([^]*?)```/.exec(readFileSync(join(dirname(SCRIPT), "../README.md"), "utf8"))[1];

/** The README's lines of a rotation in a folder of their own; `put` is in wrangler's place, and `step` takes more options. */
function rotating(t, put) {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-rotation-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [once, thrice] = rotation.split("\n\n");
  const [gate] = thrice.match(/scripts\/keys rotate gate/);
  const step = (now = "") => thrice.replace("npx wrangler secret put EDGE_SESSION_KEYS", put).replace(gate, `"${SCRIPT}" rotate gate${now}`);
  const run = (flags, ...lines) => spawnSync("sh", [flags, lines.join("\n")], { cwd: folder, encoding: "utf8" });
  const read = name => readFileSync(join(folder, name), "utf8");
  assert.equal(run("-ec", `"${SCRIPT}" new > secrets.env`, once).status, 0);
  return { step, run, read };
}

test("the README's lines: the first once, the others three times, and each list starts from the one before", t => {
  const { step, run, read } = rotating(t, "cat >> put");
  // The third time comes today, not in a month.
  const { status, stderr } = run("-ec", step(), step(), step(" --now"));
  assert.equal(status, 0, stderr);
  const put = read("put").trim().split("\n").map(list => ids(parse(list, "put")));
  const [[first, second]] = put;
  assert.deepEqual(put, [[first, second], [second, first], [second]]);
});

test("the README's lines, pasted too early, leave the secret and the list as they are", t => {
  const { step, run, read } = rotating(t, "cat >> put");
  run("-c", step(), step());
  const [put, list] = [read("put"), read("gate.keys")];
  assert.match(run("-c", step()).stderr, /too early/);
  assert.deepEqual([read("put"), read("gate.keys")], [put, list]);
});

test("the README's lines, where wrangler could not put the secret, leave the list as it is", t => {
  const { step, run, read } = rotating(t, "false");
  const list = read("gate.keys");
  run("-c", step());
  assert.equal(read("gate.keys"), list);
});

const noGit = spawnSync("git", ["rev-parse"], { cwd: dirname(SCRIPT) }).status === 0 ? false : "this is no git repository";

test("git takes none of the files that the README and --help put keys into", { skip: noGit }, () => {
  const told = readFileSync(join(dirname(SCRIPT), "../README.md"), "utf8") + keys(["--help"]).out;
  const files = [...new Set([...told.matchAll(/(?:scripts\/keys|secrets\.env) .*> ([\w.]+)/g)].map(([, name]) => name))];
  assert.deepEqual(files.sort(), ["gate.keys", "gate.keys.next", "secrets.env", "staging.env"]);
  for (const name of files) {
    assert.equal(spawnSync("git", ["check-ignore", "-q", name], { cwd: join(dirname(SCRIPT), "..") }).status, 0, name);
  }
});

test("a new id is unlike every id of both lists", () => {
  const today = new Date().toISOString().slice(0, 10).replaceAll("-", "");
  const { out } = keys(["rotate", "gate"], {
    env: { EDGE_SESSION_KEYS: format([entry(`k${today}`)]), EDGE_SESSION_ORIGIN_KEYS: format([entry(`k${today}.2`)]) },
  });
  assert.deepEqual(ids(parse(out, "list")), [`k${today}`, `k${today}.3`]);
  assert.equal(dueStep(parse(out, "list")), "promote", "the number counts within a day");
});

test("bad lists are refused without showing a key", () => {
  const good = newKey();
  const cases = {
    "no id": good,
    "short key": `k1:${Buffer.alloc(31, 7).toString("base64url")}`,
    padding: `k1:${good}=`,
    "standard alphabet": `k1:${good.slice(0, 40)}+/A`,
    "non-canonical tail": `k1:${Buffer.alloc(32).toString("base64url").slice(0, 42)}B`,
    "white space": `k1:${good}, k2:${newKey()}`,
    "id twice": `k1:${good},k1:${newKey()}`,
    "key twice": `k1:${good},k2:${good}`,
    "key twice, zeros behind it": `k1:${good},k2:${Buffer.concat([Buffer.from(good, "base64url"), Buffer.alloc(2)]).toString("base64url")}`,
    "key of zeros": `k1:${Buffer.alloc(32).toString("base64url")}`,
    "id too long": `${"k".repeat(33)}:${good}`,
    "empty entry": `k1:${good},`,
  };
  for (const [name, input] of Object.entries(cases)) {
    const { code, out, err } = keys(["rotate", "gate"], { input });
    assert.equal(code, 1, name);
    assert.equal(out, "", name);
    for (const key of material(input) ?? []) assert.ok(!err.includes(key), `${name}: a key on stderr`);
  }
  const across = keys(["rotate", "gate"], { env: { EDGE_SESSION_KEYS: `a:${good}`, EDGE_SESSION_ORIGIN_KEYS: `b:${good}` } });
  assert.equal(across.code, 1);
  assert.match(across.err, /same key appears twice/);
});

test("usage errors are 2: unknown command, list, option, no list", () => {
  for (const args of [[], ["make"], ["new", "cookie"], ["rotate", "locator"], ["rotate", "gate", "--soon"], ["rotate", "gate"], ["new", "--now"], ["rotate", "gate", "--longest", "soon"]]) {
    const { code, out, err } = keys(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "");
    assert.notEqual(err, "");
  }
  assert.equal(keys(["--help"]).code, 0);
});

test("a step out of turn is refused where the ids tell, and needed where they do not", () => {
  const today = new Date("2026-11-25T12:00:00Z");
  const options = { prefix: "k", today, wait: 30 * DAY };
  const appended = [entry("k20260101"), entry("k20260901")];
  assert.throws(() => rotate(appended, { ...options, step: "remove" }), KeyListError, "would remove the new key");
  assert.throws(() => rotate(appended, { ...options, step: "append" }), KeyListError);
  const promoted = appended.toReversed();
  assert.throws(() => rotate(promoted, { ...options, step: "promote" }), KeyListError, "would bring the old key back");
  assert.deepEqual(ids(rotate(promoted, options).list), ["k20260901"]);

  const own = [entry("blue"), entry("green")];
  assert.throws(() => rotate(own, options), /--step/);
  assert.deepEqual(ids(rotate(own, { ...options, step: "promote" }).list), ["green", "blue"]);
  assert.deepEqual(ids(rotate(own, { ...options, step: "remove" }).list), ["blue"]);
  assert.throws(() => rotate([entry("blue")], { ...options, step: "remove" }), KeyListError, "the last key stays");
});

test("removing waits for the longest session, counted from the key that took over", () => {
  const list = [entry("k20261101"), entry("k20260101")];
  const at = date => rotate(list, { prefix: "k", today: new Date(date), wait: 30 * DAY });
  assert.throws(() => at("2026-11-30T23:59:00Z"), /too early/);
  assert.deepEqual(ids(at("2026-12-01T00:00:00Z").list), ["k20261101"]);
  // Three keys: the oldest waits for its own successor, not for the newest.
  const three = [entry("k20261124"), entry("k20260601"), entry("k20260101")];
  assert.deepEqual(ids(rotate(three, { prefix: "k", today: new Date("2026-11-25T00:00:00Z"), wait: 30 * DAY }).list), ["k20261124", "k20260601"]);
});
