// express-session, connect-redis and a proxy on Node, with a real Redis; both processes count.
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { haveRedis } from "../../../origins/express/test/redis.mjs";
import { freePort } from "../../ports.mjs";
import { once, requestBytes } from "../load.mjs";
import { ready, start } from "../machine.mjs";
import { HOST, ISSUER, identity, logIn } from "../site.mjs";
import { LeftOut } from "./left_out.mjs";

const SERVER = fileURLToPath(new URL("./express_server.mjs", import.meta.url));

export async function startExpress(site, { folder, core }) {
  if (!haveRedis()) throw new LeftOut("there is no redis-server: apt-get install redis-server");
  const [port, redisPort] = [await freePort(), await freePort()];
  const redis = start(core, "redis-server", ["--port", String(redisPort), "--bind", "127.0.0.1", "--save", "", "--dir", folder]);
  let node;
  const stop = async () => {
    await node?.stop();
    await redis.stop();
  };
  try {
    await ready(redis, () => connected(redisPort));
    const setting = { port, redis: `redis://127.0.0.1:${redisPort}`, origin: site.origin.url, secret: site.keys.cookie, originKey: site.keys.origin, issuer: ISSUER };
    node = start(core, process.execPath, [SERVER, JSON.stringify(setting)], { env: { ...process.env, NODE_ENV: "production" } });
    await ready(node, () => once(port, requestBytes({ host: HOST })));
    return {
      port,
      pids: [node.pid, redis.pid],
      stop,
      cookies: await logIn(port),
      operations: () => commandsOf(redisPort),
      who: (head) => identity(head, site.originKey),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const connected = (port) =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy()));
    socket.once("error", reject);
  });

// How many commands Redis has carried out, but for the INFO that asks.
async function commandsOf(port) {
  const socket = connect(port, "127.0.0.1");
  socket.write("INFO commandstats\r\n");
  const text = await new Promise((resolve, reject) => socket.once("data", (bytes) => resolve(bytes.toString())).once("error", reject));
  socket.destroy();
  return [...text.matchAll(/cmdstat_(\w+)[^:]*:calls=(\d+)/g)].filter(([, name]) => name !== "info").reduce((sum, [, , calls]) => sum + Number(calls), 0);
}
