/** A median and the interval in which it lies with 95 %. */
export interface Median {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The median of independent values with its 95 % interval, whatever they are distributed like: the k-th smallest to the
 * k-th largest, where fewer than k of n fair coins show heads with 2.5 % at most. Infinite bounds for fewer than 6
 * values: all of them may lie on one side of the median.
 */
export function medianOf(values: readonly number[]): Median {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const middle = n >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = n % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  const k = rankOf(n);
  return { median, low: k === 0 ? -Infinity : (sorted[k - 1] ?? 0), high: k === 0 ? Infinity : (sorted[n - k] ?? 0) };
}

/** The largest k for which fewer than k heads of n coins have 2.5 % at most; 0 when even none has more. */
function rankOf(n: number): number {
  let probability = 0.5 ** n;
  let below = probability;
  let k = 0;
  while (below <= 0.025 && k < n) {
    k += 1;
    probability *= (n - k + 1) / k;
    below += probability;
  }
  return k;
}
