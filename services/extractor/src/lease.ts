import { renewLease } from '@full-sync/database';
import type { Database } from '@full-sync/database';

/** How long a lease lasts, and how often its holder extends it, ms. */
export const leaseMs = 10_000;
const renewEveryMs = 3_000;

export interface Lease extends Disposable {
  /** Aborted when the lease is lost, or the database did not answer: nothing more may be done in its name. */
  readonly signal: AbortSignal;
}

/** Keeps a claimed stream's lease alive until it is disposed of. */
export function holdLease(database: Database, stream: { readonly streamId: number; readonly epoch: number }): Lease {
  const lost = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let held = true;
  const schedule = (): void => {
    timer = setTimeout(() => void renew(), renewEveryMs);
  };
  const renew = async (): Promise<void> => {
    try {
      const ours = await renewLease(database.pool, { ...stream, leaseMs });
      if (!held) return;
      if (ours) schedule();
      else lost.abort(new LeaseLostError());
    } catch (error) {
      lost.abort(error);
    }
  };
  schedule();
  return {
    signal: lost.signal,
    [Symbol.dispose]: () => {
      held = false;
      clearTimeout(timer);
    },
  };
}

/** Somebody else has the stream by now; what was published in its name are repeats, and counted as such. */
export class LeaseLostError extends Error {
  constructor() {
    super('the lease was lost');
    this.name = 'LeaseLostError';
  }
}
