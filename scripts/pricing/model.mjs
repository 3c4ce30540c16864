// What a site's requests cost its store, put together from what single operations were measured to cost (tests/data/cost.json).
//
// A user's day is taken as logins, pages and posts. A page is so many reads at once, and then a time in which it is looked at; of those
// times as many are longer than t as is usual for waiting times of this mean, e^(-t/mean). So with a window w a share of e^(-w/mean) of the
// pages asks the store, and the page after a change always does; after a login it does where the store is KV. While a user is active,
// activity is written once a touch interval, or four times within the idle time where that is more, and the ID is replaced once a rotation
// interval. A durable store writes activity with a change as well, which puts the next time off by half an interval on average. A day's
// first login finds nothing of the user, and what is left of the day is cleared away once.

const add = (total, counts, times) => {
  for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count * times;
};

// Of one measurement what is more than in another.
function beyond(counts, base) {
  const more = {};
  for (const [name, count] of Object.entries(counts)) more[name] = Math.max(0, count - (base[name] ?? 0));
  return more;
}

// What one user's day costs: { requests, counts }. Times in seconds.
export function usersDay({ store, window, requestsPerDay, users, posts, changes, logins, perPage, think, touch, rotation, idle }, operations) {
  const cost = (name) => operations[`${store} ${name}`];
  const requests = requestsPerDay / users;
  const sent = requests * posts;
  const signIns = Math.min(logins, sent);
  const forms = sent - signIns;
  const updates = forms * changes;
  const reads = requests - sent;
  const pages = reads / perPage;
  const active = Math.min(pages * think, 86_400);
  const isKv = store === "kv";
  const asking = window === 0 ? reads : Math.min(pages, pages * Math.exp(-window / think) + (isKv ? signIns : 0) + updates);

  const counts = {};
  add(counts, cost("validate"), asking);
  add(counts, cost("post"), forms - updates);
  add(counts, cost("update"), updates);
  const first = Math.min(signIns, 1);
  add(counts, cost("login"), first);
  add(counts, cost("second login"), signIns - first);
  add(counts, cost("expiry"), first);
  const touches = Math.min(Math.max(0, active / Math.min(touch, idle / 4) - (isKv ? 0 : updates / 2)), pages + sent);
  add(counts, beyond(cost("validate and touch"), cost("validate")), touches);
  if (rotation > 0) add(counts, beyond(cost("rotation"), cost("validate")), Math.min(active / rotation, pages));
  return { requests, counts };
}
