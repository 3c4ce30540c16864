// A few figures out of many rounds.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median, with the least and the most that was seen. */
export const spread = (values) => ({ median: median(values), least: Math.min(...values), most: Math.max(...values) });

/** The same of the ratio of two cases, taken round by round: what disturbed both in a round cancels out. */
export const ratio = (runs, others) => spread(runs.map((run, i) => run.cpu / others[i].cpu));
