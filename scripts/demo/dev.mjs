// scripts/dev, once tools and build are there: the gate on workerd, the demonstration behind it (on plain Node.js or
// on a framework), and the attacker's page beside it. Everything that is started here is ended here.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { adoption, banner } from "./announce.mjs";
import { startAttacker } from "./attacker.mjs";
import { freePort } from "../ports.mjs";
import { asDeployed, build, readSettings, readTable } from "./config.mjs";
import { devVars } from "./dev-vars.mjs";
import { examine, remarks } from "./examine.mjs";
import { Failure } from "./failure.mjs";
import { Feed } from "./feed.mjs";
import { startGate } from "./gate.mjs";
import { Ids } from "./ids.mjs";
import { HELP, UsageError, parse } from "./options.mjs";
import { startOrigin } from "./origin.mjs";
import { startRecorder } from "./recorder.mjs";
import { STACKS, startStack } from "./stacks.mjs";
import { edgeSession } from "./ten-lines.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const started = [];
const coming = new Set();
let stopping = false;

async function main() {
  const options = parse(process.argv.slice(2));
  if (options.help) return process.stdout.write(HELP);
  // Who ends a site has done with it; who ends --check has no answer.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop(options.check ? 128 + constants.signals[signal] : 0));

  const require = createRequire(import.meta.url);
  const wrangler = require("wrangler");
  const settings = readSettings(join(root, "wrangler.toml"), wrangler);
  const file = options.config && readTable(options.config, wrangler);
  if (options.check) return checkDeployment({ ...asDeployed({ settings, options, file }), options, miniflare: require("miniflare") });
  const { vars, made } = devVars(join(root, ".dev.vars"));
  const { config, port, notes, demonstration } = build({ settings, options, file: file?.table });

  const hosts = await loopback();
  await free(port, hosts);
  if (demonstration) await free(port + 1, hosts, " (for the attacker's page)");

  const feed = new Feed();
  const ids = new Ids(vars.EDGE_SESSION_KEYS);
  feed.watch(({ from, record }) => from === "gate" && ids.logged(record));
  const site = { issuer: config.issuer, audience: config.audience, attacker: demonstration && `http://127.0.0.1:${port + 1}/` };
  const keys = vars.EDGE_SESSION_ORIGIN_KEYS;
  const state = join(".edge-session", String(port));
  if (demonstration) {
    const target = options.stack ? await stackPort(options.stack, { site, keys, state }) : (await begin(startOrigin({ site, keys }))).port;
    const recorder = await begin(startRecorder({ target, session: edgeSession({ ...site, keys }), feed, ids }));
    config.origin = `http://127.0.0.1:${recorder.port}`;
    await begin(startAttacker({ site, port: port + 1, hosts, feed }));
  }
  await begin(startGate({
    miniflare: require("miniflare"), root, settings, config, vars, port, hosts,
    state: join(root, state), onLog: line => feed.gate(line),
  }));
  const problems = await refusals(port, feed);
  if (problems.length > 0) throw new Failure(`the gate refuses its configuration:\n${listed(problems)}`);

  const address = `http://localhost:${port}`;
  if (options.quiet) return console.log(address);
  console.log(banner({
    address, application: demonstration ? STACKS[options.stack]?.title : config.origin, attacker: site.attacker, demonstration, made, state, notes,
  }));
  if (!demonstration) console.log(adoption({ ...site, keys, access: config.insecure_default_access ?? config.default_access ?? "required" }));
  feed.watch(({ from, record }) => from === "gate" && console.log(record.text ?? JSON.stringify(record)));
}

/** Says whether the gate takes the table as it stands, and ends. */
async function checkDeployment({ settings, config, options, miniflare }) {
  const what = `${options.config ?? "wrangler.toml"}${options.env === undefined ? "" : `, env.${options.env}`}`;
  const problems = await examine({
    settings, config,
    ask: async given => {
      const feed = new Feed();
      const port = await freePort();
      try {
        await begin(startGate({ miniflare, root, settings, port, hosts: ["127.0.0.1"], onLog: line => feed.gate(line), ...given }));
      } catch (error) {
        throw new Failure(`the Workers runtime does not start with ${what}: ${error.message}`);
      }
      return refusals(port, feed);
    },
  });
  if (problems.length > 0) throw new Failure(`${what} is not to be deployed like this:\n${listed(problems)}`);
  console.log(`The gate takes the table of ${what} as it stands.`);
  for (const remark of remarks(settings, config)) console.log(`Note: ${remark}.`);
  return stop(0);
}

/** Starts the demonstration on a framework and gives its port, once it listens. */
async function stackPort(name, { site, keys, state }) {
  mkdirSync(join(root, state), { recursive: true });
  const stack = startStack(name, {
    root,
    env: {
      PORT: "0",
      EDGE_SESSION_ISSUER: site.issuer,
      EDGE_SESSION_AUDIENCE: site.audience,
      EDGE_SESSION_ORIGIN_KEYS: keys,
      DEMO_ATTACKER: site.attacker,
      DEMO_ASSETS: join(root, "scripts/demo/assets"),
      DEMO_STATE: join(root, state),
    },
    onEnd: message => {
      console.error(`scripts/dev: ${message}`);
      stop(1);
    },
  });
  started.push(stack);
  return stack.ready;
}

/** Remembers what must be ended; what comes up while we are stopping is ended at once. */
function begin(starting) {
  const begun = starting.then(async it => {
    if (stopping) await it.stop();
    else started.push(it);
    return it;
  });
  coming.add(begun);
  return begun.finally(() => coming.delete(begun));
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  // workerd is Miniflare's child and dies with this process's exit too, should its own farewell take too long.
  setTimeout(() => process.exit(code), 2000).unref();
  await Promise.allSettled([...started.map(it => it.stop()), ...coming]);
  process.exit(code);
}

/** The addresses of `localhost` here: browsers try ::1 first where there is one. */
async function loopback() {
  const has6 = await new Promise(resolve => {
    const server = createServer();
    server.once("error", () => resolve(false)).listen(0, "::1", () => server.close(() => resolve(true)));
  });
  return has6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
}

/** Says so in plain words if a port is taken; workerd would only say "Address already in use". */
async function free(port, hosts, purpose = "") {
  for (const host of hosts) {
    const error = await new Promise(resolve => {
      const server = createServer();
      server.once("error", resolve).listen(port, host, () => server.close(() => resolve()));
    });
    if (!error) continue;
    const what = `port ${port}${purpose}`;
    if (error.code !== "EADDRINUSE") throw new Failure(`cannot listen on ${what}: ${error.message}`);
    throw new Failure(`${what} is in use; choose another: scripts/dev --port ${port + 1000 > 65534 ? port - 1000 : port + 1000}`);
  }
}

/** What the gate refuses its configuration for; it is asked once, and no request reaches the application by this. */
async function refusals(port, feed) {
  let listed;
  const stop = feed.watch(({ record }) => (listed ??= record.event === "config.invalid" ? record.problems : undefined));
  const response = await fetch(`http://127.0.0.1:${port}/.edge-session/`, { signal: AbortSignal.timeout(60_000) });
  const body = await response.json().catch(() => ({}));
  // The answer says no more than that; what is wrong is in the log, and a line may come after the answer.
  for (let waited = 0; body.code === "config_invalid" && !listed && waited < 5000; waited += 20) await new Promise(resolve => setTimeout(resolve, 20));
  stop();
  if (response.status >= 500 && body.code !== "config_invalid") throw new Failure(`the gate answers ${response.status}, and does not say why`);
  return body.code === "config_invalid" ? listed ?? ["it does not say why"] : [];
}

const listed = problems => problems.map(problem => `  - ${problem}`).join("\n");

try {
  await main();
} catch (error) {
  if (stopping) {
    // What ended was what was waited for.
  } else if (error instanceof UsageError) console.error(`scripts/dev: ${error.message}\nTry scripts/dev --help.`);
  else console.error(error instanceof Failure ? `scripts/dev: ${error.message}` : error);
  await stop(error instanceof UsageError ? 2 : 1);
}
