// The Spring Boot application beside this file, as scripts/java-tools has built it, for the end-to-end tests.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
// The same application on each Spring Boot.
const JARS = { 3.5: at("target/site.jar"), 4: at("../boot4/site/target/site.jar") };
// A small machine and a short life: what starts quickly matters more than what runs quickly.
const JVM = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx192m", "-Xshare:auto"];

// The reason why it can't run, or undefined.
export const missing = Object.values(JARS).every(existsSync) ? undefined : "the Spring site is not built: scripts/java-tools";

export const BOOTS = ["3.5", "4"];

// Starts it on a free port, on the Spring Boot that `boot` names, and resolves to { port, url, output, stop }; rejects when it ends instead.
export function startSpring({ issuer, audience, keys, boot }, options = []) {
  const env = { ...process.env, PORT: "0", EDGE_SESSION_ISSUER: issuer, EDGE_SESSION_AUDIENCE: audience, EDGE_SESSION_ORIGIN_KEYS: keys };
  const server = spawn(java(), [...JVM, "-jar", JARS[boot], ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const spring = {
    output: "",
    async stop() {
      server.kill("SIGTERM");
      const timer = setTimeout(() => server.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
  return new Promise((resolve, reject) => {
    const read = (text) => {
      spring.output += text;
      const [, port] = /^listening on (\d+)$/m.exec(spring.output) ?? [];
      if (port && !spring.port) resolve(Object.assign(spring, { port: Number(port), url: `http://127.0.0.1:${port}` }));
    };
    for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", read);
    server.once("error", reject);
    ended.then((code) => reject(new Error(`the Spring site ended with ${code}: ${spring.output}`)));
  });
}

function java() {
  return process.env.JAVA_HOME ? `${process.env.JAVA_HOME}/bin/java` : "java";
}
