/**
 * What became of one record or one request. Outcomes are values; exceptions are left for bugs and the environment.
 *
 * - `done`: durably written, or known to be there already.
 * - `reject`: the record's own fault; settled once its dead letter is acknowledged. Never a destination's failure (I5).
 * - `retry`: nobody's fault for good; the same record is tried again after `afterMs`.
 * - `halt`: going on would lose or corrupt something; the stage stops and the process says why.
 */
export type Settlement =
  | { readonly kind: 'done' }
  | { readonly kind: 'reject'; readonly code: string; readonly detail: string; readonly pointer?: string }
  | { readonly kind: 'retry'; readonly afterMs: number }
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string };

export const done: Settlement = Object.freeze({ kind: 'done' });

/** Settles a record as faulty; `pointer` is a JSON pointer into the record to the part at fault. */
export function reject(code: string, detail: string, pointer?: string): Settlement {
  return pointer === undefined ? { kind: 'reject', code, detail } : { kind: 'reject', code, detail, pointer };
}

/** Asks for another try after `afterMs` milliseconds; throws a RangeError for a negative or unusable delay. */
export function retry(afterMs: number): Settlement {
  if (!Number.isFinite(afterMs) || afterMs < 0)
    throw new RangeError(`a retry needs a delay of 0 ms or more, got ${afterMs}`);
  return { kind: 'retry', afterMs };
}

/** Stops the stage; `detail` must tell an operator what was found and what accepts it. */
export function halt(code: string, detail: string): Settlement {
  return { kind: 'halt', code, detail };
}

/**
 * How many records from the front of a batch are settled, which is how far a position may advance (I1): the first
 * record that is to be retried, halts or has no outcome yet holds back everything behind it.
 */
export function settledPrefix(outcomes: readonly (Settlement | undefined)[]): number {
  let settled = 0;
  for (const outcome of outcomes) {
    if (outcome?.kind !== 'done' && outcome?.kind !== 'reject') break;
    settled += 1;
  }
  return settled;
}
