// The shared vectors, which the Rust core makes and judges too.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Refused, makeVerify } from "../src/assertion.js";
import { makeSign, signText } from "../src/control.js";
import { checkSize, difference, sizeOf, textsOf, valuesOf } from "../src/data.js";
import { parseKeys } from "../src/keys.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/vectors.json", import.meta.url)));
const keys = parseKeys(vectors.keys);
const verify = makeVerify({ ...vectors, keys });
const keyOf = (header) => keys.find(({ kid }) => kid === JSON.parse(header).kid).key;

test("an assertion is accepted exactly where the core says so, with the same claims", async (t) => {
  for (const { name, token, now, accept, claims } of vectors.assertions) {
    await t.test(name, async () => {
      if (accept) assert.deepEqual(await verify(token, now * 1000), claims);
      else await assert.rejects(verify(token, now * 1000), Refused);
    });
  }
});

test("an assertion of another algorithm is refused, whoever signed it", async () => {
  const { token } = vectors.assertions.find(({ name }) => name === "a user");
  const [header, payload] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
  const text = signText(keys[0].key, header.replace("HS256", "HS512"), payload).split(".").slice(0, 2).join(".");
  const tag = createHmac("sha512", keys[0].key).update(text).digest("base64url");
  await assert.rejects(verify(`${text}.${tag}`, vectors.now * 1000), Refused);
});

test("a control that is longer than the gate takes is an error of the application", () => {
  const sign = makeSign({ ...vectors, keys });
  assert.throws(() => sign({ req: "r", op: "update", set: { a: "x".repeat(6000) } }, vectors.now), { code: "EDGE_SESSION_DATA" });
});

test("a control is signed byte for byte as the core expects it", () => {
  for (const { name, header, payload, token, accept } of [...vectors.controls, ...vectors.out_of_band]) {
    if (accept) assert.equal(signText(keyOf(header), header, payload), token, name);
  }
});

test("a control of the kit is one that the core accepts", () => {
  const sign = makeSign({ ...vectors, keys });
  const expected = vectors.controls.find(({ name }) => name === "create, a user");
  const { header, payload } = Object.fromEntries(["header", "payload"].map((part, i) => [part, JSON.parse(Buffer.from(sign({ req: expected.req, op: "create", data: { cart: 3 }, sub: "user-17" }, expected.now).split(".")[i], "base64url"))]));
  assert.deepEqual(header, JSON.parse(expected.header));
  assert.deepEqual(payload, JSON.parse(expected.payload));
});

test("data is refused where the core refuses it, and has as many bytes as there", () => {
  for (const { name, json, accept, bytes } of vectors.data) {
    const data = JSON.parse(json);
    if (Array.isArray(data)) continue; // req.session is no list
    const check = () => valuesOf(textsOf(data));
    if (!accept) assert.throws(check, { code: "EDGE_SESSION_DATA" }, name);
    else {
      assert.deepEqual(check(), data, name);
      assert.equal(sizeOf(textsOf(data)), bytes, name);
      if (bytes > 2048) assert.throws(() => checkSize(textsOf(data), 2048), /2049 bytes; the limit is 2048/);
      else checkSize(textsOf(data), 2048);
    }
  }
});

test("two states of the data differ as the core applies it", () => {
  for (const { name, before, after, set, unset } of vectors.changes) {
    const found = difference(textsOf(before), textsOf(after));
    assert.deepEqual({ set: {}, unset: [], ...found }, { set, unset }, name);
  }
});
