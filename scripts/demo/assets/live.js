// The live log of both sites: server-sent events from the page's own origin, newest first.

const KEEP = 40;
const clock = at => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Calls back with each entry, and shows it. `{ from, at, record }`, see feed.mjs. */
export function watch(list, onEntry = () => {}, onStart = () => {}) {
  const source = new EventSource(list.dataset.source);
  source.addEventListener("start", event => {
    list.replaceChildren();
    onStart(JSON.parse(event.data));
  });
  source.addEventListener("message", event => {
    const entry = JSON.parse(event.data);
    // Style sheets and pictures count as requests, but would push everything else out of sight.
    if (!entry.record.path?.startsWith("/assets/")) list.prepend(entry.from === "gate" ? gateLine(entry) : applicationLine(entry));
    while (list.children.length > KEEP) list.lastChild.remove();
    onEntry(entry);
  });
  return source;
}

function gateLine({ at, record }) {
  const { event, time, text, ...rest } = record;
  if (rest.count === 1) delete rest.count;
  const refused = /refused|forged|reuse|invalid|ambiguous|fault|shadowed/.test(event);
  const details = text ?? Object.entries(rest).map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join("  ");
  return line(`gate${refused ? " refused" : ""}`, at, event, details);
}

function applicationLine({ at, record }) {
  return line("application", at, `${record.method} ${record.path}`, `application, request ${record.n}, from ${record.who}`);
}

function line(kind, at, title, details) {
  const item = document.createElement("li");
  item.className = kind;
  const time = document.createElement("time");
  time.textContent = clock(at);
  const strong = document.createElement("b");
  strong.textContent = title;
  const small = document.createElement("small");
  small.textContent = details;
  item.append(time, " ", strong, small);
  return item;
}
