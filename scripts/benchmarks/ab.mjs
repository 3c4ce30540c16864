import { mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";
import { startWorkerd } from "./ab_workerd.mjs";
import { bind, chooseCores, cpuOf } from "./machine.mjs";
import { startOrigin } from "./origin.mjs";
import { HOST, ISSUER, logIn, makeSite } from "./site.mjs";
import { load } from "./load.mjs";
import { requestsOf } from "./cases.mjs";
const SLICES = Number(process.env.SLICES ?? 40), SECONDS = Number(process.env.SECONDS_ ?? 0.25), SHAPE = process.env.SHAPE ?? "get";
const cores = chooseCores(); if (cores) bind(cores.load);
const folder = mkdtempSync("/dev/shm/ab-");
const origin = await startOrigin(); const site = makeSite(origin);
const configuration = { issuer: ISSUER, origin: origin.url, audience: "origin", rotation: { every: "12h" }, paths: [{ path: "/public/*", access: "public" }, { path: "/login", access: "optional" }, { path: "/checked/*", access: "required", freshness: "0s" }] };
const gate = (dir, i) => ({ name: `gate${i}`, entry: join(resolve(dir), "src/shell/entry.js"), build: join(resolve(dir), "build"), classes: ["SessionObject"], bindings: [{ name: "EDGE_SESSION", json: configuration }, { name: "EDGE_SESSION_KEYS", text: `c1:${site.keys.cookie}` }, { name: "EDGE_SESSION_ORIGIN_KEYS", text: `o1:${site.keys.origin}` }, { name: "EDGE_SESSION_LOCATOR_KEY", text: site.keys.locator }, { name: "SESSIONS", objects: { className: "SessionObject" } }] });
const filler = { name: "ASSERTION", text: "x".repeat(Number(process.env.ASSERTION ?? 560)) };
const plain = [{ name: "ORIGIN", text: origin.url }, { name: "HOST", text: HOST }, { name: "ISSUER", text: ISSUER }, filler];
const dirs = process.argv.slice(2);
const workers = [{ name: "header", bindings: [filler] }, { name: "edits", bindings: plain }, ...dirs.map(gate)];
const server = await startWorkerd({ core: cores?.server, folder: join(folder, "w"), storage: join(folder, "s"), origin, workers });
const cases = [];
for (const w of workers) cases.push({ name: w.build ? dirs[Number(w.name.slice(4))] : w.name, port: server.ports[w.name], cookies: w.build ? await logIn(server.ports[w.name]) : undefined });
const some = cases.find((c) => c.cookies)?.cookies;
for (const c of cases) { c.requests = requestsOf(SHAPE, c.cookies ?? some); c.runs = []; await load({ port: c.port, requests: c.requests, connections: 16, seconds: 2, status: 200 }); }
for (let s = 0; s < SLICES; s += 1) for (const c of (s % 2 ? cases : [...cases].reverse())) {
  await load({ port: c.port, requests: c.requests, connections: 16, count: 64, status: 200 });
  const before = cpuOf(server.pids); const m = await load({ port: c.port, requests: c.requests, connections: 16, seconds: SECONDS, status: 200 });
  c.runs.push({ cpu: cpuOf(server.pids) - before, requests: m.requests });
}
const sorted = (a) => a.sort((x, y) => x - y); const med = (a) => sorted(a)[a.length >> 1];
const floor = cases.find((c) => c.name === "edits"), header = cases.find((c) => c.name === "header");
const us = (r) => r.cpu / r.requests;
for (const c of cases) {
  const total = c.runs.reduce((t, r) => t + r.cpu, 0) / c.runs.reduce((t, r) => t + r.requests, 0);
  const ratio = (o) => med(c.runs.map((r, i) => us(r) / us(o.runs[i])));
  const all = c.runs.map(us);
  console.log(c.name.padEnd(32), "mean", total.toFixed(1), "least", Math.min(...all).toFixed(1), "p25", sorted([...all])[SLICES >> 2].toFixed(1), "median", med([...all]).toFixed(1), "/floor", ratio(floor).toFixed(3), "/header", ratio(header).toFixed(3));
}
await server.stop(); await origin.stop(); process.exit(0);
