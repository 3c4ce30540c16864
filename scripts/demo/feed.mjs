// What happens, as it happens: the gate's log lines and the requests that reach the application. The terminal
// and the pages of the demonstration watch it.

export class Feed {
  #recent = [];
  #watchers = new Set();
  /** How many requests the application has received. */
  received = 0;

  /** A log line of the gate: one JSON object per event. Anything else the runtime prints is kept as text. */
  gate(line) {
    let record;
    try {
      record = JSON.parse(line);
    } catch {}
    if (typeof record !== "object" || record === null) record = { event: "runtime", text: line };
    this.#push({ from: "gate", record });
  }

  application(request) {
    this.#push({ from: "application", record: { n: ++this.received, ...request } });
  }

  #push(entry) {
    entry.at = Date.now();
    this.#recent.push(entry);
    if (this.#recent.length > 50) this.#recent.shift();
    for (const watcher of this.#watchers) watcher(entry);
  }

  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Answers a request with the feed as server-sent events, for as long as it stays open; `about` goes into the first. */
  stream(response, { replay = 0, until, about } = {}) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    const send = entry => response.write(`data: ${JSON.stringify(entry)}\n\n`);
    response.write(`event: start\ndata: ${JSON.stringify({ received: this.received, ...about })}\n\n`);
    if (replay > 0) this.#recent.slice(-replay).forEach(send);
    const stop = this.watch(send);
    // A proxy may close a silent connection; a comment is no event.
    const alive = setInterval(() => response.write(":\n\n"), 20_000);
    const end = until && setTimeout(() => response.end(), Math.min(until - Date.now(), 2 ** 31 - 1));
    response.on("close", () => {
      stop();
      clearInterval(alive);
      clearTimeout(end);
    });
  }
}
