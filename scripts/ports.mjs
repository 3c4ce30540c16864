// Ports for servers that are started here, in benchmarks and tests, several at a time.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/** A free port that nobody else is given while this process lives, below those that outgoing connections take. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (await reserve(port)) return port;
  }
}

/**
 * Whether a port is free and from now on this process's to give. Between here and the server that will listen there may be seconds, so
 * others that ask here must see that it is taken: the UDP port of the same number stays bound, for which nobody else has any use.
 */
export async function reserve(port) {
  const mark = createSocket("udp4");
  const isOurs = await new Promise((resolve) => {
    mark.once("error", () => resolve(false));
    mark.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(true));
  });
  mark.unref();
  const isFree = isOurs && (await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  }));
  if (!isFree) mark.close();
  return isFree;
}
