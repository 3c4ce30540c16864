// A gateway that somebody else has started: --peer NAME=URL[,pid=N][,cookie=...].
import { once, requestBytes } from "../load.mjs";
import { family } from "../machine.mjs";
import { UsageError } from "../options.mjs";
import { BASE } from "../site.mjs";

/** It has to be in front of our origin, and to refuse who brings no session; anything else would be measuring errors. */
export async function findPeer(site, { name, url, pid, cookie }) {
  const request = (cookies) => requestBytes({ path: url.pathname + url.search, host: url.host, headers: [...BASE, ...cookies] });
  const port = Number(url.port || 80);
  const withSession = request(cookie ? [["Cookie", cookie]] : []);
  site.origin.forget();
  const answer = await once(port, withSession).catch((error) => {
    throw new UsageError(`--peer ${name}: ${error.message}`);
  });
  if (answer.status !== 200 || site.origin.requests !== 1) {
    throw new UsageError(
      `--peer ${name} answers ${answer.status}, and ${site.origin.requests} requests reached the origin. Start it in front of ` +
        "http://127.0.0.1:PORT, give that PORT with --origin-port, and give the cookies of somebody who has logged in with cookie=...",
    );
  }
  const stranger = cookie ? await once(port, request([])) : undefined;
  if (stranger?.status === 200) throw new UsageError(`--peer ${name} answers without a session as well: it checks nothing`);
  return { port, pids: pid === undefined ? undefined : family(pid), requests: [withSession], stop: async () => {} };
}
