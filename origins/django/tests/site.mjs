// The Django project beside this file, for the end-to-end tests: on gunicorn, or with `asgi` on uvicorn, with Channels.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = join(root, "origins/django/tests/site");
const python = (venv) => join(root, ".tools", venv, "bin/python");

// Each with its name, and the reason why it cannot run where it can't (scripts/python-tools makes them).
export function environments() {
  const known = [
    ["venv", "Django's long-term support release", "3.10"],
    ["venv-newest", "the newest Django", "3.12"],
  ];
  return known.map(([venv, name, minor]) => ({ venv, name, missing: existsSync(python(venv)) ? undefined : `there is no Python ${minor} or newer: scripts/python-tools` }));
}

export async function startDjango({ venv, port, issuer, audience, keys, asgi = false }) {
  const scratch = mkdtempSync(join(tmpdir(), "edge-session-django-"));
  const env = {
    ...process.env,
    PYTHONPATH: join(root, "origins/django"),
    PYTHONDONTWRITEBYTECODE: "1",
    DJANGO_SETTINGS_MODULE: "shop.settings",
    DATABASE: join(scratch, "db.sqlite3"),
    EDGE_SESSION_ISSUER: issuer,
    EDGE_SESSION_AUDIENCE: audience,
    EDGE_SESSION_ORIGIN_KEYS: keys,
  };
  // Runs a few lines of Python in the project, as a job does, and resolves to what they print.
  const run = (lines) => execFileSync(python(venv), ["-c", `import django; django.setup()\n${lines}`], { cwd: folder, env, encoding: "utf8" });
  run(`
from django.core.management import call_command
from django.contrib.auth import get_user_model
call_command("migrate", verbosity=0)
for number in range(1, 41):
    get_user_model().objects.create_user(f"user-{number}", password="secret")
for number in range(1, 4):
    get_user_model().objects.create_superuser(f"root-{number}", password="secret")
`);
  const gunicorn = ["gunicorn", "shop.wsgi", "--bind", `127.0.0.1:${port}`, "--workers", "1", "--threads", "24", "--keep-alive", "75", "--log-level", "warning", "--no-control-socket"];
  const uvicorn = ["uvicorn", "shop.asgi:application", "--host", "127.0.0.1", "--port", String(port), "--lifespan", "off", "--log-level", "warning"];
  const server = spawn(python(venv), ["-m", ...(asgi ? uvicorn : gunicorn)], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const django = { port, url: `http://127.0.0.1:${port}`, output: "", run };
  for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", (text) => (django.output += text));
  let over = false;
  const ended = new Promise((resolve) => server.once("exit", () => resolve((over = true))));
  django.stop = async () => {
    server.kill("SIGTERM");
    const timer = setTimeout(() => server.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(timer);
    rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
  };
  for (let attempt = 0; ; attempt += 1) {
    if (await listens(port)) return django;
    if (over || attempt > 900) {
      await django.stop();
      throw new Error(`Django did not start: ${django.output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}
