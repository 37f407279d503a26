import { addJobDeliveries } from '@full-sync/database';
import type { Client } from '@full-sync/database';

/** Events by how they ended. */
export interface Settled {
  readonly sent: number;
  readonly failed: number;
}

interface Counted {
  readonly jobId: string;
  readonly state: 'sent' | 'failed';
  readonly events: number;
}

/** Adds settled events to the counts of their jobs; under a partition of its own, so that nobody who folds waits. */
export async function addCounts(client: Client, counted: readonly Counted[]): Promise<Settled> {
  const total = (parts: readonly Counted[], state: Counted['state']): number =>
    parts.reduce((sum, part) => (part.state === state ? sum + part.events : sum), 0);
  // Those of a backfill are counted by it.
  const byJob = Map.groupBy(
    counted.filter(({ jobId }) => jobId !== ''),
    ({ jobId }) => jobId,
  );
  await addJobDeliveries(
    client,
    { destination: 'attio', partition: -1 },
    [...byJob].map(([jobId, parts]) => {
      const sent = total(parts, 'sent');
      const failed = total(parts, 'failed');
      return { jobId, sent, failed, skipped: 0, open: -sent - failed };
    }),
  );
  return { sent: total(counted, 'sent'), failed: total(counted, 'failed') };
}
