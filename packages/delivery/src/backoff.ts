export interface Backoff {
  /** Which failure this is, from 1. */
  readonly attempt: number;
  /** Upper bound of the first wait, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every wait, in milliseconds. */
  readonly capMs: number;
  /** A number in [0, 1), as Math.random gives it. */
  readonly random: () => number;
}

/**
 * Exponential backoff with full jitter: a whole number of milliseconds drawn evenly from 0 up to
 * `min(capMs, baseMs * 2 ** (attempt - 1))`, so that clients which failed together do not come back together.
 * Throws a RangeError for an attempt below 1 or a bound that is negative or not finite.
 */
export function backoffMs({ attempt, baseMs, capMs, random }: Backoff): number {
  if (!Number.isInteger(attempt) || attempt < 1) throw new RangeError(`attempts count from 1, got ${attempt}`);
  if (!Number.isFinite(baseMs) || baseMs < 0) throw new RangeError(`baseMs must be 0 or more, got ${baseMs}`);
  if (!Number.isFinite(capMs) || capMs < 0) throw new RangeError(`capMs must be 0 or more, got ${capMs}`);
  // 2 ** 1023 is still finite; beyond it 0 * Infinity would be NaN.
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 1023));
  return Math.floor(random() * ceiling);
}
