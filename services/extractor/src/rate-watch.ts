import { noteRate } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import type { RateHeaders } from '@full-sync/http-client';

/** Writes down what an upstream says of its limit: at once when the limit changes, else at most every second. */
export interface RateWatch {
  readonly note: (rate: RateHeaders) => void;
}

const writeEveryMs = 1_000;

export function createRateWatch(options: {
  readonly database: Database;
  readonly accountId: number;
  readonly onFailure: (error: unknown) => void;
}): RateWatch {
  let limit: number | undefined;
  let writtenAt = -Infinity;
  return {
    note: (rate) => {
      if (rate.limit === undefined && rate.remaining === undefined) return;
      const changed = rate.limit !== undefined && rate.limit !== limit;
      if (!changed && performance.now() - writtenAt < writeEveryMs) return;
      limit = rate.limit ?? limit;
      writtenAt = performance.now();
      // Beside the request, not before its body.
      noteRate(options.database.pool, options.accountId, rate).catch(options.onFailure);
    },
  };
}
