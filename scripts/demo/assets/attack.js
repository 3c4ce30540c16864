// The attacks. Each marks its address with a number, and the record of what reached the application says whether it
// came through: what this page itself can see of an answer proves nothing.
import { watch } from "/assets/live.js";

const page = document.getElementById("attacks");
const victim = page.dataset.victim;
const received = document.getElementById("received");
/** How long a request may take, in milliseconds, before we believe that neither the gate nor the application will tell of it. */
const PATIENCE = 5000;
/** How long we wait once it was told of: it may have been let through, and the gate says the same only once a second. */
const PAUSE = 1200;
const MALLORY = "u-1003";

const seen = [];
watch(
  document.getElementById("log"),
  entry => {
    seen.push(entry);
    if (entry.from === "application") received.textContent = Math.max(received.textContent, entry.record.n); // those from before come again
  },
  start => (received.textContent = start.received),
);

const attacks = {
  form: (mark, card) => post(card, `/transfer${mark}`, { to: MALLORY, amount: "100" }),
  login: (mark, card) => post(card, `/login${mark}`, { user: "mallory", username: "mallory", password: "edge" }),
  fetch: mark => fetch(`${victim}/transfer${mark}`, {
    method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({ to: MALLORY, amount: "100" }),
  }).catch(() => {}),
  frame: (mark, card) => {
    const frame = card.querySelector("iframe");
    frame.hidden = false;
    frame.src = `${victim}/session${mark}`;
  },
  image: mark => {
    new Image().src = `${victim}/session${mark}`;
  },
  socket: mark => {
    const socket = new WebSocket(`${victim.replace(/^http/, "ws")}/echo${mark}`);
    socket.addEventListener("open", () => socket.close());
  },
};

/** A form posted into the card's frame, so that this page stays. */
function post(card, path, fields) {
  const frame = card.querySelector("iframe");
  frame.hidden = false;
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: victim + path, target: frame.name, hidden: true });
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, { name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

const pause = time => new Promise(resolve => setTimeout(resolve, time));

async function attack(card) {
  const button = card.querySelector("button");
  const verdict = card.querySelector(".verdict");
  const number = Math.random().toString(36).slice(2, 10);
  button.disabled = true;
  verdict.className = "verdict";
  verdict.textContent = "Trying…";
  const before = seen.length;
  attacks[card.dataset.attack](`?attack=${number}`, card);
  const since = () => seen.slice(before);
  const came = () => since().some(({ from, record }) => from === "application" && record.path.includes(`attack=${number}`));
  const refusal = () => since().find(({ from, record }) => from === "gate" && record.event.endsWith(".refused"));
  for (let waited = 0; waited < PATIENCE && !came() && !refusal(); waited += 50) await pause(50);
  await pause(PAUSE);
  const line = refusal();
  verdict.classList.add(came() ? "reached" : "refused");
  verdict.textContent = came() ? "It reached the application." : `Refused${line ? `: ${line.record.event}` : ""}. Nothing reached the application.`;
  button.disabled = false;
}

const cards = [...page.querySelectorAll("[data-attack]")];
for (const card of cards) card.querySelector("button").addEventListener("click", () => attack(card));

document.getElementById("all").addEventListener("click", async event => {
  event.target.disabled = true;
  for (const card of cards) await attack(card);
  event.target.disabled = false;
});
