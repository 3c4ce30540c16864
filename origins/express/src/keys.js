// The key list that gate and application share, as EDGE_SESSION_ORIGIN_KEYS has it: "kid:key,kid:key", newest first.

const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

// [{ kid, key }], newest first. Throws in words that hold no part of a key.
export function parseKeys(text, issuer) {
  if (typeof text !== "string" || text === "") throw new TypeError("edgeSession: `keys` is not set; it is the value of EDGE_SESSION_ORIGIN_KEYS");
  const seen = new Set();
  // A list that was kept in a file ends with its newline, as scripts/keys and editors write it; wrangler takes it off, too.
  return text.replace(/\r?\n$/, "").split(",").map((entry, i) => {
    const [, kid, encoded] = /^([A-Za-z0-9._-]{1,32}):([A-Za-z0-9_-]+)$/.exec(entry) ?? [];
    const key = Buffer.from(encoded ?? "", "base64url");
    if (kid === undefined || key.length < 32 || key.length > 64) {
      throw new TypeError(`edgeSession: entry ${i + 1} of \`keys\` is not kid:key with a key of 32 to 64 bytes in base64url`);
    }
    if (seen.has(kid)) throw new TypeError(`edgeSession: the key id of entry ${i + 1} of \`keys\` appears twice`);
    seen.add(kid);
    if (/^dev-/i.test(kid) && !LOOPBACK.test(new URL(issuer).hostname)) {
      throw new TypeError(`edgeSession: entry ${i + 1} of \`keys\` is a development key (its id begins with dev-); they are refused unless the issuer is a loopback host`);
    }
    return { kid, key };
  });
}
