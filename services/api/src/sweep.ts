import { sweepAnswers, sweepApiPermits } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import type { Clock } from '@full-sync/runtime';
import { isUnreachable } from './answer-errors.ts';

const everyMs = 600_000;

/** Forgets old idempotent answers and old places of the limits, every ten minutes until `signal` is aborted. */
export async function sweep(
  deps: { readonly db: Database; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sweepAnswers(deps.db.pool);
      await sweepApiPermits(deps.db.pool);
    } catch (error) {
      // Nothing hangs on it: what is old is not answered from, and is swept the next time.
      if (!isUnreachable(error)) throw error;
    }
    await deps.clock.sleep(everyMs, signal);
  }
}
