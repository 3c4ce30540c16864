// scripts/dev as a process, and what runs below it.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { freePort, reserve } from "../../../scripts/ports.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Starts scripts/dev; `started` resolves once `ready` matches what it printed. */
export function dev(args, { ready = /^http:\S+\n/, env } = {}) {
  const child = spawn(join(root, "scripts/dev"), args, { cwd: tmpdir(), env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const run = { child, out: "", err: "" };
  run.ended = new Promise(resolve => child.once("close", (code, signal) => resolve({ code, signal })));
  run.started = new Promise((resolve, reject) => {
    child.stdout.on("data", data => {
      run.out += data;
      if (ready.test(run.out)) resolve();
    });
    child.stderr.on("data", data => (run.err += data));
    run.ended.then(({ code }) => reject(new Error(`scripts/dev ended with ${code}: ${run.err}`)));
  });
  run.started.catch(() => {}); // the tests that expect an end do not wait for a start
  return run;
}

/** How long its farewell may take on a machine that is busy: on any other it is two seconds at most. */
export const PROMPT = 20_000;

export async function finish(run, signal = "SIGTERM") {
  run.child.kill(signal);
  return run.ended;
}

/** Two free ports in a row, the site's and the attacker's. */
export async function freePair() {
  for (;;) {
    const first = await freePort();
    if (await reserve(first + 1)) return first;
  }
}

/** Waits until a page shows this text there. It may be on its way to another page. */
export const shows = (page, selector, text) =>
  page.waitForFunction(([where, what]) => document.querySelector(where)?.textContent === what, [selector, text]);

export const listens = port => new Promise(resolve => {
  const socket = connect(port, "127.0.0.1");
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  socket.once("connect", () => socket.destroy());
});

/** What `scripts/dev --origin URL` prints for an application, used as it says: the key in the environment, the lines as a file beside an installed jose. */
export async function adopt(printed) {
  const [, keys] = /^EDGE_SESSION_ORIGIN_KEYS=(\S+)$/m.exec(printed);
  const [lines] = /^import [\s\S]*?^export const gate = .*$/m.exec(printed);
  const folder = mkdtempSync(join(tmpdir(), "edge-session-lines-"));
  const before = process.env.EDGE_SESSION_ORIGIN_KEYS;
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "node_modules/jose"), join(folder, "node_modules/jose"));
    writeFileSync(join(folder, "edge-session.mjs"), `${lines}\n`);
    process.env.EDGE_SESSION_ORIGIN_KEYS = keys;
    const { gate } = await import(pathToFileURL(join(folder, "edge-session.mjs")));
    return { gate, lines: lines.split("\n") };
  } finally {
    if (before === undefined) delete process.env.EDGE_SESSION_ORIGIN_KEYS;
    else process.env.EDGE_SESSION_ORIGIN_KEYS = before;
    rmSync(folder, { recursive: true });
  }
}

/** What a site of this port has kept. */
export const forget = port => rmSync(join(root, ".edge-session", String(port)), { recursive: true, force: true });

/** Every living process below this one: pid and command. */
export function descendants(pid) {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8" }).trim().split("\n")
    .map(line => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line)).filter(Boolean)
    .map(([, own, parent, state, command]) => ({ pid: Number(own), parent: Number(parent), state, command }));
  const below = parent => rows.filter(row => row.parent === parent && !row.state.startsWith("Z")).flatMap(row => [row, ...below(row.pid)]);
  return below(pid);
}

export const alive = pid => {
  try {
    return !/^\s*Z/.test(execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }));
  } catch {
    return false; // ps knows no such process
  }
};
