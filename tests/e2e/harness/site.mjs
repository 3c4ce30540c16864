// A small site behind the gate for a real browser, and another site beside it that means no good.
//
//   const site = await startSite();
//   const { page } = await site.visitor();      // a browser context of its own, as if another person's
//   await site.signIn(page, "alice");
//   await site.stop();
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { application, FRESH, SESSION } from "./app.mjs";
import { ARGUMENTS, findBrowser } from "./browser.mjs";
import { startGate } from "./gate.mjs";
import { control } from "./jws.mjs";

export const html = (body) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Test</title>${body}`;

export function sendHtml(response, body, headers = {}) {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", ...headers });
  response.end(html(body));
}

// The pages of the site; a test adds its own with site.app.on.
//   /            who is there, if anyone            /login             a form; its POST makes a session and leads to return_to
//   /private/*   needs a session                    /private/page      who, the data, and forms that change it
//   /private/note  POST: data.note, then back       /private/everywhere  POST: ends all sessions of the user
export async function startSite(config = {}, { chromium: launch = {} } = {}) {
  const gate = await startGate({
    config: { default_access: "optional", login_url: "/login", paths: [{ path: "/private/*", access: "required" }, { path: "/favicon.ico", access: "public" }], ...config },
  });
  const app = application(gate);
  const at = (path) => gate.issuer + path;
  const seeOther = (response, location) => response.writeHead(303, { Location: location }).end();
  const instruct = (recorded, response, operation) => response.setHeader("Edge-Session-Control", control(gate, recorded, operation));

  // What the next logins say beside `sub`.
  const site = { gate, app, at, instruct, seeOther, loginWith: {} };
  app.on("/", (recorded, response) => sendHtml(response, `<p id="who">${recorded.claims.sub ?? "nobody"}</p>`));
  app.on("/login", (recorded, response) => {
    if (recorded.method !== "POST") {
      return sendHtml(response, `<form method="post"><input name="user"><label><input type="checkbox" name="remember">Remember me</label><button>Sign in</button></form>`);
    }
    const form = new URLSearchParams(recorded.body.toString());
    const back = new URL(recorded.url, gate.issuer).searchParams.get("return_to");
    instruct(recorded, response, { op: "create", sub: form.get("user"), ...(form.has("remember") ? { remember: true } : {}), ...site.loginWith });
    response.setHeader("Set-Cookie", ["app=1; Path=/", "theme=dark; Path=/; Max-Age=60"]);
    return seeOther(response, back ?? "/private/page");
  });
  app.on("/private/page", (recorded, response) => {
    const { sub, data } = recorded.claims;
    const form = (action, label, fields = "") => `<form method="post" action="${action}">${fields}<button>${label}</button></form>`;
    sendHtml(
      response,
      `<p id="who">${sub}</p><p id="note">${data.note ?? ""}</p><p id="secret">the account of ${sub}</p>` +
        form("/private/note", "Save", '<input name="note">') + form("/private/everywhere", "Sign out everywhere") + form("/.edge-session/logout", "Sign out"),
    );
  });
  app.on("/private/note", (recorded, response) => {
    instruct(recorded, response, { op: "update", set: { note: new URLSearchParams(recorded.body.toString()).get("note") } });
    seeOther(response, "/private/page");
  });
  app.on("/private/everywhere", (recorded, response) => {
    instruct(recorded, response, { op: "destroy_all" });
    seeOther(response, "/");
  });

  let browser; // from the first visitor on
  // { context, page } of a person with an empty browser. `cookie()` is the session's, `fresh()` the one that says that something changed.
  site.visitor = async () => {
    browser ??= chromium.launch({ executablePath: findBrowser(), headless: true, args: ARGUMENTS, ...launch });
    const context = await (await browser).newContext();
    context.setDefaultTimeout(60_000);
    const cookie = async (name = SESSION) => (await context.cookies(gate.issuer)).find((one) => one.name === name);
    return { context, page: await context.newPage(), cookie, fresh: () => cookie(FRESH) };
  };
  site.signIn = async (page, user = "alice", path = "/private/page") => {
    await page.goto(at(path));
    await page.fill("[name=user]", user);
    await page.click("button");
    await page.waitForURL(at(path));
  };
  // A visitor who has signed in.
  site.member = async (user) => {
    const visitor = await site.visitor();
    await site.signIn(visitor.page, user);
    return visitor;
  };
  // What reached the application since the last forget, as "METHOD /path", but for the icon that Chromium asks for by itself.
  site.reached = () => gate.origin.requests.map(({ method, url }) => `${method} ${url}`).filter((line) => line !== "GET /favicon.ico");
  site.stop = async () => {
    await (await browser)?.close();
    await gate.stop();
  };
  return site;
}

// Another web server, for pages that are not the site's: on 127.0.0.1 it is another site, on localhost it is the same site and another origin.
export async function startOther() {
  const routes = new Map();
  const requests = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const path = request.url.split("?", 1)[0];
    requests.push({ method: request.method, path, body: Buffer.concat(parts).toString() });
    const route = routes.get(path);
    if (route) return route(request, response);
    return sendHtml(response, "<p>another site</p>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    port,
    requests,
    crossSite: `http://127.0.0.1:${port}`,
    sameSite: `http://localhost:${port}`,
    on: (path, answer) => routes.set(path, typeof answer === "string" ? (request, response) => sendHtml(response, answer) : answer),
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

// All answers of the gate that a browser context gets, in order: { method, path, status, setCookies }. Chromium keeps some from the page,
// a picture that is none for one; `tab` is a page whose answers are seen nevertheless.
export async function watch(site, context, tab) {
  const answers = [];
  const waiting = [];
  const pathOf = (address) => {
    const url = new URL(address);
    return url.origin === site.gate.issuer && url.pathname !== "/favicon.ico" ? url.pathname + url.search : undefined;
  };
  context.on("response", (response) => {
    const path = pathOf(response.url());
    if (path === undefined) return;
    const answer = { method: response.request().method(), path, status: response.status(), setCookies: [] };
    answers.push(answer);
    const read = async () => {
      for (const { name, value } of await response.headersArray()) if (name.toLowerCase() === "set-cookie") answer.setCookies.push(...value.split("\n"));
    };
    waiting.push(read().catch(() => {}));
  });
  if (tab) {
    const network = await context.newCDPSession(tab);
    const asked = new Map();
    const answered = new Map();
    const both = (id) => {
      if (asked.has(id) && answered.has(id)) answers.push({ ...asked.get(id), status: answered.get(id), setCookies: [] });
    };
    network.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
      const path = pathOf(request.url);
      if (path === undefined || type === "Document") return;
      asked.set(requestId, { method: request.method, path });
      both(requestId);
    });
    network.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
      answered.set(requestId, statusCode);
      both(requestId);
    });
    await network.send("Network.enable");
  }
  return {
    answers,
    forget: () => answers.splice(0),
    // All session cookies that were set, in order.
    async ids() {
      await Promise.all(waiting);
      return answers.flatMap(({ setCookies }) => setCookies).filter((line) => line.startsWith(`${SESSION}=`)).map((line) => line.split(";", 1)[0]);
    },
  };
}
