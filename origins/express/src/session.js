// req.session: the session's data as properties, and the methods that express-session gives it.

// The part of express-session's cookie that is about time. The rest (name, Secure, SameSite…) is the gate's.
export class Cookie {
  #absolute; // when a session that exists ends, in ms
  chosen; // what the application chose: ms from now, null for "until the browser is closed", undefined for nothing

  constructor(absolute) {
    this.#absolute = absolute;
    Object.defineProperty(this, "chosen", { enumerable: false });
  }

  get maxAge() {
    if (this.chosen !== undefined) return this.chosen;
    return this.#absolute === undefined ? null : Math.max(0, this.#absolute - Date.now());
  }

  set maxAge(ms) {
    if (ms !== null && ms !== undefined && !Number.isFinite(ms)) throw new TypeError("cookie.maxAge is a number of milliseconds, or null");
    this.chosen = ms ?? null;
  }

  get originalMaxAge() {
    return this.maxAge;
  }

  get expires() {
    const ms = this.maxAge;
    return ms === null ? null : new Date(Date.now() + ms);
  }

  set expires(date) {
    this.maxAge = date ? new Date(date).getTime() - Date.now() : null;
  }

  toJSON() {
    return { originalMaxAge: this.originalMaxAge, expires: this.expires, httpOnly: true, secure: true, path: "/" };
  }
}
for (const [name, value] of Object.entries({ path: "/", httpOnly: true, secure: true })) Object.defineProperty(Cookie.prototype, name, { value, writable: true });

const later = (callback, error) => {
  if (callback) process.nextTick(callback, error);
};

export class Session {
  #exchange;
  #cookie;

  constructor(exchange, data, absolute) {
    this.#exchange = exchange;
    Session.fill(this, data, absolute);
  }

  // Makes this its data and the time that it has.
  static fill(session, data, absolute) {
    for (const name of Object.keys(session)) delete session[name];
    session.#cookie = new Cookie(absolute);
    // As express-session: data never hides a method.
    for (const [name, value] of Object.entries(data)) if (!(name in session)) session[name] = value;
  }

  // The session's public handle; of one that is only being made, the one that it will have.
  get id() {
    return this.#exchange.sid;
  }

  get req() {
    return this.#exchange.req;
  }

  get cookie() {
    return this.#cookie;
  }

  // Activity is recorded by the gate.
  touch() {
    return this;
  }

  resetMaxAge() {
    return this;
  }

  // Before the head of the response is written it only checks that the session can be kept, for it is saved with the response. After
  // that it tells the gate at once.
  save(callback) {
    this.#exchange.save(callback);
    return this;
  }

  // Back to the session as it came with the request; an error where it has ended.
  reload(callback) {
    this.#exchange.reload(callback);
    return this;
  }

  // A new, empty session in the place of this one.
  regenerate(callback) {
    later(callback, this.#exchange.regenerate());
    return this;
  }

  destroy(callback) {
    this.#exchange.end("one", callback);
    return this;
  }

  // Ends every session of this session's user.
  destroyAll(callback) {
    this.#exchange.end("all", callback);
    return this;
  }

  // A new ID at once, for a change of privilege: { amr, authTime, endOthers }, all optional. In a login they describe it.
  rotate(options = {}) {
    this.#exchange.rotate(options);
    return this;
  }
}
