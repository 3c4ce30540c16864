// An application that does what a test tells it, and browsers in front of the gate.
//
//   const app = application(gate);
//   const alice = new Browser(gate);
//   await alice.login("alice");
//   await alice.does({ op: "update", set: { cart: 3 } });
//   (await alice.claims()).data.cart === 3
import { Jar, parseSetCookie } from "./cookies.mjs";
import { control } from "./jws.mjs";
import { BROWSER, send } from "./raw.mjs";

export const SESSION = "__Host-session";
export const FRESH = "__Host-session-fresh";

const pathOf = (url) => url.split("?", 1)[0];

// Puts the application behind the gate. A POST to /do carries out the operation that is its body; everything else is answered "ok",
// unless the test says otherwise with `on`.
export function application(gate) {
  const routes = new Map();
  const holds = new Map();
  gate.origin.handler = async (recorded, response) => {
    const path = pathOf(recorded.url);
    const hold = holds.get(path)?.shift();
    if (hold) {
      hold.arrive(recorded);
      await hold.released;
    }
    const route = routes.get(path);
    if (route) return route(recorded, response);
    if (path === "/do") {
      const { status = 200, headers = {}, ...operation } = JSON.parse(recorded.body);
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.setHeader("Edge-Session-Control", control(gate, recorded, operation));
      response.statusCode = status;
      return response.end(status === 204 || status === 304 ? undefined : "done");
    }
    return response.end("ok");
  };
  return {
    on: (path, answer) => routes.set(path, answer),
    off: (path) => routes.delete(path),
    // The next request to this path waits at the application: `arrived` resolves to it, `release()` lets it be answered.
    hold(path) {
      const hold = {};
      hold.arrived = new Promise((resolve) => (hold.arrive = resolve));
      hold.released = new Promise((resolve) => (hold.release = resolve));
      holds.set(path, [...(holds.get(path) ?? []), hold]);
      return hold;
    },
  };
}

// The Set-Cookie of one of our cookies in a response, taken apart; undefined when there is none.
export function cookieIn(response, name = SESSION) {
  const found = response.all("set-cookie").map(parseSetCookie).filter((cookie) => cookie.name === name);
  if (found.length > 1) throw new Error(`${name} was set ${found.length} times`);
  return found[0];
}

let asked = 0;

let users = 0;

// A user whom no other test of this process has.
export const newUser = () => `user-${(users += 1)}`;

export class Browser {
  constructor(gate, jar = new Jar()) {
    this.gate = gate;
    this.jar = jar;
  }

  // Another browser with a copy of these cookies, as a thief or a restored backup has them.
  copy() {
    return new Browser(this.gate, this.jar.copy());
  }

  get id() {
    return this.jar.get(SESSION);
  }

  async send(method, path, headers = BROWSER.fetch, body = undefined, options = {}) {
    return this.jar.take(await send(this.gate, method, path, [...headers, ["Cookie", this.jar.header]], body, options));
  }

  // A link that is followed, or an address that is typed.
  open(path = "/", headers = BROWSER.navigate) {
    return this.send("GET", path, headers);
  }

  // A script of the site reads something.
  read(path = "/") {
    return this.send("GET", path, BROWSER.fetch);
  }

  // A POST by the site's own page, in answer to which the application carries out an operation.
  does(operation, path = "/do") {
    return this.send("POST", path, BROWSER.fetch, JSON.stringify(operation));
  }

  async login(sub = "alice", more = {}) {
    const answer = await this.does({ op: "create", sub, ...more });
    if (answer.status !== 200 || !cookieIn(answer)?.value) throw new Error(`the login failed: ${answer.status} ${answer.text}`);
    return this;
  }

  // A change like any other: neither the isolate knows anything of the session afterwards, nor the browser of a change.
  async forgotten() {
    const { status } = await this.does({ op: "update" });
    if (status !== 200) throw new Error(`the update failed: ${status}`);
    this.jar.delete(FRESH);
    return this;
  }

  // What the application is told of this browser, on a request for which the store is always asked. Changes no cookie.
  async claims(path = "/claims") {
    asked += 1;
    const url = `${path}?${asked}`;
    const answer = await send(this.gate, "POST", url, [...BROWSER.fetch, ["Cookie", this.jar.header]], "");
    const recorded = this.gate.origin.requests.find((request) => request.url === url);
    if (recorded === undefined) throw new Error(`not forwarded: ${answer.status} ${answer.text}`);
    return recorded.claims;
  }

  // Who the application takes this browser for: a subject, or undefined.
  async who() {
    return (await this.claims()).sub;
  }
}

// A browser whose latest change is longer ago than its fresh cookie lives, and that the gate remembers nothing of.
export async function settledBrowser(gate, sub = newUser(), more) {
  const browser = await (await new Browser(gate).login(sub, more)).forgotten();
  await gate.forgetCalls();
  return browser;
}

// How many store calls these requests cost.
export async function storeCalls(gate, act) {
  await gate.forgetCalls();
  await act();
  return (await gate.storeCalls()).length;
}

// Waits until a condition holds, for what nobody announces.
export async function eventually(condition, timeout = 10_000) {
  const deadline = performance.now() + timeout;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

// The log's events of this name, once there are so many of them: lines arrive a little later than answers.
export async function logged(gate, name, count = 1) {
  await eventually(() => gate.events(name).length >= count);
  return gate.events(name);
}
