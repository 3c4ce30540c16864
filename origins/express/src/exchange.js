// One request and its response: what the application has done to the session, as one operation for the gate.
import { ServerResponse } from "node:http";
import { SessionDataError } from "./control.js";
import { changedSince, checkSize, difference, glance, isHollow, textsOf, valuesOf } from "./data.js";
import { Session } from "./session.js";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const CONTROL_CHARACTER = /\p{Cc}/u;

// A subject as the gate has it; undefined for what can't be one.
export function subjectText(subject) {
  const text = typeof subject === "bigint" || Number.isSafeInteger(subject) ? String(subject) : subject;
  const good = typeof text === "string" && text !== "" && [...text].length <= 255 && text.isWellFormed() && !CONTROL_CHARACTER.test(text);
  return good ? text : undefined;
}

export class Exchange {
  constructor(site, req, claims) {
    this.site = site;
    this.req = req;
    this.claims = claims;
    this.arrived = performance.now();
    this.failed = false;
    this.isHandshake = Boolean(req.upgrade); // of a WebSocket: only one that is refused has a head to tell the gate with
    this.headSent = this.isHandshake; // or as good as
    this.told = false; // the head tells the gate something
    this.fresh = false; // it tells of a session, or an ID, that the gate may not have yet
    this.#begin();
    // What the gate has, or will have once it has read the response's head, and what `subject` says of that.
    this.known = { sid: claims.sid, sub: claims.sub, texts: textsOf(this.session), absolute: claims.session?.absolute, subject: this.#subject() };
    this.regenerated = false;
    this.ending = undefined;
    this.issue = undefined;
    this.writing = Promise.resolve();
  }

  #begin(data = this.claims.data ?? {}, absolute = this.claims.session?.absolute) {
    this.session = new Session(this, structuredClone(data), absolute && absolute * 1000);
  }

  // As cookie-session has it, `req.session = { … }` is a login; here that would be no session, and an error at the end of the response.
  replace(session) {
    if (session !== undefined && session !== null && !(session instanceof Session)) {
      throw new TypeError("edgeSession: req.session can't be another object: set its members, or call regenerate() or destroy()");
    }
    this.session = session;
  }

  // The gate's clock, in seconds: an application's may be off.
  get now() {
    return this.claims.iat + (performance.now() - this.arrived) / 1000;
  }

  // The session's handle, or the one that it will have.
  get sid() {
    const { sid, sub } = this.known;
    if (sid === undefined || this.regenerated) return this.claims.jti;
    if (!this.session || this.ending !== undefined) return sid;
    try {
      const renamed = this.issue !== undefined && sub !== undefined;
      return renamed || this.#changedHands(this.#subject()) ? this.claims.jti : sid;
    } catch {
      return sid; // whoever saves the session is told; this may be for a log
    }
  }

  // A subject that `subject` knew nothing of when the request came is another application's.
  #changedHands(subject) {
    const { sub, subject: first } = this.known;
    return subject === undefined ? first !== undefined && sub !== undefined : subject !== sub;
  }

  #subject() {
    const subject = this.session && this.site.subject?.(this.session);
    if (subject === undefined || subject === null || subject === false) return undefined;
    const text = subjectText(subject);
    if (text === undefined) throw new SessionDataError("`subject` must give a text of 1 to 255 characters without control characters, an integer, or undefined");
    return text;
  }

  // The operation that brings the gate from what it knows to what the application has now: { op, … } or undefined, and what it knows then.
  // Both are of now: what the application does while the gate is told is told next.
  #plan() {
    const { known } = this;
    const over = { sid: undefined, sub: undefined, texts: new Map(), absolute: undefined };
    if (this.ending !== undefined || !this.session) {
      if (this.ending === undefined || known.sid === undefined) return {};
      return { operation: { op: this.ending === "all" && known.sub !== undefined ? "destroy_all" : "destroy" }, next: over };
    }
    const texts = textsOf(this.session);
    const subject = this.#subject();
    const anew = this.regenerated || this.#changedHands(subject);
    if (anew && subject === undefined && isHollow(texts)) return known.sid === undefined ? {} : { operation: { op: "destroy" }, next: over };
    if (!anew && known.sid === undefined && (SAFE.has(this.req.method) ? isHollow(texts) : texts.size === 0)) return {};
    if (anew || known.sid === undefined) {
      checkSize(texts, this.site.dataLimit);
      const { chosen } = this.session.cookie;
      const lasting = typeof chosen === "number" && { remember: true, absolute: seconds(chosen) };
      const operation = { op: "create", ...(subject !== undefined && { sub: subject }), ...(texts.size > 0 && { data: valuesOf(texts) }), ...lasting, ...this.issue };
      const absolute = lasting ? Math.floor(this.now) + lasting.absolute : undefined;
      return { operation, next: { sid: this.claims.jti, sub: subject, texts, absolute, subject } };
    }
    const change = difference(known.texts, texts);
    if (change.set) checkSize(texts, this.site.dataLimit);
    const absolute = this.#shortened();
    const next = { ...known, texts, subject, absolute: absolute === undefined ? known.absolute : Math.floor(this.now) + absolute };
    if (this.issue) {
      if (known.sub !== undefined) next.sid = this.claims.jti;
      return { operation: { op: "rotate", ...change, ...(absolute !== undefined && { absolute }), ...this.issue }, next };
    }
    if (Object.keys(change).length === 0 && absolute === undefined) return {};
    return { operation: { op: "update", ...change, ...(absolute !== undefined && { absolute }) }, next };
  }

  // A life that the application made shorter than what is left, in seconds.
  #shortened() {
    const { chosen } = this.session.cookie;
    if (typeof chosen !== "number") return undefined;
    const wanted = seconds(chosen);
    return this.known.absolute === undefined || wanted < this.known.absolute - this.now - 1 ? wanted : undefined;
  }

  #done(next, { ending, issue }) {
    this.known = next;
    this.regenerated = false;
    if (this.ending === ending) this.ending = undefined;
    if (this.issue === issue) this.issue = undefined;
  }

  // Puts the change into the head of the response. Throws once, and changes nothing, when the session can't be kept.
  deliver(res) {
    const isRefused = this.isHandshake && res instanceof ServerResponse && res.socket !== null;
    if (this.headSent && !isRefused) return;
    this.res = res;
    if (this.failed) return this.#leave(res);
    try {
      const { operation, next } = this.#plan();
      this.headSent = true;
      this.isHandshake = false;
      if (!operation) return;
      this.site.deliver(res, this, operation);
      this.told = true;
      this.fresh = operation.op === "create" || operation.op === "rotate";
      this.#done(next, this);
    } catch (error) {
      this.failed = true;
      // Whoever called save() knows already, and this may be the error page.
      if (error.message !== this.reported) throw error;
      this.#leave(res);
    }
  }

  // The session in the place of a user's can't be kept; that one has ended all the same.
  #leave(res) {
    if (!this.regenerated || this.known.sub === undefined) return;
    this.headSent = true;
    this.site.deliver(res, this, { op: "destroy" });
    this.told = true;
  }

  // Node.js holds a head back until the first byte, and that may be waiting for what the gate says.
  #letHeadGo() {
    if (this.res?.headersSent && !this.res.writableEnded) this.res.flushHeaders();
  }

  // Tells the gate of what changed after the head, one message after the other.
  flush() {
    this.#letHeadGo();
    const flush = async () => {
      if (this.failed) return;
      const { operation, next } = this.#plan();
      if (!operation) return;
      const { ending, issue } = this;
      if (operation.op === "create" || operation.op === "rotate") {
        throw new SessionDataError("the head of the response has been sent: it is too late to begin a session or to log in. Do it before the first write");
      }
      const { sid, sub } = this.known;
      const about = { ...(sub !== undefined && { sub }), ...(operation.op !== "destroy_all" && { sid }) };
      await this.site.outOfBand({ ...operation, ...about }, { now: () => this.now, patient: this.fresh });
      this.fresh = false;
      this.#done(next, { ending, issue });
    };
    this.writing = this.writing.then(flush, flush);
    return this.writing;
  }

  // Whether anything is left to tell.
  get pending() {
    if (this.failed) return false;
    try {
      return this.#plan().operation !== undefined;
    } catch {
      return true; // flush says why
    }
  }

  save(callback) {
    if (this.headSent) return void this.flush().then(() => callback?.(), callback ?? (() => {}));
    let failure;
    try {
      this.#plan();
    } catch (error) {
      failure = error;
    }
    if (!callback) return; // the end of the response says it
    this.reported = failure?.message;
    process.nextTick(callback, failure);
  }

  // After the head the request may be long ago: whether the session is still there is the gate's to say. What the application changes
  // until it has said so, for another message of the same socket, stays.
  reload(callback = () => {}) {
    const seen = glance(this.session);
    if (!this.headSent) return process.nextTick(callback, this.#reloaded(this.known.sid !== undefined, seen));
    this.#letHeadGo();
    const ask = async () => {
      const { sid, sub } = this.known;
      const about = { op: "update", ...(sub !== undefined && { sub }), sid };
      const isAlive = sid !== undefined && (await this.site.outOfBand(about, { now: () => this.now, patient: this.fresh })) !== undefined;
      if (isAlive) this.fresh = false;
      return this.#reloaded(isAlive, seen);
    };
    const asked = this.writing.then(ask, ask);
    this.writing = asked.catch(() => {});
    return asked.catch((error) => error).then((error) => process.nextTick(callback, error));
  }

  #reloaded(isAlive, seen) {
    if (!isAlive || this.ending !== undefined) return new Error("failed to load session");
    const { texts, absolute } = this.known;
    const data = new Map([...texts].map(([name, text]) => [name, JSON.parse(text)]));
    for (const name of this.session ? changedSince(seen, this.session) : []) {
      if (Object.hasOwn(this.session, name)) data.set(name, this.session[name]);
      else data.delete(name);
    }
    // In place, for a handler may hold it.
    if (this.session) Session.fill(this.session, Object.fromEntries(data), absolute && absolute * 1000);
    else this.#begin(Object.fromEntries(data), absolute);
    this.regenerated = false;
    return undefined;
  }

  regenerate() {
    if (this.headSent) return new Error("edgeSession: the head of the response has been sent: it is too late for regenerate()");
    if (this.ending === "all") return new Error("edgeSession: after destroyAll() no session can begin with the same response");
    this.ending = undefined; // the new one takes its place
    this.regenerated = true;
    this.#begin({}, undefined);
    return undefined;
  }

  end(which, callback = () => {}) {
    this.ending = which;
    this.session = undefined;
    if (this.headSent) this.flush().then(() => callback(), callback);
    else process.nextTick(callback);
  }

  rotate({ amr, authTime, endOthers } = {}) {
    const time = authTime === undefined ? undefined : Math.floor(authTime instanceof Date ? authTime.getTime() / 1000 : authTime);
    // One in the future would be recent forever.
    if (time !== undefined && !(time >= 0 && time <= Math.max(this.now, Date.now() / 1000) + 60)) {
      throw new TypeError("edgeSession: `authTime` is a Date, or seconds since 1970 and not milliseconds, and not in the future");
    }
    this.issue = { ...this.issue, ...(amr && { amr }), ...(time !== undefined && { auth_time: time }), ...(endOthers && { end_others: true }) };
  }
}

const seconds = (ms) => Math.max(1, Math.ceil(ms / 1000));
