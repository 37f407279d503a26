import type { Database } from '@full-sync/database';
import type { Clock, Logger } from '@full-sync/runtime';
import type { BuryRefused } from './bury-refused.ts';
import type { Bounds } from './domain/budget.ts';
import type { AttioMetrics } from './metrics.ts';

/** What everything that writes to Attio shares in a process. */
export interface WriterParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: () => number;
  /** Names this process in the leases. */
  readonly owner: string;
  /** The write budget, for all copies together. */
  readonly bounds: Bounds;
  readonly bury: BuryRefused;
  readonly metrics: AttioMetrics;
  readonly logger: Logger;
  /** Told that the loop turned. */
  readonly beat: () => void;
  /** Aborted when the service drains: no new write. */
  readonly draining: AbortSignal;
}
