// An Express application with the kit, for the tests behind the real gate. `express` is either version.
import { once } from "node:events";
import { createServer, request } from "node:http";
import { edgeSession } from "../src/index.js";

export async function startSite(express, options) {
  const log = [];
  const reached = []; // "METHOD /path" of all that passed the middleware
  const holds = new Map();
  const sessions = edgeSession({ subject: (session) => session.user, directPaths: ["/healthz"], log: (line) => log.push(line), ...options });
  const app = express();
  app.use(sessions);
  app.use((req, res, next) => {
    reached.push(`${req.method} ${req.path}`);
    next();
  });
  const state = (req) => ({ sub: req.auth.sub, sid: req.auth.sid, amr: req.auth.amr, data: { ...req.session } });

  // Waits until the test releases it: /held?then=<path of another route>.
  app.use(async (req, res, next) => {
    const hold = holds.get(req.query.hold);
    if (hold) {
      hold.arrive();
      await hold.released;
    }
    next();
  });
  app.get("/healthz", (req, res) => res.send("well"));
  app.all("/state", (req, res) => res.json(state(req)));
  app.post("/login", express.json(), (req, res, next) => {
    const { cart } = req.session;
    req.session.regenerate((error) => {
      if (error) return next(error);
      Object.assign(req.session, { user: req.body.user }, cart !== undefined && { cart });
      return res.json({ sid: req.session.id });
    });
  });
  app.post("/set", express.json({ limit: "1mb" }), (req, res) => {
    Object.assign(req.session, req.body);
    res.send("set");
  });
  app.post("/sudo", (req, res) => {
    req.session.role = "admin";
    req.session.rotate({ amr: ["pwd", "otp"] });
    res.send("sudo");
  });
  app.post("/password", (req, res) => {
    req.session.rotate({ endOthers: true });
    res.send("changed");
  });
  app.post("/logout", (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.redirect("/"))));
  // "Your devices": the user's sessions, and an end of one of them.
  app.post("/devices", (req, res, next) => sessions.listSessions(req.auth.sub).then((list) => res.json(list.map(({ sid }) => sid)), next));
  app.post("/devices/end", express.json(), (req, res, next) => sessions.endSession(req.auth.sub, req.body.sid).then((ended) => res.json({ ended }), next));
  app.post("/everywhere", (req, res) => req.session.destroyAll(() => res.send("bye")));
  app.post("/upload", (req, res) => {
    let size = 0;
    req.on("data", (part) => (size += part.length));
    req.on("end", () => {
      req.session.uploaded = size;
      res.send(`${size}`);
    });
  });
  app.post("/stream", (req, res) => {
    req.session.before = 1;
    res.write("first ");
    req.session.after = 2;
    res.end("last");
  });
  // An answer that goes on for long, as of an event stream: it is there until the test releases it, and says then whether its session still is.
  app.post("/watch", async (req, res) => {
    res.write("open ");
    const hold = holds.get("watch");
    hold.arrive();
    await hold.released;
    req.session.reload((error) => res.end(error ? error.message : "alive"));
  });
  app.get("/site", (req, res) => res.json({ protocol: req.protocol, secure: req.secure, hostname: req.hostname, host: req.get("host"), url: new URL("/there", `${req.protocol}://${req.get("host")}`).href }));
  app.get("/name", (req, res) => res.set("Cache-Control", "public, max-age=60").send(`the page of ${req.session.user ?? "nobody"}`));
  app.get("/visits", (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.set("Cache-Control", "public, max-age=60").send(`visit ${req.session.visits}`);
  });
  app.use((error, req, res, next) => (res.headersSent ? next(error) : res.status(500).json({ error: error.message })));

  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    port: server.address().port,
    sessions,
    log,
    reached,
    // The request with ?hold=name waits; `arrived` resolves once it is there.
    hold(name) {
      const hold = {};
      hold.arrived = new Promise((resolve) => (hold.arrive = resolve));
      hold.released = new Promise((resolve) => (hold.release = resolve));
      holds.set(name, hold);
      return hold;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

// A shared cache before the application, as nginx or a CDN: it obeys max-age and Vary and what else it reads is nothing.
export async function startCache(target) {
  const kept = [];
  const hits = [];
  const server = createServer((req, res) => {
    const hit = req.method === "GET" && kept.find((one) => one.url === req.url && one.vary.every((name) => one.asked[name] === req.headers[name]));
    if (hit) {
      hits.push(req.url);
      return res.writeHead(200, hit.headers).end(hit.body);
    }
    const onward = request(target, { method: req.method, path: req.url, headers: req.headers }, (answer) => {
      const parts = [];
      const control = answer.headers["cache-control"] ?? "";
      const vary = (answer.headers.vary ?? "").toLowerCase().split(/\s*,\s*/).filter(Boolean);
      const keeps = req.method === "GET" && /max-age=[1-9]/.test(control) && !/private|no-store/.test(control);
      res.writeHead(answer.statusCode, answer.headers);
      answer.on("data", (part) => {
        parts.push(part);
        res.write(part);
      });
      answer.on("end", () => {
        if (keeps) kept.push({ url: req.url, vary, asked: req.headers, headers: answer.headers, body: Buffer.concat(parts) });
        res.end();
      });
      answer.on("error", () => res.destroy());
    });
    onward.on("error", () => res.destroy());
    req.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    hits,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
