// Key lists: `kid:key,kid:key`, the one that signs first. No input or output here.
// A message of a KeyListError may name a key id, never a key: it ends up in terminals and CI logs.
import { randomBytes } from "node:crypto";

export class KeyListError extends Error {}

const KID = /^[A-Za-z0-9._-]{1,32}$/;
const DAY = 86_400_000;

/** A key as the gate reads it: base64url without padding of 32 random bytes. */
export const newKey = (random = randomBytes) => random(32).toString("base64url");

/** Says what is wrong with a key, or nothing. The gate refuses the same. */
function keyProblem(key) {
  if (!/^[A-Za-z0-9_-]*$/.test(key)) return "is not base64url without padding";
  const bytes = Buffer.from(key, "base64url");
  if (bytes.toString("base64url") !== key) return "is not canonical base64url";
  if (bytes.length < 32) return `has ${bytes.length} bytes, fewer than 32`;
  if (bytes.length > 64) return `has ${bytes.length} bytes, more than 64`;
  if (significant(key) === "") return "is nothing but zeros";
}

/** What tells a key from others, in hex: HMAC fills a key up with zeros, so with and without zeros at its end it is the same one. */
const significant = key => Buffer.from(key, "base64url").toString("hex").replace(/(00)+$/, "");

/** Reads a list; one newline at its end (an editor's, or `echo`'s) is forgiven, as wrangler forgives it. */
export function parse(text, name) {
  const list = text.replace(/\r?\n$/, "");
  if (list === "") throw new KeyListError(`${name}: the list is empty`);
  if (/\s/.test(list)) throw new KeyListError(`${name}: white space inside the list`);
  const entries = list.split(",").map((entry, index) => {
    const colon = entry.indexOf(":");
    const kid = entry.slice(0, Math.max(colon, 0));
    // Without a colon the whole entry may be a key, so only its place is named.
    if (!KID.test(kid)) {
      throw new KeyListError(`${name}: entry ${index + 1} does not begin with a key id (1-32 of A-Z a-z 0-9 . _ -) and a colon`);
    }
    const key = entry.slice(colon + 1);
    const problem = keyProblem(key);
    if (problem) throw new KeyListError(`${name}: the key of ${kid} ${problem}`);
    return { kid, key };
  });
  distinct({ [name]: entries });
  return entries;
}

export const format = entries => entries.map(({ kid, key }) => `${kid}:${key}`).join(",");

/** An id or a key that appears twice, within a list or across lists, is refused by the gate. */
export function distinct(lists) {
  const kids = new Map();
  const keys = new Map();
  for (const [name, entries] of Object.entries(lists)) {
    for (const { kid, key } of entries) {
      const place = `${kid} in ${name}`;
      if (kids.has(kid)) throw new KeyListError(`the key id ${kid} appears twice: in ${kids.get(kid)} and in ${name}`);
      const material = significant(key);
      if (keys.has(material)) throw new KeyListError(`the same key appears twice: as ${keys.get(material)} and as ${place}`);
      kids.set(kid, name);
      keys.set(material, place);
    }
  }
}

/** The letter tells the lists apart, because an id may not appear in both: k for the gate's, o for the application's. */
export function newId(prefix, today, taken) {
  const date = today.toISOString().slice(0, 10).replaceAll("-", "");
  for (let n = 1; ; n++) {
    const kid = n === 1 ? `${prefix}${date}` : `${prefix}${date}.${n}`;
    if (!taken.has(kid)) return kid;
  }
}

/** When a key was made, as far as its id tells: `{ day, n }`, or nothing for an id of another form. */
function made(kid) {
  const match = /^[ko](\d{4})(\d\d)(\d\d)(?:\.(\d{1,6}))?$/.exec(kid);
  if (!match) return;
  const day = Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  return { day, n: Number(match[4] ?? 1) };
}

const newer = (a, b) => a.day > b.day || (a.day === b.day && a.n > b.n);

/** Which step the order of the ids asks for; nothing when the ids do not tell. */
export function dueStep(list) {
  if (list.length === 1) return "append";
  const times = list.map(({ kid }) => made(kid));
  if (times.some(time => !time)) return;
  const first = times[0];
  const last = times.at(-1);
  const others = times.slice(0, -1);
  if (others.every(time => newer(last, time))) return "promote";
  if (times.slice(1).every(time => newer(first, time))) return "remove";
}

/**
 * The next list. `step` overrules what the ids cannot tell, never what they do tell: promoting or removing
 * out of turn logs people out. `wait` (ms) is how long an old key may still be needed.
 */
export function rotate(list, { step, prefix, today, wait, now = false, taken = new Set(), random } = {}) {
  const due = dueStep(list);
  const chosen = step ?? due;
  if (!chosen) throw new KeyListError("the key ids do not tell which step is next; say it with --step append, promote or remove");
  if (due && chosen !== due && !(chosen === "append" && due === "remove")) {
    throw new KeyListError(`the step that is next is "${due}", not "${chosen}": ${WHY[due]}`);
  }
  if (chosen === "append") {
    const kid = newId(prefix, today, new Set([...taken, ...list.map(entry => entry.kid)]));
    return { step: chosen, list: [...list, { kid, key: newKey(random) }], added: kid };
  }
  if (list.length < 2) throw new KeyListError(`"${chosen}" needs a list of at least two keys`);
  const last = list.at(-1);
  const rest = list.slice(0, -1);
  if (chosen === "promote") return { step: chosen, list: [last, ...rest], promoted: last.kid };
  // The last key was in use until the one before it came first, which was not before that one was made.
  const successor = made(rest.at(-1).kid);
  const earliest = successor && new Date(successor.day + wait);
  if (earliest && earliest > today && wait >= DAY && !now) {
    throw new KeyListError(
      `too early: sessions that ${last.kid} signed may live until ${earliest.toISOString().slice(0, 10)} or later. ` +
      "If your longest session is shorter, say so with --longest; to log these users out, say --now.",
    );
  }
  return { step: chosen, list: rest, removed: last.kid };
}

const WHY = {
  append: "a list of one key has none to promote or remove",
  promote: "the newest key is last in the list, so nothing signs with it yet",
  remove: "the newest key is first, so the oldest one is waiting to go",
};
