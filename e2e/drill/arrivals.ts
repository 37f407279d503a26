/** At most `count` requests in any span of `spanMs`. */
export interface Limit {
  readonly count: number;
  readonly spanMs: number;
}

/**
 * The most arrivals in any span of `spanMs`, both ends included: by a hair stricter than any upstream counts. `times` in
 * ms, in any order.
 */
export function mostInAnySpan(times: readonly number[], spanMs: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [index, time] of sorted.entries()) {
    while (time - (sorted[first] ?? time) > spanMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Arrivals in each of `spans` spans of `spanMs` that follow each other from `fromMs` on. */
export function countPerSpan(
  times: readonly number[],
  { fromMs, spanMs, spans }: { readonly fromMs: number; readonly spanMs: number; readonly spans: number },
): readonly number[] {
  const counts = new Array<number>(spans).fill(0);
  for (const time of times) {
    const span = Math.floor((time - fromMs) / spanMs);
    if (span >= 0 && span < spans) counts[span] = (counts[span] ?? 0) + 1;
  }
  return counts;
}

export interface Utilisation {
  readonly spans: number;
  /** Share of the allowed requests that were sent, over all spans. */
  readonly share: number;
  readonly fewest: number;
  readonly most: number;
}

/** How much of a limit the spans used. */
export function utilisationOf(counts: readonly number[], limit: Limit): Utilisation {
  const sent = counts.reduce((sum, count) => sum + count, 0);
  return {
    spans: counts.length,
    share: sent / (counts.length * limit.count),
    fewest: Math.min(...counts),
    most: Math.max(...counts),
  };
}

export interface RateFacts {
  readonly platform: string;
  readonly limit: Limit;
  readonly utilisation: Utilisation;
  /** Over the whole run, kills included. */
  readonly mostInAnySpan: number;
  readonly refused: number;
}

/** The least share of a limit that must be used while there is work. */
const leastShare = 0.95;

/** Everything that is wrong with how a limit was kept and used, a line each. */
export function judgeRate({
  platform,
  limit,
  utilisation,
  mostInAnySpan: most,
  refused,
}: RateFacts): readonly string[] {
  const problems: string[] = [];
  if (most > limit.count)
    problems.push(`${platform}: ${most} requests in ${limit.spanMs / 1_000} s, and ${limit.count} are allowed`);
  if (refused > 0) problems.push(`${platform}: ${refused} requests were refused (429)`);
  if (!(utilisation.share >= leastShare)) {
    const percent = (utilisation.share * 100).toFixed(1);
    problems.push(`${platform}: only ${percent} % of the limit was used over ${utilisation.spans} spans`);
  }
  return problems;
}
