// Where a browser is: the installed one, else Debian's where it can be installed.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

function installed({ variable, names, mac }) {
  if (process.env[variable]) return process.env[variable];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of names) if (existsSync(join(folder, name))) return join(folder, name);
  }
  return existsSync(mac) ? mac : undefined;
}

// Its path; undefined where there is none and none can be had. `variable` of the environment names one, `names` are those of the program,
// `debian` that of its package.
export function find(browser) {
  const found = installed(browser);
  if (found || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return found;
  console.error(`browser: installing Debian's ${browser.debian} (about a minute, once)`);
  const options = { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  try {
    execFileSync("apt-get", ["update", "-qq"], options);
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", browser.debian], options);
  } catch {
    // whoever asked says what is missing
  }
  return installed(browser);
}
