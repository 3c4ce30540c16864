// The main cases as bars: an SVG that is readable on a light page and on a dark one.

// Variants of these are in the table only. What --peer added is shown as well.
const HIDDEN = /^(?:header|floor-|gate-(?:\d|public|post)|object-post|js-subtle-store)/;
const [WIDTH, LEFT, TOP, ROW] = [860, 270, 58, 26];
const LONGEST = WIDTH - LEFT - 130;

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

export function chart({ cases, date, machine }) {
  const rows = cases.filter(({ name, cpu }) => cpu && !HIDDEN.test(name));
  const most = Math.max(...rows.map(({ cpu }) => cpu.most));
  const x = (value) => LEFT + (value / most) * LONGEST;
  const bars = rows.map(({ name, label, cpu, toPass }, i) => {
    const y = TOP + i * ROW;
    const kind = name.startsWith("gate") ? "gate" : "other";
    const figure = `${cpu.median.toFixed(0)} µs${toPass ? `, ${toPass.median.toFixed(2)} ×` : ""}`;
    return `  <text class="label" x="${LEFT - 10}" y="${y + 13}">${escaped(label)}</text>
  <rect class="${kind}" x="${LEFT}" y="${y}" width="${(x(cpu.median) - LEFT).toFixed(1)}" height="18" rx="2"/>
  <path class="range" d="M${x(cpu.least).toFixed(1)} ${y + 9}H${x(cpu.most).toFixed(1)}"/>
  <text x="${(x(cpu.most) + 8).toFixed(1)}" y="${y + 13}">${figure}</text>`;
  });
  const height = TOP + rows.length * ROW + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="CPU time per request of the gate and of other gateways">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .label { text-anchor: end }
    .gate { fill: #c2571a }
    .other { fill: #8c959f }
    .range { stroke: #1f2328; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .gate { fill: #e8853f }
      .other { fill: #6e7681 }
      .range { stroke: #e6edf3 }
    }
  </style>
  <text class="title" x="12" y="22">CPU per request of the server, and times the pass-through Worker</text>
  <text x="12" y="42">median, least and most of the rounds; ${escaped(machine.cpu)}, ${date.slice(0, 10)}</text>
${bars.join("\n")}
</svg>
`;
}
