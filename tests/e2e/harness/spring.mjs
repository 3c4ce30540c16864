// Visitors of the Spring site (origins/spring/site), its forms and what it keeps of them.
import assert from "node:assert/strict";
import { Browser, cookieIn } from "./app.mjs";
import { BROWSER } from "./raw.mjs";

const FORM = ["Content-Type", "application/x-www-form-urlencoded"];
const JSON_TYPE = ["Content-Type", "application/json"];

export class Visitor extends Browser {
  // Spring's CSRF token of this session; asking for it is what a form does.
  async token() {
    return (await this.read("/data")).json().token;
  }

  // A form of the site.
  async submit(path, fields = {}, headers = []) {
    const body = new URLSearchParams({ _csrf: await this.token(), ...fields });
    return this.send("POST", path, [...BROWSER.submit, ["Origin", this.gate.issuer], FORM, ...headers], body.toString());
  }

  async signIn(username, more = {}) {
    const answer = await this.submit("/login", { username, password: "secret", ...more });
    assert.equal(answer.status, 302, answer.text);
    assert.doesNotMatch(answer.header("location"), /error/);
    assert.ok(cookieIn(answer)?.value);
    return this;
  }

  // What the application sees, on a request for which the store is asked; `change` is { set, unset }.
  async state(change = {}) {
    const token = await this.token();
    const answer = await this.send("POST", "/data", [...BROWSER.fetch, ["Origin", this.gate.issuer], JSON_TYPE, ["X-CSRF-TOKEN", token]], JSON.stringify(change));
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }

  async user() {
    return (await this.state()).user;
  }
}
