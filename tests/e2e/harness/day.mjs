// One user's day in a web application, always the same, through a gate that counts (counting.js).
//
//   08:30  opens the site without a session (landing page, login page), signs in, works: 13 pages; after 20 idle minutes 6 more
//   11:00  comes back: the session is over, so the next page leads to the login; signs in, 11 pages
//   15:00  the same, with 15 pages and ten idle minutes among them; then logs out
//
// Every page is a navigation and, once it is there, 20 subresources, all of them with the session cookie and on paths that are not
// public: nothing is made cheaper by a rule. How long a page is looked at is THINK, in turn: half of them less than ten seconds, some more
// than a minute, as web pages are. On every second page a script makes two API calls while the user looks at it. Every fourth page ends
// with a form that is posted and answered with a redirect; every second of those changes the session's data.
//
// One isolate sees it all, and keeps its memory. Objects lose theirs after ten seconds without a request, as they do on the platform.
import { Browser, FRESH, SESSION, application } from "./app.mjs";
import { startGate } from "./gate.mjs";
import { BROWSER } from "./raw.mjs";

export const SUBRESOURCES = 20;
export const THINK = [4, 12, 7, 30, 5, 18, 9, 75, 6, 22]; // seconds
const SECOND = 1000;
const MINUTE = 60 * SECOND;
// Far ahead: an alarm of this day never goes off by itself.
const MIDNIGHT = Date.UTC(2100, 0, 4);

// A gate that counts, with its clock in the test's hand.
export async function startCounting({ store = "durable", ...config } = {}) {
  const gate = await startGate({
    entry: "counting.js",
    kv: store === "kv",
    config: {
      store,
      default_access: "optional",
      login_url: "/login",
      paths: [{ path: "/app/*", access: "required" }],
      log: { level: "warn" },
      ...config,
    },
  });
  const app = application(gate);
  app.on("/app/form", (recorded, response) => response.writeHead(303, { Location: "/app/page" }).end());
  let now = MIDNIGHT;

  // Everything that was going on behind the answers is done.
  const quiet = async () => {
    for (;;) {
      const seen = await gate.order({});
      if (seen.underWay === 0) return seen;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  // Lets time pass, and wakes the objects whose time has come.
  const until = async (time) => {
    for (;;) {
      const { wakings } = await quiet();
      const [first] = wakings.sort((one, other) => one[1] - other[1]);
      if (first === undefined || first[1] > time) break;
      now = Math.max(now, first[1]);
      await evict();
      await gate.order({ freeze: now, alarm: first[0] });
    }
    if (time - now >= 10 * SECOND) await evict();
    now = time;
    await gate.order({ freeze: now });
  };
  const evict = async () => {
    const names = await gate.forgetCalls();
    for (const name of new Set(names)) await gate.objects.evict(name);
  };
  await gate.order({ freeze: now });
  return {
    gate,
    now: () => now,
    until,
    wait: (ms) => until(now + ms),
    // What was counted since the last time this was asked.
    counts: async () => {
      await quiet();
      const { counts } = await gate.order({ recount: true });
      return counts;
    },
    stop: () => gate.stop(),
  };
}

// Someone in front of such a gate.
export class Visitor {
  requests = 0;
  #fresh = 0;

  constructor(counting, sub = "user-1") {
    this.counting = counting;
    this.sub = sub;
    this.browser = new Browser(counting.gate);
  }

  async send(method, path, headers, body) {
    if (this.counting.now() >= this.#fresh) this.browser.jar.delete(FRESH);
    this.requests += 1;
    const answer = await this.browser.send(method, path, headers, body);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    const line = answer.all("set-cookie").find((cookie) => cookie.startsWith(`${FRESH}=`));
    if (line) this.#fresh = this.counting.now() + Number(/Max-Age=(\d+)/.exec(line)[1]) * SECOND;
    return answer;
  }

  // A page with all that belongs to it. Where a login is needed, the login page.
  async page(path = "/app/page") {
    await this.counting.wait(200);
    const answer = await this.send("GET", path, BROWSER.navigate);
    if (answer.status === 302) return this.page("/login");
    await this.counting.wait(300);
    await this.reads(SUBRESOURCES, path.startsWith("/app/") ? "/app/part" : "/part");
    return answer;
  }

  // Scripts and pages read this many things: the first one, and then the others at once.
  async reads(count, path) {
    const read = (i) => this.send("GET", `${path}?${i}`, BROWSER.fetch);
    await read(0);
    await Promise.all(Array.from({ length: count - 1 }, (_, i) => read(i + 1)));
  }

  // A form, answered with a redirect.
  post(path = "/app/form") {
    return this.send("POST", path, BROWSER.submit, "a=1");
  }

  // A form in answer to which the application changes the session.
  does(operation) {
    return this.send("POST", "/do", BROWSER.submit, JSON.stringify({ status: 303, headers: { Location: "/app/page" }, ...operation }));
  }

  async login() {
    await this.does({ op: "create", sub: this.sub, data: { name: "A. User", cart: [] } });
    if (!this.browser.jar.get(SESSION)) throw new Error("the login failed");
  }

  logout() {
    return this.send("POST", "/.edge-session/logout", BROWSER.submit, "");
  }

  // Works through this many pages, the first of which is there already.
  async work(pages, from = 0) {
    for (let i = from; i < from + pages; i += 1) {
      const think = THINK[i % THINK.length] * SECOND;
      await this.counting.wait(think / 2);
      if (i % 2 === 1) await this.reads(2, "/app/api");
      await this.counting.wait(think / 2);
      if (i === from + pages - 1) return;
      if (i % 8 === 7) await this.does({ op: "update", set: { cart: [i] } });
      else if (i % 4 === 3) await this.post();
      await this.page();
    }
  }

  async signInAndWork(pages, from) {
    await this.counting.wait(15 * SECOND);
    await this.login();
    await this.page();
    await this.work(pages, from);
  }
}

// Lives the day. Resolves to { requests, counts }.
export async function day(counting) {
  const user = new Visitor(counting);
  const at = (hours, minutes) => counting.until(MIDNIGHT + (hours * 60 + minutes) * MINUTE);
  await counting.counts();

  await at(8, 30);
  await user.page("/");
  await counting.wait(8 * SECOND);
  await user.page("/login");
  await user.signInAndWork(13, 0);
  await counting.wait(20 * MINUTE);
  await user.page();
  await user.work(6, 13);

  await at(11, 0);
  await user.page();
  await user.signInAndWork(11, 19);

  await at(15, 0);
  await user.page();
  await user.signInAndWork(8, 30);
  await counting.wait(10 * MINUTE);
  await user.page();
  await user.work(7, 38);
  await user.logout();
  await user.page("/");

  await at(24, 0); // the alarms of the evening belong to the day
  return { requests: user.requests, counts: await counting.counts() };
}
