// What Cloudflare asks for, beyond what a paid plan includes, in dollars per million. Read on 2026-11-22.
export const READ_ON = "2026-11-22";
export const SOURCES = [
  "https://developers.cloudflare.com/workers/platform/pricing/",
  "https://developers.cloudflare.com/durable-objects/platform/pricing/",
  "https://developers.cloudflare.com/kv/platform/pricing/",
];
const PER_MILLION = {
  request: 0.3,
  cpu_ms: 0.02,
  object_request: 0.15, // calls and alarms
  object_gb_second: 12.5,
  row_read: 0.001,
  row_written: 1, // setting an alarm is one; so is, here, deleting an object's one row
  kv_read: 0.5, // for each key, found or not
  kv_other: 5, // write, delete, list
};

// Not counted but assumed, on the high side: the gate's CPU time for a request, and how long a call keeps an object busy. Both are small.
export const ASSUMED = { cpu_ms: 0.2, object_ms: 5 };
const OBJECT_GB = 0.125;

// Dollars for a million requests, given what `requests` of them cost the store.
export function dollars(requests, counts) {
  const of = (name) => counts[name] ?? 0;
  const objectRequests = of("calls") + of("alarms");
  const store =
    objectRequests * PER_MILLION.object_request +
    objectRequests * (ASSUMED.object_ms / 1000) * OBJECT_GB * PER_MILLION.object_gb_second +
    of("rows_read") * PER_MILLION.row_read +
    (of("rows_written") + of("alarms_set") + of("delete_alls")) * PER_MILLION.row_written +
    of("kv_reads") * PER_MILLION.kv_read +
    (of("kv_writes") + of("kv_deletes") + of("kv_lists")) * PER_MILLION.kv_other;
  return PER_MILLION.request + ASSUMED.cpu_ms * PER_MILLION.cpu_ms + store / requests;
}

// Rows that are paid for as written.
export const written = (counts) => (counts.rows_written ?? 0) + (counts.alarms_set ?? 0) + (counts.delete_alls ?? 0);
