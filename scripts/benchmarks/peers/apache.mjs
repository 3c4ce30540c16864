// Apache httpd with mod_auth_openidc's server-side sessions: the gateway in C. Its users come from
// an OpenID provider, which is played here: it answers with a signed ID token that the browser posts (response mode form_post).
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../ports.mjs";
import { sign, verify } from "../jws.mjs";
import { once, requestBytes } from "../load.mjs";
import { family, ready, start } from "../machine.mjs";
import { headerOf } from "../origin.mjs";
import { BASE, HOST, ISSUER, USERS } from "../site.mjs";
import { LeftOut } from "./left_out.mjs";

const HTTPD = "/usr/sbin/apache2";
const MODULES = "/usr/lib/apache2/modules";
const PACKAGES = ["apache2", "libapache2-mod-auth-openidc"];
const PROVIDER = "https://provider.example";
const CLIENT = "bench";

const isThere = () => existsSync(HTTPD) && existsSync(`${MODULES}/mod_auth_openidc.so`);

function install() {
  if (isThere()) return;
  const how = `apt-get install ${PACKAGES.join(" ")}`;
  if (process.getuid() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) throw new LeftOut(`there is no Apache with mod_auth_openidc: ${how} (Debian, as root)`);
  console.error(`bench: installing Debian's ${PACKAGES.join(" and ")} (once)`);
  const options = { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  try {
    execFileSync("apt-get", ["update", "-qq"], options);
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...PACKAGES], options);
  } catch {
    throw new LeftOut(`the packages could not be installed: ${how}`);
  }
}

export async function startApache(site, { folder, core }) {
  install();
  const port = await freePort();
  const place = join(folder, "apache");
  mkdirSync(place);
  const secret = Buffer.from(site.keys.cookie);
  const file = join(place, "httpd.conf");
  writeFileSync(file, configuration({ place, port, site }));
  const httpd = start(core, HTTPD, ["-D", "FOREGROUND", "-f", file]);
  try {
    await ready(httpd, () => once(port, requestBytes({ host: HOST, path: "/page" })));
    const cookies = [];
    for (let i = 0; i < USERS; i += 1) cookies.push(await logIn(port, secret, `user-${i}`));
    const who = async (head) => (await verify(headerOf(head, "OIDC_id_token"), secret, { issuer: PROVIDER, audience: CLIENT })).sub;
    return { port, pids: family(httpd.pid), stop: httpd.stop, cookies, who };
  } catch (error) {
    await httpd.stop();
    throw error;
  }
}

async function logIn(port, secret, sub) {
  const cookiesOf = (answer) => [...answer.head.matchAll(/\r\nset-cookie: *([^;\r]*)/gi)].map((match) => match[1]);
  const browser = [...BASE.filter(([name]) => !name.startsWith("Sec-") && name !== "Accept"), ["Accept", "text/html"], ["Sec-Fetch-Mode", "navigate"], ["Sec-Fetch-Dest", "document"]];
  const sent = await once(port, requestBytes({ host: HOST, path: "/page", headers: browser }));
  const location = new URL(headerOf(sent.head, "location") ?? `refused:${sent.status}`);
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: PROVIDER, aud: CLIENT, iat, exp: iat + 8 * 3600, nonce: location.searchParams.get("nonce"), sub };
  const body = new URLSearchParams({ id_token: sign({ typ: "JWT" }, claims, secret), state: location.searchParams.get("state") }).toString();
  const headers = [...browser, ["Content-Type", "application/x-www-form-urlencoded"], ["Cookie", cookiesOf(sent).join("; ")]];
  const back = await once(port, requestBytes({ host: HOST, method: "POST", path: "/callback", headers, body }));
  const session = cookiesOf(back).find((cookie) => cookie.startsWith("mod_auth_openidc_session="));
  if (!session) throw new Error(`Apache answered a login with ${back.status}: ${back.text}`);
  return session;
}

const configuration = ({ place, port, site }) => `ServerRoot "${place}"
ServerName localhost
Listen 127.0.0.1:${port}
PidFile "${place}/pid"
DefaultRuntimeDir "${place}"
ErrorLog "${place}/error.log"
${process.getuid() === 0 ? "User www-data\nGroup www-data" : ""}
${["mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc"].map((name) => `LoadModule ${name}_module "${MODULES}/mod_${name}.so"`).join("\n")}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
OIDCProviderIssuer ${PROVIDER}
OIDCProviderAuthorizationEndpoint ${PROVIDER}/authorize
OIDCResponseType id_token
OIDCResponseMode form_post
OIDCClientID ${CLIENT}
OIDCClientSecret ${site.keys.cookie}
OIDCIDTokenSignedResponseAlg HS256
OIDCRedirectURI ${ISSUER}/callback
OIDCCryptoPassphrase ${site.keys.locator}
OIDCSessionType server-cache
OIDCCacheType shm
OIDCSessionInactivityTimeout 1800
OIDCPassIDTokenAs serialized
<Location />
  AuthType openid-connect
  Require valid-user
  ProxyPass ${site.origin.url}/
</Location>
`;
