import { renewClaim } from '@full-sync/database';
import type { Database } from '@full-sync/database';

/** How long a claim holds without being renewed: then others may send what it claimed. */
export const claimLeaseMs = 60_000;
const renewEveryMs = 15_000;

export interface HeldClaim extends Disposable {
  /** Aborted when the claim may have run out: nothing more is to be sent under it. */
  readonly lost: AbortSignal;
}

/** Renews a claim until it is disposed of. */
export function holdClaim(db: Database, claimId: number): HeldClaim {
  const controller = new AbortController();
  let renewedAt = performance.now();
  const timer = setInterval(() => {
    const askedAt = performance.now();
    if (askedAt - renewedAt >= claimLeaseMs - renewEveryMs) controller.abort();
    renewClaim(db.pool, claimId, claimLeaseMs).then(
      (held) => {
        if (held) renewedAt = askedAt;
        else controller.abort();
      },
      // The database does not answer; whoever settles the claim meets that, and until then it runs out by the clock.
      () => undefined,
    );
  }, renewEveryMs);
  return {
    lost: controller.signal,
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}
