/** How much of a budget of writes was used, from the times at which they arrived (ms, in order). */
export interface BudgetUse {
  /** Share from the first write to the last one, 0 to 1. */
  readonly whole: number;
  /** Share of the middle, without the first and last tenth of the time: the queue was neither growing nor running out. */
  readonly steady: number;
  readonly seconds: number;
}

/** Null for fewer writes than fill ten seconds. */
export function budgetUse(arrivals: readonly number[], perSecond: number): BudgetUse | null {
  const [first] = arrivals;
  const last = arrivals.at(-1);
  if (first === undefined || last === undefined || arrivals.length < 10 * perSecond) return null;
  const share = (from: number, to: number): number => {
    const within = arrivals.filter((at) => at >= from && at < to).length;
    return within / (((to - from) / 1_000) * perSecond);
  };
  const tenth = (last - first) / 10;
  return {
    whole: share(first, last),
    steady: share(first + tenth, last - tenth),
    seconds: (last - first) / 1_000,
  };
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
