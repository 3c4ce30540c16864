// Set-Cookie as a browser reads it, and a jar for one site.

// { name, value, attributes: { path: "/", secure: true, ... } }, attribute names in lower case.
export function parseSetCookie(line) {
  const [pair, ...rest] = line.split(";");
  const at = pair.indexOf("=");
  const attributes = {};
  for (const part of rest) {
    const eq = part.indexOf("=");
    if (eq < 0) attributes[part.trim().toLowerCase()] = true;
    else attributes[part.slice(0, eq).trim().toLowerCase()] = part.slice(eq + 1).trim();
  }
  return { name: pair.slice(0, at).trim(), value: pair.slice(at + 1).trim(), attributes, line };
}

export class Jar {
  #cookies = new Map();

  // Takes the Set-Cookie lines of a RawResponse, and returns it.
  take(response) {
    for (const line of response.all("set-cookie")) {
      const { name, value, attributes } = parseSetCookie(line);
      const age = attributes["max-age"];
      const gone = age !== undefined ? Number(age) <= 0 : attributes.expires !== undefined && Date.parse(attributes.expires) <= Date.now();
      if (gone) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  get(name) {
    return this.#cookies.get(name);
  }

  set(name, value) {
    this.#cookies.set(name, value);
    return this;
  }

  delete(name) {
    this.#cookies.delete(name);
    return this;
  }

  // The value of a Cookie header, or null when there is nothing to send.
  get header() {
    return this.#cookies.size === 0 ? null : [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  copy() {
    const jar = new Jar();
    for (const [name, value] of this.#cookies) jar.set(name, value);
    return jar;
  }
}
