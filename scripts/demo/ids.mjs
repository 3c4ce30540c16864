// When did this session get its present ID? The assertion does not say, and it need not: no application has to know.
// The demonstration shows it all the same, from two sources: an answer of the application asks for a new ID, and
// the gate's log says when the gate made one by itself.
import { createHmac } from "node:crypto";

const KEEP = 1000;

export class Ids {
  #logKey;
  /** By the tag that stands for a session in the log. */
  #since = new Map();

  /** `keys` is EDGE_SESSION_KEYS, which no real application has: only this makes the log's tags readable here. */
  constructor(keys) {
    const [, newest = ""] = keys.split(",")[0].split(":"); // without one the gate says what is wrong
    this.#logKey = createHmac("sha256", Buffer.from(newest, "base64url")).update("edge-session log v1").digest();
  }

  /** What the log calls the session with this handle: a keyed hash of it. */
  tag(sid) {
    return createHmac("sha256", this.#logKey).update(sid).digest().subarray(0, 9).toString("base64url");
  }

  /** The application asked for a new ID; the session's handle is then the `jti` that it answered. */
  asked(jti) {
    this.#note(this.tag(jti), "asked for by the application");
  }

  /** A line of the gate's log. */
  logged({ event, reason, session }) {
    if (event === "session.rotated" && reason === "periodic") this.#note(session, "made by the gate");
  }

  /** `{ at, how }`, `at` in milliseconds, or nothing when it was before this program started. */
  last(sid) {
    return this.#since.get(this.tag(sid));
  }

  #note(tag, how) {
    this.#since.delete(tag);
    this.#since.set(tag, { at: Date.now(), how });
    if (this.#since.size > KEEP) this.#since.delete(this.#since.keys().next().value);
  }
}
