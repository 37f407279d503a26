import type { Queryable } from './database.ts';

/** What loading has done since the events topic exists, from committed rows (I9); times in ms. */
export interface LoadingFigures {
  readonly batches: number;
  /** Transactions begun for the batches: more than `batches` where some failed and were begun again. */
  readonly attempts: number;
  readonly events: number;
  readonly rowsWritten: number;
  readonly busyMs: number;
  readonly writeMs: number;
}

/** Adds up what the loaders noted in the transactions of their batches. */
export async function readLoadingFigures(queryable: Queryable): Promise<LoadingFigures> {
  const { rows } = await queryable.query<LoadingFigures>({
    name: 'loading-figures',
    text: `select coalesce(sum(batches), 0)::float8 as batches, coalesce(sum(attempts), 0)::float8 as attempts,
        coalesce(sum(events), 0)::float8 as events, coalesce(sum(rows_written), 0)::float8 as "rowsWritten",
        coalesce(sum(busy_ms), 0) as "busyMs", coalesce(sum(write_ms), 0) as "writeMs"
      from event_positions`,
  });
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate without a row');
  return row;
}
