// In Chromium: what a page does beside showing text goes through the gate: files both ways, event streams, WebSockets, a partner's requests.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { events } from "./harness/origin.mjs";
import { sendHtml, startOther, startSite } from "./harness/site.mjs";

const bytes = randomBytes(3 << 20);
const digest = createHash("sha256").update(bytes).digest("hex");
const folder = mkdtempSync(join(tmpdir(), "edge-session-files-"));
const file = join(folder, "holiday.bin");
let site;
let partner;
test.before(async () => {
  writeFileSync(file, bytes);
  partner = await startOther();
  site = await startSite({ csrf: { trusted_origins: [partner.sameSite, partner.crossSite] } });
});
test.after(async () => {
  await site?.stop();
  await partner?.stop();
  rmSync(folder, { recursive: true });
});

test("a file is downloaded whole, by whoever has the session", async () => {
  const { page } = await site.member("alice");
  site.app.on("/private/file", (recorded, response) => {
    response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="holiday.bin"', "Content-Length": bytes.length });
    response.end(bytes);
  });
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("a"), { href: "/private/file", textContent: "Download" })));
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download")]);
  assert.equal(download.suggestedFilename(), "holiday.bin");
  const hash = createHash("sha256");
  for await (const part of createReadStream(await download.path())) hash.update(part);
  assert.equal(hash.digest("hex"), digest);
});

test("a file is uploaded whole, by a script and by a form", async () => {
  const { page } = await site.member("alice");
  site.app.on("/private/upload", (recorded, response) => sendHtml(response, `<p id="got">${recorded.length} ${recorded.sha256}</p>`));
  site.app.on("/private/form", (recorded, response) => sendHtml(response, '<form method="post" action="/private/upload" enctype="multipart/form-data"><input type="file" name="file"><button>Send</button></form>'));
  await page.goto(site.at("/private/form"));
  await page.setInputFiles("[name=file]", file);
  const answer = await page.evaluate(async () => (await fetch("/private/upload", { method: "PUT", body: document.querySelector("[name=file]").files[0] })).text());
  assert.ok(answer.includes(`${bytes.length} ${digest}`));
  await page.click("button");
  await page.waitForURL(site.at("/private/upload"));
  const [length] = (await page.textContent("#got")).split(" ");
  assert.ok(Number(length) > bytes.length && Number(length) < bytes.length + 1000, "the file and the form around it");
  assert.equal(site.gate.origin.last.claims.sub, "alice");
});

test("server-sent events arrive in the page as they are sent", async () => {
  const { page } = await site.member("alice");
  let stream;
  const opened = new Promise((resolve) => {
    site.app.on("/private/events", (recorded, response) => {
      stream = events(response);
      resolve(recorded);
    });
  });
  await page.evaluate(() => {
    window.got = [];
    window.source = new EventSource("/private/events");
    window.source.onmessage = ({ data }) => window.got.push(data);
  });
  assert.equal((await opened).claims.sub, "alice");
  for (const text of ["one", "two", "three"]) {
    stream.send(text);
    await page.waitForFunction((last) => window.got.at(-1) === last, text); // before the next is sent, let alone the end
  }
  assert.deepEqual(await page.evaluate(() => window.got), ["one", "two", "three"]);
  await page.evaluate(() => window.source.close());
  stream.end();
});

test("the site's own WebSocket opens with the session and echoes", async () => {
  const { page } = await site.member("alice");
  const got = await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/private/socket`);
    const got = [];
    socket.binaryType = "arraybuffer";
    socket.onerror = () => reject(new Error("refused"));
    socket.onopen = () => {
      socket.send("hello");
      socket.send(new Uint8Array(70_000).fill(7));
    };
    socket.onmessage = ({ data }) => {
      got.push(typeof data === "string" ? data : new Uint8Array(data).filter((one) => one === 7).length);
      if (got.length === 2) socket.close(4321, "bye");
    };
    socket.onclose = ({ code }) => resolve([...got, code]);
  }));
  assert.deepEqual(got, ["hello", 70_000, 4321]);
  const handshake = site.gate.origin.last;
  assert.deepEqual([handshake.url, handshake.claims.sub], ["/private/socket", "alice"]);
});

test("a WebSocket of a page without a session is refused where one is needed", async () => {
  const { page } = await site.visitor();
  await page.goto(site.at("/"));
  site.gate.origin.forget();
  const code = await page.evaluate(() => new Promise((resolve) => {
    new WebSocket(`ws://${location.host}/private/socket`).onclose = (closed) => resolve(closed.code);
  }));
  assert.equal(code, 1006);
  assert.deepEqual(site.reached(), []);
});

for (const [place, base, sub] of [
  ["another origin of the same site", () => partner.sameSite, "alice"],
  ["another site, to which Chromium gives no cookie,", () => partner.crossSite, undefined],
]) {
  test(`a trusted partner on ${place} asks by preflight and is let through${sub ? " with the session" : " without a session"}`, async () => {
    const { page } = await site.member("alice");
    site.app.on("/api", (recorded, response) => {
      const headers = { "Access-Control-Allow-Origin": base(), "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "x-mine" };
      response.writeHead(recorded.method === "OPTIONS" ? 204 : 200, headers).end(recorded.method === "OPTIONS" ? undefined : (recorded.claims.sub ?? "nobody"));
    });
    await page.goto(`${base()}/`);
    site.gate.origin.forget();
    const answer = await page.evaluate(async (address) => (await fetch(address, { method: "PUT", credentials: "include", headers: { "X-Mine": "1" }, body: "x" })).text(), site.at("/api"));
    assert.equal(answer, sub ?? "nobody");
    assert.deepEqual(site.reached(), ["OPTIONS /api", "PUT /api"]);
    const [preflight, put] = site.gate.origin.requests;
    assert.equal(preflight.claims.sub, undefined, "a preflight is nobody's");
    assert.equal(put.header("origin"), base());
  });
}

test("a page of a path without a session, and a page with one, are never answered from Chromium's copy for the other", async () => {
  const { page } = await site.visitor();
  await page.goto(site.at("/"));
  assert.equal(await page.textContent("#who"), "nobody");
  await site.signIn(page, "alice");
  await page.goto(site.at("/"));
  assert.equal(await page.textContent("#who"), "alice");
});
