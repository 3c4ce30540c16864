// What this machine tells of processes: CPU time, memory, cores. Linux, for /proc.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { cpus } from "node:os";

export const isMeasurable = existsSync("/proc/self/stat");

const TICKS = isMeasurable ? Number(execFileSync("getconf", ["CLK_TCK"])) : 100;
const PAGE = isMeasurable ? Number(execFileSync("getconf", ["PAGESIZE"])) : 4096;

function stat(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return text.slice(text.lastIndexOf(") ") + 2).split(" ");
}

/** A process and all that it has started. */
export function family(pid) {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(stat(name)[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // it has ended meanwhile
    }
  }
  const all = [pid];
  for (let i = 0; i < all.length; i += 1) all.push(...(children.get(all[i]) ?? []));
  return all;
}

/** Microseconds of CPU, user and system, that these processes have taken so far. */
export const cpuOf = (pids) => pids.reduce((sum, pid) => sum + ((Number(stat(pid)[11]) + Number(stat(pid)[12])) * 1e6) / TICKS, 0);

/** Bytes of memory that these processes hold. What two of them share counts twice. */
export const memoryOf = (pids) => pids.reduce((sum, pid) => sum + Number(stat(pid)[21]) * PAGE, 0);

const cores = () => {
  const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync("/proc/self/status", "latin1"))[1];
  return allowed.split(",").flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
};

/** The cores for servers and for load; undefined where processes cannot be bound to them or there is only one. */
export function chooseCores() {
  if (!isMeasurable || spawnSync("taskset", ["--version"]).status !== 0) return undefined;
  const all = cores();
  return all.length < 2 ? undefined : { server: all[0], load: all[1] };
}

/** Binds this process, all its threads. */
export function bind(core) {
  execFileSync("taskset", ["-a", "-c", "-p", String(core), String(process.pid)], { stdio: "ignore" });
}

// Whatever ends us ends them: a server that is left behind would take the next measurement's core. SIGTERM, so that they end their own.
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

/** Starts a server, bound to the core if one is given. Gives { pid, stop, output }. */
export function start(core, command, args, options = {}) {
  const [file, ...rest] = core === undefined ? [command, ...args] : ["taskset", "-c", String(core), command, ...args];
  const child = spawn(file, rest, { stdio: ["ignore", "pipe", "pipe"], ...options });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const server = {
    pid: child.pid,
    child,
    output: "",
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await once(child, "exit");
      }
    },
  };
  // Its last words, for when it fails. They have to be read anyway, or it would wait for us.
  const keep = (bytes) => {
    server.output = (server.output + bytes).slice(-4000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return server;
}

/** Resolves when `attempt` does without an error; with the last error when `server` ends or ten seconds are over. */
export async function ready(server, attempt) {
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const hasEnded = server.child.exitCode !== null;
      if (hasEnded || performance.now() > until) throw new Error(`a server did not start: ${error.message}\n${server.output}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** What a figure has to be read with. */
export function describe(bound) {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    pinned: bound !== undefined,
    system: execFileSync("uname", ["-sr"]).toString().trim(),
    node: process.version,
  };
}
