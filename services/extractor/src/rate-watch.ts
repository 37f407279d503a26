import { noteRate } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import type { RateHeaders } from '@full-sync/http-client';
import type { RateLimit } from '@full-sync/runtime';
import { learnedCount } from './domain/learned-limit.ts';

/** What this process knows of an account's limit between two claims. */
export interface RateWatch {
  /** Writes down what the upstream says: at once when that changes our budget, else at most every second. */
  readonly note: (rate: RateHeaders) => void;
  /** Notes that no request may be sent for `ms`: the database holds back new claims, this those made before. */
  readonly pause: (ms: number) => void;
  readonly paused: () => boolean;
}

const writeEveryMs = 1_000;

export function createRateWatch(options: {
  readonly database: Database;
  readonly accountId: number;
  readonly limit: RateLimit | 'off';
  readonly onFailure: (error: unknown) => void;
}): RateWatch {
  const spanMs = options.limit === 'off' ? 0 : (options.limit[0]?.spanMs ?? 0);
  let said: number | undefined;
  let furthestResetMs: number | null = null;
  let learned: number | undefined;
  let writtenAt = -Infinity;
  let pausedUntil = -Infinity;
  return {
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, performance.now() + ms);
    },
    paused: () => performance.now() < pausedUntil,
    note: ({ limit, remaining, resetAtMs }) => {
      if (limit === undefined && remaining === undefined) return;
      if (limit !== said) furthestResetMs = null;
      said = limit;
      if (resetAtMs !== undefined) furthestResetMs = Math.max(furthestResetMs ?? -Infinity, resetAtMs - Date.now());
      const now = limit === undefined ? undefined : learnedCount({ limit, furthestResetMs, spanMs });
      if (now === learned && performance.now() - writtenAt < writeEveryMs) return;
      learned = now;
      writtenAt = performance.now();
      const rate = {
        ...(learned === undefined ? {} : { limit: learned }),
        ...(remaining === undefined ? {} : { remaining }),
        ...(resetAtMs === undefined ? {} : { resetAtMs }),
      };
      // Beside the request, not before its body.
      noteRate(options.database.pool, options.accountId, rate).catch(options.onFailure);
    },
  };
}
