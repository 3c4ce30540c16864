// The session's data as JSON: what differs, what it weighs, and what it can't hold.
import { SessionDataError } from "./control.js";

const DEEPEST = 16; // the data itself is the first level
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;

// Each top-level member's JSON text. As everywhere in JSON, functions and undefined are left out, and toJSON counts.
export function textsOf(data) {
  const texts = new Map();
  for (const name of Object.keys(data)) {
    const text = textOf(name, data[name]);
    if (text !== undefined) texts.set(name, text);
  }
  return texts;
}

function textOf(name, value) {
  try {
    return JSON.stringify(value, (key, inner) => {
      const where = key === "" ? name : `${name}…${key}`;
      if (typeof inner === "number" && !Number.isFinite(inner)) throw new SessionDataError(`session.${where} is ${inner}, which JSON can't hold`);
      if (typeof inner === "bigint") throw new SessionDataError(`session.${where} is a BigInt, which JSON can't hold; keep it as text`);
      if (inner instanceof Map || inner instanceof Set) throw new SessionDataError(`session.${where} is a ${inner.constructor.name}, which JSON can't hold; keep it as an array`);
      return inner;
    });
  } catch (error) {
    if (error instanceof SessionDataError) throw error;
    throw new SessionDataError(`session.${name} is not JSON: ${error.message.split("\n", 1)[0]}`);
  }
}

// The same for comparing only: of what JSON can't hold it says just that.
export function glance(data) {
  return new Map(Object.keys(data ?? {}).map((name) => {
    try {
      return [name, textOf(name, data[name])];
    } catch {
      return [name, "?"];
    }
  }));
}

// The names of the members that are not as they were at a glance.
export function changedSince(seen, data) {
  const now = glance(data);
  return [...new Set([...seen.keys(), ...now.keys()])].filter((name) => seen.get(name) !== now.get(name));
}

// The members of `texts` with these names, or all, as values; throws when the gate would refuse one.
export function valuesOf(texts, names = texts.keys()) {
  const members = [];
  for (const name of names) {
    const value = JSON.parse(texts.get(name));
    checkText(name, name);
    if (name === "__proto__") throw new SessionDataError("session data can't have a member __proto__");
    check(value, name, DEEPEST - 1);
    members.push([name, value]);
  }
  return Object.fromEntries(members);
}

function check(value, where, levels) {
  if (typeof value === "string") checkText(value, where);
  else if (typeof value === "number") {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new SessionDataError(`session.${where} is an integer that JavaScript does not hold exactly; keep it as text`);
  } else if (value !== null && typeof value === "object") {
    if (levels === 0) throw new SessionDataError(`session.${where} is more than ${DEEPEST} levels deep`);
    for (const name of Object.keys(value)) {
      if (name === "__proto__") throw new SessionDataError(`session.${where} has a member __proto__`);
      checkText(name, where);
      check(value[name], where, levels - 1);
    }
  }
}

function checkText(text, where) {
  if (!text.isWellFormed() || NONCHARACTER.test(text)) throw new SessionDataError(`session.${where} holds half a character or a noncharacter`);
}

// Bytes of the whole as compact UTF-8 JSON.
export function sizeOf(texts) {
  let size = 2 + Math.max(0, texts.size - 1);
  for (const [name, text] of texts) size += Buffer.byteLength(JSON.stringify(name)) + 1 + Buffer.byteLength(text);
  return size;
}

export function checkSize(texts, limit) {
  const size = sizeOf(texts);
  if (size <= limit) return;
  const [name, text] = [...texts].sort(([, a], [, b]) => b.length - a.length)[0];
  throw new SessionDataError(`the session's data has ${size} bytes; the limit is ${limit} (session.${name} alone has ${Buffer.byteLength(text)}). Keep large things in your database`);
}

// What turns `before` into `after`: { set, unset }, each only where it is needed.
export function difference(before, after) {
  const changed = [...after.keys()].filter((name) => after.get(name) !== before.get(name));
  const gone = [...before.keys()].filter((name) => !after.has(name)).sort();
  return {
    ...(changed.length > 0 && { set: valuesOf(after, changed) }),
    ...(gone.length > 0 && { unset: gone }),
  };
}

// Whether nothing is in it but empty lists and objects, such as connect-flash leaves behind when it is only asked.
export const isHollow = (texts) => [...texts.values()].every((text) => text === "{}" || text === "[]");
