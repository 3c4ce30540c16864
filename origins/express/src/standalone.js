// The application without the gate, for development and for its own tests: sessions in this process's memory, a plain cookie.
import { randomBytes } from "node:crypto";
import { Refused } from "./assertion.js";

const COOKIE = "edge-session-standalone";
const LIFE = 12 * 3600;
const REMEMBER = 30 * 24 * 3600;

export function makeStandalone({ issuer, audience }) {
  const sessions = new Map(); // by cookie value
  const now = () => Math.floor(Date.now() / 1000);
  const random = () => randomBytes(16).toString("base64url");

  const find = (value) => {
    const session = sessions.get(value);
    if (session && session.absolute <= now()) sessions.delete(value);
    return sessions.get(value);
  };
  const forget = (wanted) => {
    for (const [value, session] of sessions) if (wanted(session)) sessions.delete(value);
  };
  const change = (session, { set = {}, unset = [], absolute, amr, auth_time: authTime }) => {
    const data = new Map(Object.entries(session.data));
    for (const name of unset) data.delete(name);
    for (const [name, value] of Object.entries(set)) data.set(name, value);
    session.data = Object.fromEntries(data);
    if (absolute !== undefined) session.absolute = Math.min(session.absolute, now() + absolute);
    Object.assign(session, amr && { amr }, authTime && { authTime });
  };
  const setCookie = (res, value, age) => {
    const line = `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Lax${age === undefined ? "" : `; Max-Age=${age}`}`;
    const others = [res.getHeader("Set-Cookie") ?? []].flat().filter((one) => !one.startsWith(`${COOKIE}=`));
    res.setHeader("Set-Cookie", [...others, line]);
  };
  const put = (res, session, remember) => {
    const value = random();
    sessions.set(value, session);
    setCookie(res, value, remember ? session.absolute - now() : undefined);
  };

  return {
    async identify(req) {
      const value = new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]+)`).exec(req.headers.cookie ?? "")?.[1];
      const found = find(value);
      const claims = { iss: issuer, aud: audience, iat: now(), exp: now() + 60, jti: random() };
      if (!found) return claims;
      const { sub, sid, authTime, amr, data, created, absolute } = found;
      const known = { sid, session: { created, idle: absolute, absolute, checked: now() }, data, ...(sub !== undefined && { sub }) };
      return { ...claims, ...known, ...(authTime && { auth_time: authTime }), ...(amr && { amr }) };
    },

    verify: async () => {
      throw new Refused("there are none in standalone mode");
    },

    deliver(res, { claims }, { op, ...operation }) {
      const mine = (session) => session.sid === claims.sid;
      const current = [...sessions.values()].find(mine);
      const { sub, end_others: endOthers } = operation;
      const owner = op === "create" ? sub : claims.sub;
      if (endOthers && owner !== undefined) forget((session) => session.sub === owner && !mine(session));
      if (op === "create") {
        forget(mine);
        const { data = {}, remember, absolute = Infinity, amr, auth_time: authTime = sub === undefined ? undefined : now() } = operation;
        const end = now() + Math.min(absolute, remember ? REMEMBER : LIFE);
        put(res, { sid: claims.jti, sub, data, amr, authTime, created: now(), absolute: end }, remember);
      } else if (op === "update" && current) change(current, operation);
      else if (op === "rotate" && current) {
        change(current, operation);
        forget(mine);
        put(res, { ...current, sid: current.sub === undefined ? current.sid : claims.jti });
      } else if (op === "destroy" || op === "destroy_all") {
        forget((session) => mine(session) || (op === "destroy_all" && session.sub === claims.sub));
        setCookie(res, "", 0);
      }
    },

    // As the gate: undefined where there is no such session of this subject.
    async outOfBand({ op, sub, sid, ...operation }) {
      const meant = (session) => session.sub === sub && (sid === undefined || session.sid === sid);
      const listed = [...sessions.values()].filter(meant);
      if (sid !== undefined && listed.length === 0) return undefined;
      if (op === "destroy_all" || op === "destroy") forget(meant);
      if (op === "update") for (const session of listed) change(session, operation);
      return JSON.stringify({ sessions: listed.map(({ sid: handle, created, absolute }) => ({ sid: handle, created, idle: absolute, absolute })) });
    },
  };
}
