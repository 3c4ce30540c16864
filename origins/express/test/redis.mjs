// A real Redis for what applications had before: the installed one, else Debian's where it can be installed.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const works = () => spawnSync("redis-server", ["--version"]).status === 0;

// Whether there is one; installs it where that is possible.
export function haveRedis() {
  if (works()) return true;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return false;
  console.error("redis: installing Debian's redis-server (once)");
  const options = { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  try {
    execFileSync("apt-get", ["update", "-qq"], options);
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], options);
  } catch {
    // told by the caller
  }
  return works();
}

// Resolves to { url, stop } once it takes connections.
export async function startRedis(port) {
  const folder = mkdtempSync(join(tmpdir(), "edge-session-redis-"));
  const child = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], { stdio: "ignore" });
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill();
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };
  for (let i = 0; i < 1200 && child.exitCode === null; i += 1) {
    const socket = connect(port, "127.0.0.1");
    const up = await new Promise((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
    socket.destroy();
    if (up) return { url: `redis://127.0.0.1:${port}`, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error("redis-server did not start");
}
