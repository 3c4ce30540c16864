// Runs one of the two applications in a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// Resolves to { port, stop } once it listens. `which` is "before" or "after".
export async function runTodos(which, env) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`${which}.mjs`, import.meta.url))], {
    env: { PATH: process.env.PATH, PORT: "0", NODE_OPTIONS: "--no-deprecation", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, "exit");
    }
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^listening on (\d+)$/.exec(line)?.[1];
    if (port) return { port: Number(port), stop };
  }
  throw new Error(`the application ${which} ended before it listened`);
}
