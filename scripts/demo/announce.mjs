// What scripts/dev prints.
import { readFileSync } from "node:fs";
import { PASSWORD, users } from "./users.mjs";

export const banner = ({ address, application, attacker, demonstration, made, state, notes }) => `
  The site             ${address}
${application ? `  The application      ${application}
` : ""}${demonstration ? `                       sign in as ${[...users.values()].map(({ login }) => login).join(", ")}; the password is "${PASSWORD}"
  The attacker's page  ${attacker}
` : ""}  Keys                 .dev.vars${made.length > 0 ? " (just made)" : ""}
  Sessions             ${state}
${notes.map(note => `  Note                 ${note}\n`).join("")}
  Ctrl-C ends everything. The gate's log follows.
`;

/** For an application of one's own: what to put into it, with the values filled in. */
export const adoption = ({ issuer, audience, keys, access }) => `
  The application needs the origin key, as an environment variable:

EDGE_SESSION_ORIGIN_KEYS=${keys}

  these lines (here for Node.js; every language has HMAC-SHA256), say as edge-session.mjs:

${readFileSync(new URL("ten-lines.mjs", import.meta.url), "utf8").trimEnd()}

  and, for each request and where it logs somebody in or out:

import { edgeSession } from "./edge-session.mjs";
const gate = edgeSession({ issuer: ${JSON.stringify(issuer)}, audience: ${JSON.stringify(audience)}, keys: process.env.EDGE_SESSION_ORIGIN_KEYS });
const claims = gate.verify(request.headers["edge-session-assertion"] ?? "");  // claims.sub is who is asking; without it, nobody
response.setHeader("Edge-Session-Control", gate.control("create", { req: claims.jti, sub: user.id }));  // login
response.setHeader("Edge-Session-Control", gate.control("destroy", { req: claims.jti }));               // logout

  Paths without a rule are ${access} now; --set default_access=… changes that.
`;
