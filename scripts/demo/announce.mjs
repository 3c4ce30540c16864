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

  and its framework's kit (origins/express, django or spring; each README has the lines) or these ten lines (here for Node.js; every
  language has a JWT library), say as edge-session.mjs:

${readFileSync(new URL("ten-lines.mjs", import.meta.url), "utf8").trimEnd()}
export const gate = edgeSession({ issuer: ${JSON.stringify(issuer)}, audience: ${JSON.stringify(audience)}, keys: process.env.EDGE_SESSION_ORIGIN_KEYS });

  claims = await gate.verify(header) reads Edge-Session-Assertion of each request: claims.sub is who is asking; without it, nobody.
  It throws where a request did not come through the gate: answer 403.
  To log in, answer with Edge-Session-Control: await gate.control("create", { req: claims.jti, sub: user.id });
  to log out: await gate.control("destroy", { req: claims.jti }). README.md has the rest.

  ${access === "required" ? `Every path needs a user now, the login page too, so all that you see is 401: add --set default_access=optional,
  and --set 'paths=[{"path":"/account/*","access":"required"}]' for what does.` : `Paths without a rule are ${access} now; --set default_access=… changes that.`}
`;
