// The lines that scripts/dev --origin URL prints for an application of one's own: what they accept, and that they refuse the rest.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { adoption } from "../../scripts/demo/announce.mjs";
import { adopt } from "./harness/dev.mjs";
import { sign } from "./harness/jws.mjs";

const [newest, older] = [randomBytes(32), randomBytes(32)];
const [issuer, audience] = ["http://localhost:8787", "app"];
const keys = `k2:${newest.toString("base64url")},k1:${older.toString("base64url")}`;
const { gate, lines } = await adopt(adoption({ issuer, audience, keys, access: "required" }));

const now = () => Math.floor(Date.now() / 1000);
const header = (given = {}) => ({ alg: "HS256", typ: "edge-session-assertion+jwt", kid: "k2", ...given });
const claims = (given = {}) => ({ iss: issuer, aud: audience, iat: now(), exp: now() + 60, jti: "r1", ...given });

test("they are ten, of a width that can be read", () => {
  assert.ok(lines.length <= 10, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= 160, line);
});

test("an assertion of any listed key is accepted, with clocks up to a minute apart", async () => {
  assert.equal((await gate.verify(sign(header(), claims({ sub: "ada" }), newest))).sub, "ada");
  assert.equal((await gate.verify(sign(header({ kid: "k1" }), claims(), older))).jti, "r1");
  assert.equal((await gate.verify(sign(header(), claims({ iat: now() - 110, exp: now() - 50 }), newest))).jti, "r1");
  assert.equal((await gate.verify(sign(header(), claims({ iat: now() + 50, exp: now() + 110 }), newest))).jti, "r1");
  assert.equal((await gate.verify(sign(header(), claims({ iat: now() - 899, exp: now() + 1 }), newest))).jti, "r1", "the longest assertion.ttl");
});

test("everything else is refused", async () => {
  const good = sign(header(), claims(), newest);
  const [head, body, mac] = good.split(".");
  const other = sign(header(), claims({ sub: "mallory" }), newest).split(".")[1];
  const refused = {
    "no header": undefined,
    "no assertion": "",
    "another key": sign(header(), claims(), randomBytes(32)),
    "the key of another id": sign(header({ kid: "k1" }), claims(), newest),
    "an unknown key id": sign(header({ kid: "k3" }), claims(), newest),
    "another payload": `${head}.${other}.${mac}`,
    "no signature": `${head}.${body}.`,
    "two parts": `${head}.${body}`,
    "four parts": `${good}.${mac}`,
    "a signature that is spelt otherwise": `${good}=`,
    "white space in it": `${head}.${body} .${mac}`,
    "two headers": `${good}, ${good}`,
    "another algorithm": sign(header({ alg: "none" }), claims(), newest),
    "a control": sign(header({ typ: "edge-session-control+jwt" }), claims(), newest),
    "another issuer": sign(header(), claims({ iss: "http://localhost:9999" }), newest),
    "an unsecured one": `${Buffer.from('{"alg":"none","typ":"edge-session-assertion+jwt"}').toString("base64url")}.${body}.`,
    "another audience": sign(header(), claims({ aud: "api" }), newest),
    "an expired one": sign(header(), claims({ iat: now() - 130, exp: now() - 70 }), newest),
    "one without an end": sign(header(), claims({ exp: undefined }), newest),
    "one of the future": sign(header(), claims({ iat: now() + 70, exp: now() + 130 }), newest),
  };
  for (const [what, assertion] of Object.entries(refused)) await assert.rejects(gate.verify(assertion), undefined, what);
});

test("a control is signed with the newest key, for the gate, and lives shorter than a minute", async () => {
  const control = await gate.control("create", { req: "r1", sub: "ada" });
  assert.deepEqual(decodeProtectedHeader(control), { alg: "HS256", typ: "edge-session-control+jwt", kid: "k2" });
  const { payload } = await jwtVerify(control, newest, { issuer: audience, audience: issuer });
  const { iat, exp, ...rest } = payload;
  assert.deepEqual(rest, { iss: audience, aud: issuer, op: "create", req: "r1", sub: "ada" });
  assert.ok(exp - iat >= 30 && exp - iat < 60);
});
