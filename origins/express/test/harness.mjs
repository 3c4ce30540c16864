// A small Express application with the kit, and requests to it as the gate sends them. Every test runs on both versions of Express.
import { once } from "node:events";
import test from "node:test";
import express5 from "express";
import express4 from "express4";
import { edgeSession } from "../src/index.js";
import { edgeForTests } from "../src/testing.js";

export const VERSIONS = [["Express 5", express5], ["Express 4", express4]];

// One test for each version: body(start, t), where start(routes, options) resolves to { get, post, sessions, … }.
export function onBoth(name, body) {
  for (const [version, express] of VERSIONS) {
    test(`${version}: ${name}`, async (t) => {
      await body((routes, options) => start(t, express, routes, options), t);
    });
  }
}

export async function start(t, express, routes, { mount = "/", ...options } = {}) {
  const edge = edgeForTests();
  const log = [];
  const sessions = edgeSession({ issuer: edge.issuer, audience: edge.audience, keys: edge.keys, log: (line) => log.push(line), ...options });
  const app = express();
  app.use(mount, sessions);
  routes(app, sessions);
  const errors = [];
  // An application's own error page, with the four parameters that Express looks for.
  app.use((error, req, res, next) => {
    errors.push(error);
    if (res.headersSent) return next(error);
    return res.status(error.status ?? 500).json({ error: error.message });
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${server.address().port}`;

  // A request with a session's claims ({ sub, data, … }), of nobody ({}), or not through the gate (null). `onHead` is told of the operation
  // as the gate is: when the head is there.
  const send = async (method, path, session = {}, { onHead, ...init } = {}) => {
    const headers = session === null ? {} : edge.headers(session);
    const jti = session && JSON.parse(Buffer.from(headers["Edge-Session-Assertion"].split(".")[1], "base64url")).jti;
    const answer = await fetch(url + path, { method, redirect: "manual", ...init, headers: { ...headers, ...init.headers } });
    const operation = edge.operation(answer);
    onHead?.(operation, jti);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text), operation, jti };
  };
  return { url, edge, sessions, log, errors, app, send, get: (...rest) => send("GET", ...rest), post: (...rest) => send("POST", ...rest) };
}

// A method with a callback, awaited.
export const done = (object, method, ...args) => new Promise((resolve, reject) => object[method](...args, (error) => (error ? reject(error) : resolve())));
