import type { Client } from '@full-sync/database';

/**
 * Counts the rows written to each table, in the transaction that writes them (I9). Kept per partition of the events
 * topic, whose position is locked: no two loaders wait for each other here.
 */
export async function countLeafRows(
  client: Client,
  partition: number,
  written: ReadonlyMap<string, number>,
): Promise<void> {
  const tables = [...written].filter(([, rows]) => rows > 0);
  if (tables.length === 0) return;
  await client.query(
    `insert into leaf_rows as known (leaf, partition, rows)
     select leaf, $2, rows from unnest($1::text[], $3::bigint[]) as written (leaf, rows) order by leaf
     on conflict (leaf, partition) do update set rows = known.rows + excluded.rows`,
    [tables.map(([table]) => table), partition, tables.map(([, rows]) => rows)],
  );
}
