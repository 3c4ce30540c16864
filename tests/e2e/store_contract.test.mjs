// What every store does, case by case (tests/data/store_contract.json), by the Durable Object and by KV on workerd. The same cases run
// natively in tests/store_contract.rs, against a late KV too: workerd's own is never late.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Browser, application, cookieIn } from "./harness/app.mjs";
import { startGate } from "./harness/gate.mjs";
import { controlClaims, controlHeader, sign } from "./harness/jws.mjs";
import { BROWSER, send } from "./harness/raw.mjs";

const { config, cases } = JSON.parse(readFileSync(new URL("../data/store_contract.json", import.meta.url)));

// One case on one gate. All cases share it, so each has users of its own.
class Run {
  #browsers = new Map();
  #sids = new Map();
  #messages = new Map();

  constructor(gate, number) {
    this.gate = gate;
    this.number = number;
  }

  #own = (sub) => (typeof sub === "string" ? `${sub}-${this.number}` : sub);

  #browser(name) {
    if (!this.#browsers.has(name)) this.#browsers.set(name, new Browser(this.gate));
    return this.#browsers.get(name);
  }

  async step(step) {
    const verb = ["advance", "copy", "say", "expect", "open", "logout", "has", "tell", "list"].find((name) => name in step);
    await this[verb](step);
  }

  advance = ({ advance }) => this.gate.advance(advance * 1000);

  copy({ copy, to }) {
    this.#browsers.set(to, this.#browser(copy).copy());
    this.#sids.set(to, [...(this.#sids.get(copy) ?? [])]);
  }

  async say({ say, op, status = 200 }) {
    const answer = await this.#browser(say).does({ ...op, ...(op.sub && { sub: this.#own(op.sub) }) });
    assert.equal(answer.status, status, answer.text);
    if (status !== 200 || !["create", "rotate"].includes(op.op)) return;
    const before = op.op === "create" ? [] : (this.#sids.get(say) ?? []);
    this.#sids.set(say, [...before, this.gate.origin.last.claims.jti]);
  }

  async expect({ expect, session }) {
    const claims = await this.#browser(expect).claims();
    if (session === null) return assert.equal(claims.sid, undefined);
    assert.ok(claims.sid, "nobody is there");
    const special = { sub: this.#own, sid: (name) => this.#sids.get(name).at(-1) };
    for (const [member, value] of Object.entries(session)) {
      assert.deepEqual(claims[member] ?? null, special[member]?.(value) ?? value, member);
    }
  }

  async open({ open, gives, lost = false }) {
    const browser = this.#browser(open);
    const answer = await (lost ? browser.copy() : browser).open("/");
    assert.equal(answer.status, 200);
    assert.equal(Boolean(cookieIn(answer)?.value), gives);
  }

  async logout({ logout }) {
    assert.equal((await this.#browser(logout).send("POST", "/.edge-session/logout", BROWSER.fetch, "")).status, 204);
  }

  has({ has, is }) {
    assert.equal(this.#browser(has).id !== undefined, is);
  }

  async tell({ tell, sid, jti, same = false, status }) {
    const [name, first] = sid?.split(":") ?? [];
    const sids = this.#sids.get(name);
    const operation = { ...tell, ...(tell.sub && { sub: this.#own(tell.sub) }), ...(sid && { sid: sids.at(first ? 0 : -1) }) };
    const claims = controlClaims(this.gate, undefined, operation, Math.floor((await this.gate.now()) / 1000));
    if (jti) claims.jti = `${jti}-${this.number}`;
    const message = same ? this.#messages.get(jti) : sign(controlHeader(this.gate), claims, this.gate.originKey.bytes);
    if (!this.#messages.has(jti)) this.#messages.set(jti, message);
    const answer = await send(this.gate, "POST", "/.edge-session/control", [], message);
    assert.equal(answer.status, status, answer.text);
    return answer;
  }

  async list({ list, are }) {
    const { sessions } = (await this.tell({ tell: { op: "list", sub: list }, status: 200 })).json();
    assert.deepEqual(sessions.map(({ sid }) => sid), are.map((name) => this.#sids.get(name).at(-1)));
  }
}

for (const store of ["durable", "kv"]) {
  test(`the contract, by store = "${store}"`, async (t) => {
    const gate = await startGate({ kv: store === "kv", config: { ...config, store } });
    t.after(() => gate.stop());
    application(gate);
    for (const [number, { name, steps }] of cases.entries()) {
      await t.test(name, async () => {
        const run = new Run(gate, number);
        for (const [at, step] of steps.entries()) {
          await run.step(step).catch((error) => {
            throw new Error(`step ${at} ${JSON.stringify(step)}`, { cause: error });
          });
        }
      });
    }
    await gate.logsArrived();
    assert.deepEqual(gate.events("store.fault"), []);
  });
}
