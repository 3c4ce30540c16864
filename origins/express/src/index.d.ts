import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";

/** What your application keeps in its sessions. Add to it by declaration merging, as with express-session. */
export interface SessionData {}

export interface Options {
  /** The site's public origin, as `https://app.example.com`: the gate's `issuer`. */
  issuer?: string;
  /** This application's name in signed messages: the gate's `audience`. */
  audience?: string;
  /** `EDGE_SESSION_ORIGIN_KEYS`: `kid:key,kid:key`, newest first. */
  keys?: string;
  /** Whose session it is: an immutable account id, or undefined. When it changes, the gate begins a new session. */
  subject?: (session: Session & Partial<SessionData>) => string | number | bigint | null | undefined | false;
  /** Exact paths that are answered without the gate, such as health checks. They have no session. */
  directPaths?: string[];
  /** Whether `req.protocol`, `req.secure`, `req.hostname` and `Host` come from `issuer`. Default: true. */
  siteFromIssuer?: boolean;
  /** The gate's `limits.data` in bytes. Default: 2048. */
  dataLimit?: number;
  /** Where the gate takes messages out of band. Default: `/.edge-session/control` of `issuer`. */
  controlUrl?: string;
  /** Without the gate: sessions in memory. Refused with `NODE_ENV=production`. */
  standalone?: boolean;
  /** Told why requests are refused, each reason once a minute. Default: `console.warn`. */
  log?: ((line: string) => void) | null;
}

type Callback = (error?: unknown) => void;

export interface Cookie {
  /** Milliseconds until the session ends. Set it with a login to remember the user for so long. */
  maxAge: number | null;
  expires: Date | null | false;
  readonly originalMaxAge: number | null;
  path: string;
  httpOnly: boolean;
  secure: boolean;
}

export interface Session {
  /** The session's public handle: for logs and carts, useless as a cookie. */
  readonly id: string;
  readonly cookie: Cookie;
  save(callback?: Callback): this;
  reload(callback: Callback): this;
  regenerate(callback: Callback): this;
  destroy(callback?: Callback): this;
  touch(): this;
  resetMaxAge(): this;
  /** Ends every session of this session's user. */
  destroyAll(callback?: Callback): this;
  /** A new ID at once, for a change of privilege; in a login, how the user authenticated. `authTime`: a Date, or seconds since 1970. */
  rotate(options?: { amr?: string[]; authTime?: Date | number; endOthers?: boolean }): this;
}

/** Who is asking, as the gate has signed it. */
export interface Auth {
  readonly sub?: string;
  readonly sid?: string;
  readonly authTime?: Date;
  readonly amr?: readonly string[];
  readonly created?: Date;
  readonly idle?: Date;
  readonly absolute?: Date;
  readonly checked?: Date;
}

export interface ListedSession {
  readonly sid: string;
  readonly created: Date;
  readonly idle: Date;
  readonly absolute: Date;
}

export interface EdgeSession extends RequestHandler {
  /** Who sent a request that Express does not see, such as a WebSocket handshake; undefined when it did not come through the gate. */
  authenticate(request: IncomingMessage): Promise<Auth | undefined>;
  /** Ends all sessions of a user, from a job. */
  endSessions(subject: string | number | bigint): Promise<void>;
  /** Ends one session of a user, as `listSessions` names it. Whether there was one. */
  endSession(subject: string | number | bigint, sid: string): Promise<boolean>;
  listSessions(subject: string | number | bigint): Promise<ListedSession[]>;
}

export declare function edgeSession(options: Options): EdgeSession;

/** What the application put into the session can't be kept there; the message says what. */
export declare class SessionDataError extends Error {
  code: "EDGE_SESSION_DATA";
}

/** The gate refused a message out of band. */
export declare class GateError extends Error {
  code: "EDGE_SESSION_GATE";
  answered: number;
  reason?: string;
}

declare global {
  namespace Express {
    interface Request {
      session: Session & Partial<SessionData>;
      sessionID: string;
      auth: Auth;
    }
  }
}
