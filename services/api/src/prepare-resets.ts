import { prepareSwap } from '@full-sync/database';
import type { Database, SwapBlockedError } from '@full-sync/database';
import type { Clock, Logger } from '@full-sync/runtime';

/** Gets the new content of resets ready for the swap, and knows how long each has waited for its moment. */
export interface ResetPreparer {
  /**
   * True when the job has nothing (more) to prepare. Indexes may have to be built, which other jobs do not wait for.
   *
   * @throws what the preparation threw.
   */
  readonly prepared: (jobId: string) => Promise<boolean>;
  /** How long the next attempt to swap may keep readers waiting, ms. */
  readonly patienceMs: (jobId: string) => number;
  /** The swap found the tables in use or changed: it is tried again, a little later. */
  readonly blocked: (jobId: string, why: SwapBlockedError) => void;
  /** What users are told meanwhile; null when the job waits for nothing here. */
  readonly waitingFor: (jobId: string) => string | null;
  readonly ended: (jobId: string) => void;
}

interface Preparation {
  outcome: 'under way' | 'busy' | 'ready' | { readonly error: unknown };
  /** When the swap was first found impossible for the moment. */
  readonly blockedSinceMs: number | null;
}

const shortestPatienceMs = 100;
const longestPatienceMs = 5_000;
/** How long a preparation may be waited for in the turn of its job, ms. */
const turnMs = 150;

export function createResetPreparer(parts: {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}): ResetPreparer {
  const { db, clock, logger } = parts;
  const preparations = new Map<string, Preparation>();
  const run = async (jobId: string, preparation: Preparation): Promise<void> => {
    try {
      preparation.outcome = (await prepareSwap(db, jobId)) ? 'ready' : 'busy';
    } catch (error) {
      preparation.outcome = { error };
    }
  };
  return {
    prepared: async (jobId) => {
      const known = preparations.get(jobId);
      const preparation: Preparation =
        known === undefined || known.outcome === 'busy' || typeof known.outcome === 'object'
          ? { outcome: 'under way', blockedSinceMs: known?.blockedSinceMs ?? null }
          : known;
      if (preparation !== known) {
        preparations.set(jobId, preparation);
        await Promise.race([run(jobId, preparation), clock.sleep(turnMs)]);
      }
      const { outcome } = preparation;
      if (typeof outcome === 'object') {
        preparations.delete(jobId);
        throw outcome.error;
      }
      return outcome === 'ready';
    },
    patienceMs: (jobId) => {
      const since = preparations.get(jobId)?.blockedSinceMs ?? null;
      if (since === null) return shortestPatienceMs;
      // Readers that never leave a gap are made to wait after some minutes, longer and longer.
      return Math.min(longestPatienceMs, Math.max(shortestPatienceMs, (clock.now() - since) / 600));
    },
    blocked: (jobId, why) => {
      const known = preparations.get(jobId);
      const since = known?.blockedSinceMs ?? null;
      if (since === null) logger.info({ jobId, why: why.message }, 'the swap of a reset waits');
      preparations.set(jobId, {
        outcome: why.needsPreparing ? 'busy' : 'ready',
        blockedSinceMs: since ?? clock.now(),
      });
    },
    waitingFor: (jobId) => {
      const since = preparations.get(jobId)?.blockedSinceMs ?? null;
      if (since === null) return null;
      return `readers: the tables to replace have been in use at every attempt since ${new Date(since).toISOString()}`;
    },
    ended: (jobId) => {
      preparations.delete(jobId);
    },
  };
}
