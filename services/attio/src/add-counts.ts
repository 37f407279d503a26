import { addJobDeliveries } from '@full-sync/database';
import type { Client } from '@full-sync/database';
import type { DeliveryAge } from '@full-sync/destinations';

/** Events by how they ended. */
export interface Settled {
  readonly sent: number;
  readonly failed: number;
  /** Of those that were sent, but for stored ones. */
  readonly ages: readonly DeliveryAge[];
}

export const nothingSettled: Settled = { sent: 0, failed: 0, ages: [] };

/** Settled events of one job, as a statement returns them. */
export interface SettledRow {
  readonly job_id: string;
  readonly state: 'sent' | 'failed';
  readonly events: string;
  /** Null for none, as in a backfill. */
  readonly source_ages: readonly number[] | null;
  readonly published_ages: readonly number[] | null;
}

interface Counted {
  readonly jobId: string;
  readonly state: 'sent' | 'failed';
  readonly events: number;
}

/** Selects `SettledRow`s from settled events with `job_id`, `state`, `occurred_at` and `published_at`. */
export function settledRowsSql(from: string): string {
  const ages = (column: string): string =>
    `array_agg((extract(epoch from clock_timestamp() - ${column}) * 1000)::float8)
       filter (where state = 'sent' and published_at is not null)`;
  return `select job_id, state, count(*) as events, ${ages('occurred_at')} as source_ages,
    ${ages('published_at')} as published_ages from ${from} group by 1, 2`;
}

/** Adds settled events to the counts of their jobs; under a partition of its own, so that nobody who folds waits. */
export async function addCounts(client: Client, rows: readonly SettledRow[]): Promise<Settled> {
  const counted = rows.map(({ job_id: jobId, state, events }): Counted => ({ jobId, state, events: Number(events) }));
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
  return { sent: total(counted, 'sent'), failed: total(counted, 'failed'), ages: rows.flatMap(agesOf) };
}

function agesOf({ source_ages: source, published_ages: published }: SettledRow): readonly DeliveryAge[] {
  return (published ?? []).map((sincePublishedMs, i) => ({ sinceSourceMs: source?.[i] ?? 0, sincePublishedMs }));
}
