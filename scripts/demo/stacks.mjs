// The demonstration on a framework, with that framework's kit: a program of its own, in its own language. It is told
// all by its environment, says "listening on PORT" on stdout once it does, and ends on SIGTERM.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Failure } from "./failure.mjs";

/** By the name that --origin takes. `settings` is what the gate is told differently than for the default demonstration. */
export const STACKS = {
  express: { title: "Express, origins/express/demo", start: [process.execPath, "origins/express/demo/app.mjs"], packages: "origins/express" },
  // Django's login page reads `next`.
  django: { title: "Django, origins/django/demo", start: ["scripts/python-tools", "demo"], settings: { login_return_param: "next" } },
  spring: { title: "Spring Boot, origins/spring/demo", start: ["scripts/java-tools", "demo"] },
};

/** How long the application has to end by itself. */
const FAREWELL = 1500;

/**
 * Starts the application; gives `{ ready, stop }` at once, because getting ready may take minutes the first time and
 * can be stopped too. `ready` is the port that it listens on. `onEnd` is told when it ends by itself after that.
 */
export function startStack(name, { root, env, onEnd }) {
  const { start, packages } = STACKS[name];
  let running; // an installation, then the application
  let stopping = false;

  // A process group of its own, so that what it starts ends with it.
  const run = (command, ...args) => {
    running = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"], detached: true });
    return running;
  };
  const signal = which => {
    try {
      process.kill(-running.pid, which);
    } catch {} // it has ended
  };
  process.once("exit", () => running?.pid && signal("SIGKILL"));

  async function begin() {
    if (packages) await install(root, packages, run);
    const child = run(...start);
    const ended = ending(child);
    const early = async () => {
      throw new Failure(`${name}: the application ended (${await ended}) before it listened; what it said is above`);
    };
    const port = await Promise.race([listening(child), early()]);
    ended.then(how => stopping || onEnd(`${name}: the application has ended (${how})`));
    return port;
  }
  // What is being stopped fails no more, and gets never ready.
  const ready = begin().catch(error => (stopping ? new Promise(() => {}) : Promise.reject(error)));

  async function stop() {
    stopping = true;
    if (!running?.pid || running.exitCode !== null || running.signalCode !== null) return;
    const timer = setTimeout(() => signal("SIGKILL"), FAREWELL);
    signal("SIGTERM");
    await once(running, "exit");
    clearTimeout(timer);
  }
  return { ready, stop };
}

/** How a process ended, in words. */
async function ending(child) {
  try {
    const [code, signal] = await once(child, "exit");
    return signal ?? `exit code ${code}`;
  } catch (error) {
    throw new Failure(`cannot start ${child.spawnfile}: ${error.code === "ENOENT" ? "there is no such program" : error.message}`);
  }
}

/** Resolves to the port. Whatever else it prints is for the terminal, and not for stdout, which is our own. */
function listening(child) {
  return new Promise(resolve => {
    createInterface({ input: child.stdout }).on("line", line => {
      const port = /^listening on (\d+)$/.exec(line)?.[1];
      if (port) resolve(Number(port));
      else console.error(line);
    });
  });
}

/** npm packages exactly as locked, unless they are there; scripts/test looks at the same stamp. */
async function install(root, folder, run) {
  const lock = join(root, folder, "package-lock.json");
  const stamp = join(root, ".tools", `${folder.split("/").at(-1)}-lock.installed`);
  const installed = existsSync(join(root, folder, "node_modules")) && existsSync(stamp) && readFileSync(stamp).equals(readFileSync(lock));
  if (installed) return;
  console.error(`dev: installing the packages of ${folder} (some seconds, once)`);
  const npm = run("npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error");
  npm.stdout.pipe(process.stderr);
  const how = await ending(npm);
  if (how !== "exit code 0") throw new Failure(`npm ci failed (${how}); see above. It needs the npm registry.`);
  copyFileSync(lock, stamp);
}
