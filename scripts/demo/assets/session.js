// The application's own pages: deadlines counting down, times in the reader's own way, the live log, and, where there
// is one, an echo over a WebSocket. Without it every page still works.
import { watch } from "/assets/live.js";

for (const time of document.querySelectorAll("time[datetime]")) {
  const date = new Date(time.dateTime);
  const today = date.toDateString() === new Date().toDateString();
  time.textContent = date.toLocaleString([], today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
}

// Buttons that all say "End" say which session, to who only hears them.
for (const row of document.querySelectorAll("#sessions li")) {
  const since = row.querySelector("time").textContent;
  row.querySelector("button")?.setAttribute("aria-label", `End the session since ${since}`);
}

const session = document.getElementById("session");
if (session) {
  countDown();
  follow();
  if (document.getElementById("echo")) echo();
}

function countDown() {
  document.getElementById("ended").role = "alert"; // who does not see the countdown hears its end
  // The server's clock counts: the deadlines are its own. What this device thinks the time is does not matter.
  const ahead = Number(session.dataset.now) * 1000 - performance.now();
  const outputs = [...session.querySelectorAll("output[data-at]")];
  const tick = () => {
    const now = (performance.now() + ahead) / 1000;
    let over = false;
    for (const output of outputs) {
      const left = Math.max(0, Math.ceil(Number(output.dataset.at) - now));
      output.textContent = duration(left);
      output.classList.toggle("over", left === 0);
      output.nextElementSibling.value = left / Number(output.dataset.span);
      over ||= left === 0;
    }
    document.getElementById("ended").hidden = !over;
  };
  tick();
  setInterval(tick, 1000);
}

function duration(seconds) {
  const two = number => String(number).padStart(2, "0");
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (days > 0) return `${days} d ${two(hours)}:${rest}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

function follow() {
  // The assertion does not say when the session got its ID, so the page asks the log: how the session is called there,
  // and when that was, come first; a later ID, such as the one that came with this very page, comes as it is made.
  const rotated = document.getElementById("rotated");
  const show = ({ at, how }) => (rotated.textContent = `${new Date(at).toLocaleTimeString([], { timeStyle: "medium" })}, ${how}`);
  let own;
  watch(
    document.getElementById("log"),
    ({ from, at, record }) => {
      const mine = from === "gate" && record.event === "session.rotated" && record.reason === "periodic" && record.session === own.session;
      if (mine && at >= (own.rotated?.at ?? 0)) show({ at, how: "made by the gate" });
    },
    start => {
      own = start;
      if (start.rotated) show(start.rotated);
      else rotated.textContent = "before this program started";
    },
  );
}

function echo() {
  const form = document.getElementById("echo");
  const echoed = document.getElementById("echoed");
  let socket;
  form.addEventListener("submit", event => {
    event.preventDefault();
    const text = new FormData(form).get("text");
    if (socket?.readyState === WebSocket.OPEN) return socket.send(text);
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/echo`);
    socket.addEventListener("open", () => socket.send(text));
    socket.addEventListener("message", ({ data }) => (echoed.textContent = data));
    socket.addEventListener("error", () => (echoed.textContent = "The handshake was refused."));
    socket.addEventListener("close", ({ reason }) => reason && (echoed.textContent = `Closed: ${reason}.`));
  });
}
