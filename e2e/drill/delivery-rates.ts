/** A write as it arrived at a destination (ms, in order), and whether its limit let it in. */
export interface ArrivedWrite {
  readonly at: number;
  readonly accepted: boolean;
}

/** How much of a budget of writes was used in steady state: a queue, and nothing else going on. */
export interface BudgetUse {
  /** 0 to 1. */
  readonly share: number;
  readonly throttled: number;
  readonly seconds: number;
}

/**
 * From `sinceMs` on until the last tenth of the time, where the queue runs out. Null for less than ten seconds, which
 * say little.
 */
export function budgetUse(writes: readonly ArrivedWrite[], perSecond: number, sinceMs: number): BudgetUse | null {
  const first = writes.find(({ at }) => at >= sinceMs)?.at;
  const last = writes.at(-1)?.at;
  if (first === undefined || last === undefined) return null;
  const to = last - (last - first) / 10;
  const seconds = (to - first) / 1_000;
  if (seconds < 10) return null;
  const within = writes.filter(({ at }) => at >= first && at < to);
  const accepted = within.filter((one) => one.accepted).length;
  return { share: accepted / (seconds * perSecond), throttled: within.length - accepted, seconds };
}

/** What was counted at a moment (ms). */
export interface Sample {
  readonly at: number;
  readonly count: number;
}

/** How much was counted per second, and for how long. */
export interface Growth {
  readonly perSecond: number;
  readonly seconds: number;
}

/** Between the last sample before it grew and the first one at which all was there; null of no growth. */
export function growthOf(samples: readonly Sample[]): Growth | null {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.count === first.count) return null;
  const from = samples.findLast(({ count }) => count === first.count) ?? first;
  const to = samples.find(({ count }) => count === last.count) ?? last;
  const seconds = (to.at - from.at) / 1_000;
  return { perSecond: (last.count - first.count) / seconds, seconds };
}
