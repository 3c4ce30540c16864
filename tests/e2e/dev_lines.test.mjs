// The lines that scripts/dev --origin URL prints for an application of one's own: what they accept, and that they refuse the rest.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { edgeSession } from "../../scripts/demo/ten-lines.mjs";
import { sign } from "./harness/jws.mjs";

const [newest, older] = [randomBytes(32), randomBytes(32)];
const [issuer, audience] = ["http://localhost:8787", "app"];
const gate = edgeSession({ issuer, audience, keys: `k2:${newest.toString("base64url")},k1:${older.toString("base64url")}` });

const now = () => Math.floor(Date.now() / 1000);
const header = (given = {}) => ({ alg: "HS256", typ: "edge-session-assertion+jwt", kid: "k2", ...given });
const claims = (given = {}) => ({ iss: issuer, aud: audience, iat: now(), exp: now() + 60, jti: "r1", ...given });

test("an assertion of any listed key is accepted, with clocks up to a minute apart", () => {
  assert.equal(gate.verify(sign(header(), claims({ sub: "ada" }), newest)).sub, "ada");
  assert.equal(gate.verify(sign(header({ kid: "k1" }), claims(), older)).jti, "r1");
  assert.equal(gate.verify(sign(header(), claims({ iat: now() - 110, exp: now() - 50 }), newest)).jti, "r1");
  assert.equal(gate.verify(sign(header(), claims({ iat: now() + 50, exp: now() + 110 }), newest)).jti, "r1");
});

test("everything else is refused", () => {
  const good = sign(header(), claims(), newest);
  const [head, body, mac] = good.split(".");
  const other = sign(header(), claims({ sub: "mallory" }), newest).split(".")[1];
  const refused = {
    "no assertion": "",
    "another key": sign(header(), claims(), randomBytes(32)),
    "the key of another id": sign(header({ kid: "k1" }), claims(), newest),
    "an unknown key id": sign(header({ kid: "k3" }), claims(), newest),
    "another payload": `${head}.${other}.${mac}`,
    "no signature": `${head}.${body}.`,
    "two parts": `${head}.${body}`,
    "four parts": `${good}.${mac}`,
    "a signature that is spelt otherwise": `${good}=`,
    "another algorithm": sign(header({ alg: "none" }), claims(), newest),
    "a control": sign(header({ typ: "edge-session-control+jwt" }), claims(), newest),
    "another issuer": sign(header(), claims({ iss: "http://localhost:9999" }), newest),
    "another audience": sign(header(), claims({ aud: "api" }), newest),
    "an expired one": sign(header(), claims({ iat: now() - 130, exp: now() - 70 }), newest),
    "one without an end": sign(header(), claims({ exp: undefined }), newest),
    "one of the future": sign(header(), claims({ iat: now() + 70, exp: now() + 130 }), newest),
  };
  for (const [what, assertion] of Object.entries(refused)) assert.throws(() => gate.verify(assertion), what);
});

test("a control is signed with the newest key, for the gate, and lives shorter than a minute", async () => {
  const control = gate.control("create", { req: "r1", sub: "ada" });
  assert.deepEqual(decodeProtectedHeader(control), { alg: "HS256", typ: "edge-session-control+jwt", kid: "k2" });
  const { payload } = await jwtVerify(control, newest, { issuer: audience, audience: issuer });
  const { iat, exp, ...rest } = payload;
  assert.deepEqual(rest, { iss: audience, aud: issuer, op: "create", req: "r1", sub: "ada" });
  assert.ok(exp - iat >= 30 && exp - iat < 60);
});
