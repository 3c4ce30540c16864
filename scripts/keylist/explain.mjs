// What scripts/keys says on stderr: which deployment this is, in which order, and what to wait for.

export const HELP = `scripts/keys makes and rotates the gate's secrets.

  scripts/keys new                     all three secrets, as NAME=value lines
  scripts/keys new gate|origin|locator one of them, as \`wrangler secret put\` takes it
  scripts/keys rotate gate|origin      the next list, made from the current one on stdin
                                       (or in EDGE_SESSION_KEYS, EDGE_SESSION_ORIGIN_KEYS)

  --ids-only      print the key ids of the next list, and no key
  --step STEP     append, promote or remove: for key ids that do not tell (yours, not made here)
  --longest TIME  how long an old key may be needed: your longest session (30d), origin keys 1h
  --now           remove the old key although sessions may still need it

The gate has three secrets. EDGE_SESSION_KEYS (gate) signs cookies; only the gate has it.
EDGE_SESSION_ORIGIN_KEYS (origin) signs what the gate and the application tell each other; both have it.
EDGE_SESSION_LOCATOR_KEY (locator) finds a user's sessions; it is not rotated: a new one logs everybody out.

Cloudflare never shows a secret again, so keep the lists where you keep secrets. First deployment:

  umask 077
  scripts/keys new > secrets.env
  npx wrangler secret bulk secrets.env

A rotation is three runs of the same lines, days apart; each run says which step it is and what to wait for:

  umask 077
  scripts/keys rotate gate < gate.keys > gate.keys.next &&     (the first time: < secrets.env)
  npx wrangler secret put EDGE_SESSION_KEYS < gate.keys.next &&
  mv gate.keys.next gate.keys

The secrets go to stdout, everything else to stderr. No secret is ever an argument, so none stays in the
shell's history or the process list. A key that leaked is not rotated but replaced: \`new gate\` logs
everybody out, at once; with \`new origin\`, deploy the application first.
`;

const RULE = "\n";

export function afterNew(which) {
  const keep = "Keep it: Cloudflare never shows a secret again, and the next rotation starts from it.";
  switch (which) {
    case undefined:
      return `${RULE}Three secrets are on stdout. Keep them: Cloudflare never shows a secret again.
Sent to a file (umask 077; scripts/keys new > secrets.env), one command sets all three:
  npx wrangler secret bulk secrets.env
or, one by one, each asking for the text after the "=":
  npx wrangler secret put EDGE_SESSION_KEYS
  npx wrangler secret put EDGE_SESSION_ORIGIN_KEYS
  npx wrangler secret put EDGE_SESSION_LOCATOR_KEY
The application needs EDGE_SESSION_ORIGIN_KEYS too, and neither of the others.
`;
    case "gate":
      return `${RULE}${keep}
  npx wrangler secret put EDGE_SESSION_KEYS
In the place of an older list it ends every session at once. To change keys without that: scripts/keys rotate gate
`;
    case "origin":
      return `${RULE}${keep}
First the application's EDGE_SESSION_ORIGIN_KEYS, then the gate's:
  npx wrangler secret put EDGE_SESSION_ORIGIN_KEYS
In the place of an older list every request is refused until both sides have it. To change keys without that:
scripts/keys rotate origin
`;
    case "locator":
      return `${RULE}${keep}
  npx wrangler secret put EDGE_SESSION_LOCATOR_KEY
In the place of an older one it logs everybody out, once. It needs no rotation.
`;
  }
}

/** `result` is what rotate() gave. */
export function afterRotation(side, secret, result, { "ids-only": idsOnly, longest, now }) {
  const origin = side === "origin";
  const put = `npx wrangler secret put ${secret}`;
  const deploy = origin
    ? `Deploy it: first the application's ${secret}, everywhere it runs; then the gate's:\n  ${put}\n`
    : `Deploy it:\n  ${put}\n`;
  const ids = result.list.map(({ kid }) => kid).join(", ");
  const again = `scripts/keys rotate ${side}`;
  const step = {
    append: () => `Deployment 1 of 3: ${result.added} is appended last. Everybody learns it, nobody signs with it yet.
The list is now: ${ids}
${deploy}Wait until ${origin ? "both sides have it everywhere" : "it has reached every location"} (give it ten minutes), then run ${again} on this new list.
`,
    promote: () => `Deployment 2 of 3: ${result.promoted} is moved first and signs from now on; the others are still accepted.
The list is now: ${ids}
${deploy}Wait ${promoteWait(origin, longest)}, then run ${again} on this new list.
`,
    // The ids tell when the keys were made, not when the new one began to sign.
    remove: () => `Deployment 3 of 3: ${result.removed} is removed. What it signed is refused from now on.
The list is now: ${ids}
${now ? "" : `After deployment 2 wait ${promoteWait(origin, longest)}; the list does not tell when that was.\n`}${deploy}${result.list.length === 1 ? `The rotation is done. The next one begins with ${again}.` : `Still to go: ${result.list.slice(1).map(({ kid }) => kid).join(", ")}.`}
`,
  }[result.step]();
  const plan = idsOnly && result.step === "append"
    ? "These are ids only: the key is made when you run it without --ids-only.\n"
    : idsOnly ? "These are ids only; without --ids-only the list itself is printed.\n" : "";
  return `${RULE}${step}${plan}`;
}

function promoteWait(origin, longest) {
  if (origin) return longest ?? "an hour (an assertion lives a minute, a clock may be wrong)";
  return longest
    ? `${longest}, your longest session`
    : "for your longest session to be over (lifetime.remember, 30 days unless you changed it)";
}
