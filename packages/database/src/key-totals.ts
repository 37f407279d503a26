import type { Queryable } from './database.ts';

/** What became of all keys ever made, from committed rows (I9). */
export interface KeyTotals {
  /** Events whose key the loader has settled, of whichever kind they proved to be. */
  readonly generated: number;
  readonly duplicates: number;
  readonly collisions: number;
  /** Records that gave events. */
  readonly recordsAccepted: number;
  /** Records that the keyer could make no event of; each is a stored dead letter. */
  readonly invalidInputs: number;
}

/** Adds up the committed counts of all jobs, and the keyer's dead letters. */
export async function readKeyTotals(queryable: Queryable): Promise<KeyTotals> {
  const { rows } = await queryable.query<Record<keyof KeyTotals, string>>({
    name: 'key-totals',
    text: `select coalesce(sum(events_derived), 0) as generated, coalesce(sum(duplicates), 0) as duplicates,
        coalesce(sum(collisions), 0) as collisions, coalesce(sum(records_accepted), 0) as "recordsAccepted",
        (select count(*) from dead_letters where stage = 'keyer') as "invalidInputs"
      from job_counts`,
  });
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate without a row');
  return {
    generated: Number(row.generated),
    duplicates: Number(row.duplicates),
    collisions: Number(row.collisions),
    recordsAccepted: Number(row.recordsAccepted),
    invalidInputs: Number(row.invalidInputs),
  };
}
