/**
 * How many requests an upstream allows in a span of `spanMs`, by its headers: the count they name, unless its window is
 * at most half as long, which the furthest reset seen tells: a count for 2 s says little about a minute. What is read
 * too high this way is put right by the next reset, and by refusals until then.
 */
export function learnedCount(headers: {
  readonly limit: number;
  /** The furthest that a reset lay ahead since this limit is said, ms; null when none was told. */
  readonly furthestResetMs: number | null;
  readonly spanMs: number;
}): number {
  const { limit, furthestResetMs, spanMs } = headers;
  if (furthestResetMs === null || furthestResetMs <= 0) return Math.max(1, limit);
  return Math.max(1, limit) * Math.max(1, Math.floor(spanMs / furthestResetMs));
}
