// A visitor of the Django site in origins/django/tests, who fills in its forms with Django's CSRF token.
import assert from "node:assert/strict";
import { Browser, cookieIn } from "./app.mjs";
import { BROWSER } from "./raw.mjs";

const FORM = ["Content-Type", "application/x-www-form-urlencoded"];

export class Visitor extends Browser {
  // A form of the site, with Django's CSRF token.
  async submit(path, fields = {}, headers = []) {
    if (!this.jar.get("csrftoken")) await this.open("/login");
    const body = new URLSearchParams({ csrfmiddlewaretoken: this.jar.get("csrftoken"), ...fields });
    return this.send("POST", path, [...BROWSER.submit, ["Origin", this.gate.issuer], FORM, ...headers], body.toString());
  }

  async signIn(username, more = {}, password = "secret") {
    const answer = await this.submit("/login", { username, password, ...more });
    assert.equal(answer.status, 302, answer.text);
    assert.ok(cookieIn(answer)?.value);
    return this;
  }

  // What the application sees, on a request for which the store is asked; `change` is { set, unset }.
  async state(change = {}) {
    if (!this.jar.get("csrftoken")) await this.open("/login");
    const answer = await this.send("POST", "/data", [...BROWSER.fetch, ["Origin", this.gate.issuer], ["X-CSRFToken", this.jar.get("csrftoken")]], JSON.stringify(change));
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }

  async user() {
    return (await this.state()).user;
  }
}
