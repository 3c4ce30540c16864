// What a ledger (history.mjs) has to look like when the gate keeps its promises. Times are the ledger's; what nobody was told of may or
// may not have happened.

const ENDS = new Set(["destroy", "destroy_all"]);
const isDone = (entry) => !entry.lost && entry.code === undefined;
const opOf = (entry) => entry.op?.op ?? entry.outOfBand?.op ?? (entry.path === "/.edge-session/logout" ? "logout" : undefined);

// Every broken promise, as a sentence.
export function broken(ledger) {
  const sentences = [];
  const say = (entry, text) => sentences.push(`seed ${entry.seed}, request ${entry.n} (${entry.method} ${entry.path} ${opOf(entry) ?? ""}): ${text}`);
  const book = understood(ledger);
  const endings = endingsIn(ledger);
  for (const entry of ledger.entries) {
    whoItWasTakenFor(entry, (text) => say(entry, text));
    wayOfAnswering(ledger, entry, (text) => say(entry, text));
  }
  newIds(ledger, book, say);
  endedStaysEnded(ledger, endings, say);
  replacedStaysReplaced(ledger, say);
  for (const session of book.sessions.values()) dataIsThere(ledger, session, say);
  loggedOutForNothing(ledger, endings, say);
  return sentences;
}

// Whose session each ID is, as the answers told it. Every entry gets the session of the ID that it presented.
function understood({ entries }) {
  const sessions = new Map(); // first handle: { root, sub, made, handles, ids, entries, writes }
  const givers = new Map(); // ID: the first response that gave it
  for (const entry of entries) {
    if (entry.op?.op !== "create" || entry.answered === undefined) continue;
    const { jti } = entry.claims;
    sessions.set(jti, { root: jti, sub: entry.op.sub, made: entry, handles: new Set([jti]), ids: new Map(), entries: [], writes: new Map() });
  }
  const given = entries.filter((entry) => entry.gave).sort((one, other) => one.end - other.end);
  for (const entry of given) if (!givers.has(entry.gave)) givers.set(entry.gave, entry);
  const sessionOf = (id) => {
    let giver = givers.get(id);
    for (let steps = 0; giver && giver.op?.op !== "create" && steps < 200; steps += 1) giver = givers.get(giver.id);
    return giver?.op?.op === "create" ? sessions.get(giver.claims.jti) : undefined;
  };
  for (const [id, giver] of givers) sessionOf(id)?.ids.set(id, giver);
  for (const entry of entries) {
    entry.session = entry.id && sessionOf(entry.id);
    entry.session?.entries.push(entry);
    const meant = sessions.get(entry.outOfBand ? entry.root : entry.claims?.data?.root);
    if (entry.op?.op === "rotate" && entry.claims?.sub) meant?.handles.add(entry.claims.jti);
    if (meant && entry.written && (entry.outOfBand || entry.answered !== undefined)) {
      const { key } = entry.written;
      meant.writes.set(key, [...(meant.writes.get(key) ?? []), entry]);
    }
  }
  return { sessions, givers, given, sessionOf };
}

function whoItWasTakenFor(entry, say) {
  const { claims, session } = entry;
  if (claims?.sid === undefined) {
    if (claims && (claims.sub ?? claims.data ?? claims.session) !== undefined) say("somebody is named without a session");
    return;
  }
  if (session === undefined) {
    say("taken for a session, with an ID that the gate had not given");
    return;
  }
  if (claims.data.root !== session.root) say("another session's data");
  if (claims.sub !== session.sub || claims.data.owner !== (session.sub ?? "nobody")) say(`${claims.sub} in the place of ${session.sub}`);
  if (!session.handles.has(claims.sid)) say("a handle that the session never had");
  session.absolute ??= claims.session.absolute;
  if (claims.session.absolute > session.absolute) say("the absolute deadline moved later");
  if (entry.date >= claims.session.absolute * 1000 || entry.date >= (claims.session.idle + 1) * 1000) say("taken for a session that had run out");
  // The platform sends a read again where a connection that it had kept breaks.
  if (entry.arrivals > 1 && entry.unsafe) say("forwarded twice");
  if (entry.received.includes(entry.sent)) say("the origin saw the cookie");
}

function newIds({ entries }, { givers, given, sessionOf }, say) {
  const sent = new Map(); // ID: when it was first presented
  for (const entry of entries) if (entry.id && !(sent.get(entry.id) <= entry.start)) sent.set(entry.id, entry.start);
  const successors = new Map();
  for (const entry of given) {
    const op = entry.op?.op;
    const isFirst = givers.get(entry.gave) === entry;
    if (isFirst && sent.get(entry.gave) < entry.end) say(entry, "a client's own ID was adopted");
    if (op === "create" && !isFirst) say(entry, "a login gave an ID that somebody had already");
    if (op === "rotate" && entry.gave === entry.id) say(entry, "a rotation gave the old ID again");
    if (ENDS.has(op)) say(entry, "an ending gave an ID");
    if (op !== "create" && entry.session === undefined) say(entry, "an ID for nobody");
    if (op !== "create" && entry.session && sessionOf(entry.gave) !== entry.session) say(entry, "an ID of another session");
    if (op !== undefined) continue;
    const known = successors.get(entry.id);
    if (known !== undefined && known !== entry.gave) say(entry, "a second successor of one ID");
    successors.set(entry.id, entry.gave);
  }
}

function endedStaysEnded(ledger, endings, say) {
  for (const entry of ledger.entries) {
    const { session } = entry;
    if (entry.cleared && !ENDS.has(opOf(entry)) && opOf(entry) !== "logout") say(entry, "cleared a cookie and was no logout");
    if (session === undefined) continue;
    for (const ending of endings) {
      if (!ending.ends(session)) continue;
      const by = `request ${ending.by.n} (${opOf(ending.by)})`;
      if (entry.claims?.sid && counts(ledger, ending, entry)) say(entry, `taken for a session that ${by} had ended`);
      if (entry.gave && entry.op?.op !== "create" && ending.told < entry.answered) say(entry, `brought back what ${by} had ended`);
    }
  }
}

function replacedStaysReplaced(ledger, say) {
  for (const rotation of ledger.entries) {
    if (rotation.op?.op !== "rotate" || !rotation.gave || !rotation.session) continue;
    for (const entry of rotation.session.entries) {
      const giver = rotation.session.ids.get(entry.id);
      const isOld = entry.id !== rotation.gave && giver.end < rotation.answered;
      if (isOld && entry.claims?.sid && counts(ledger, { told: rotation.end, by: rotation }, entry)) say(entry, `taken for a session with an ID that request ${rotation.n} had replaced`);
    }
  }
}

// What was written is there, what was not is not, and nobody reads backwards in time. Each key has one writer at a time, who counts up.
function dataIsThere(ledger, session, say) {
  const reads = session.entries.filter((entry) => entry.claims?.sid).sort((one, other) => one.arrived - other.arrived);
  for (const [key, writes] of session.writes) {
    const seen = []; // [when, value]
    for (const entry of reads) {
      const value = entry.claims.data[key] ?? 0;
      const highest = (some) => some.reduce((high, write) => Math.max(high, write.written.value), 0);
      const most = highest(writes.filter((write) => write.start < entry.arrived));
      if (value > most) say(entry, `${key} is ${value}, and nobody had written more than ${most}`);
      if (!ledger.exact) continue;
      const least = highest(writes.filter((write) => isWrittenFor(ledger, write, entry)));
      if (value < least) say(entry, `${key} is ${value}, and ${least} had been written`);
      const before = seen.reduce((high, [when, was]) => (when < entry.start ? Math.max(high, was) : high), 0);
      if (entry.unsafe && value < before) say(entry, `${key} is ${value}, and was ${before} already`);
      seen.push([entry.arrived, value]);
    }
  }
}

// Whether this reader has to see what was written: it was told so, or a client left and there has been time.
function isWrittenFor(ledger, write, reader) {
  const wasTold = write.outOfBand ? write.status === 204 : isDone(write) && (write.marked || write.gave);
  const isLeft = write.lost && write.leaves !== undefined && write.claims?.sid;
  if (!wasTold) return reader.last && isLeft && !ledger.faulty;
  const isOwn = reader.browser !== undefined && write.browser === reader.browser;
  const late = reader.unsafe || write.place === reader.place || isOwn ? 0 : ledger.freshness;
  return write.end + late < reader.start;
}

// Whether a request came too late to be taken for what this ending ended.
function counts(ledger, ending, entry) {
  const late = entry.unsafe || ending.by.place === entry.place ? 0 : ledger.freshness;
  return ending.told + late < entry.start;
}

// What ended sessions, which of them, and when somebody was told; `maybe` where nobody was.
function endingsIn(ledger) {
  const endings = [];
  for (const entry of ledger.entries) {
    const op = opOf(entry);
    const done = isDone(entry);
    const { session } = entry;
    // A client that left changes nothing, once there was time.
    const isLeft = entry.lost && entry.leaves !== undefined && !ledger.faulty && entry.answered !== undefined;
    const told = done ? entry.end : isLeft ? ledger.quiet : undefined;
    const add = (isSure, ends) => endings.push({ by: entry, from: entry.start, told: isSure && told !== undefined ? told : Infinity, ends });
    const others = (sub, kept) => (other) => other.sub === sub && other.root !== kept && other.made.arrived < (entry.answered ?? entry.start);
    const maybeOthers = (sub, kept) => (other) => other.sub === sub && other.root !== kept;
    // Its own session was live when it was asked for, or its cookie was cleared: so it is dead now.
    const wasLive = entry.claims?.sid !== undefined;
    // With KV, of two who end each other one can outlive it.
    const isAlone = (sub) => ledger.exact || !ledger.entries.some((other) => other !== entry && other.op?.end_others && (other.op.sub ?? other.session?.sub) === sub);
    const all = (sub, kept, isSure) => {
      add(isSure && (kept === undefined || isAlone(sub)), others(sub, kept));
      add(false, maybeOthers(sub, kept));
    };
    if (op === "destroy" && !entry.outOfBand && session) add(wasLive || entry.cleared, (other) => other === session);
    if (op === "logout" && session) add(entry.cleared === true, (other) => other === session);
    if (op === "create") {
      // Nobody knows whether a login that nobody heard of was refused.
      if (session) add(wasLive && (done || entry.op.sub === undefined), (other) => other === session);
      if (entry.op.end_others && entry.op.sub !== undefined) all(entry.op.sub, entry.claims?.jti, done && entry.gave !== undefined);
    }
    if (op === "rotate" && entry.op.end_others && session?.sub !== undefined) all(session.sub, session.root, entry.gave !== undefined || entry.marked);
    if (op === "destroy_all") {
      const sub = entry.outOfBand ? entry.outOfBand.sub : entry.op.sub ?? entry.claims?.sub;
      if (sub !== undefined) all(sub, undefined, entry.outOfBand ? entry.status === 204 && !entry.again : true);
    }
    if (op === "destroy" && entry.outOfBand) add(entry.status === 204, (other) => other.root === entry.root);
  }
  return endings;
}

// A refusal, a status or a silence that the contract does not know.
function wayOfAnswering(ledger, entry, say) {
  const { status, code, claims, op } = entry;
  if (entry.lost) {
    // Where the origin's body breaks off before the head was sent on, the platform sends nothing.
    if (entry.leaves === undefined && entry.answer?.how !== "broken body") say(`no answer: ${entry.lost}`);
    return;
  }
  if (code !== undefined && (entry.gave || entry.cleared || entry.marked)) say(`${status} ${code} with a cookie`);
  if (/edge-session-(assertion|control)/i.test(entry.headersBack)) say("what is between origin and gate reached the browser");
  if (ledger.faulty && ((status === 503 && code === "store_unavailable") || (status === 500 && (code === "internal" || entry.method === "HEAD")))) return;
  const how = entry.answer?.how;
  const known = () => {
    // Beyond its life a message is none.
    if (entry.again && status === 400) return code === "control_invalid" && entry.start - entry.again.start > 60_000;
    if (entry.outOfBand) return status === 404 ? code === "not_found" && !(entry.again && ledger.exact) : status === (entry.outOfBand.op === "list" ? 200 : 204);
    if (opOf(entry) === "logout") return status === 204 || status === 303;
    if (claims === undefined) return entry.path === "/private/page" && status === 401 && code === "session_required";
    if (entry.path === "/private/page" && claims.sub === undefined) return false;
    if (entry.path === "/socket") return status === 101;
    if (how === "no head") return status === 502 && code === "origin_unreachable";
    const needsSession = op && (op.op === "update" || op.op === "rotate" || (op.op === "destroy_all" && op.sub === undefined));
    const lacks = needsSession && (claims.sid === undefined || (op.op === "destroy_all" && claims.sub === undefined));
    if (lacks) return status === 502 && code === "control_invalid";
    if (op?.op === "create" && status === 503) return code === "session_raced";
    if (op?.op === "create" && !entry.gave) return false;
    return code === undefined && status === (entry.answer?.status ?? 200) && (entry.complete || how === "broken body" || entry.leaves !== undefined);
  };
  if (!known()) say(`answered ${status} ${code ?? ""} (${how ?? ""})`);
}

// A session that nobody may have ended, with an ID that nothing may have replaced, is let in.
function loggedOutForNothing(ledger, endings, say) {
  for (const entry of ledger.entries) {
    const { session, id } = entry;
    const isRefused = !entry.lost && (entry.claims ? entry.claims.sid === undefined : entry.status === 401);
    if (session === undefined || !isRefused || (entry.code === "session_required" && session.sub === undefined)) continue;
    const giver = session.ids.get(id);
    if (endings.some((ending) => ending.from < entry.end && ending.ends(session) && ending.by !== entry)) continue;
    const isReplaced = ledger.entries.some(
      (other) => other.op?.op === "rotate" && other.session === session && other.answered < entry.end && other.gave !== id && giver.start < (other.end ?? Infinity),
    );
    if (isReplaced) continue;
    const ancestors = new Set([id]);
    for (let at = giver; at?.id && at.op?.op !== "create"; at = session.ids.get(at.id)) ancestors.add(at.id);
    const isSuperseded = session.entries.some((other) => other.id && !ancestors.has(other.id) && other.start + ledger.grace <= entry.end);
    if (!isSuperseded) say(entry, "nobody, with the ID of a session that nobody had ended");
  }
}
