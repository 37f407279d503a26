import type { Queryable } from './database.ts';

/** Counts the rows of `event_source` in the given namespaces and platforms; it reads all of them. */
export async function countStoredRows(
  queryable: Queryable,
  of: { readonly namespaces: readonly string[]; readonly platforms: readonly string[] },
): Promise<readonly { readonly namespace: string; readonly platform: string; readonly rows: number }[]> {
  const { rows } = await queryable.query<{ namespace: string; platform: string; rows: string }>(
    `select namespace, platform, count(*) as rows from event_source
     where namespace = any($1) and platform = any($2) group by 1, 2 order by 1, 2 desc`,
    [of.namespaces, of.platforms],
  );
  return rows.map((row) => ({ ...row, rows: Number(row.rows) }));
}
