import type { ClientBase, Pool } from 'pg';

/** How two collections of keys differ; all empty when they hold the same keys once each. */
export type KeyDifference = {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  /** Keys that were found more than once. */
  readonly repeated: readonly string[];
};

/** Compares the keys a ledger expects with the keys that were found. */
export function compareKeys(expected: Iterable<string>, found: Iterable<string>): KeyDifference {
  const wanted = new Set(expected);
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const key of found) {
    if (seen.has(key)) repeated.add(key);
    seen.add(key);
  }
  return {
    missing: [...wanted.difference(seen)].toSorted(byText),
    unexpected: [...seen.difference(wanted)].toSorted(byText),
    repeated: [...repeated].toSorted(byText),
  };
}

/** Throws unless exactly the expected keys were found, each once; the message counts the differences and shows the first ten of each kind. */
export function assertSameKeys(expected: Iterable<string>, found: Iterable<string>): void {
  const difference = compareKeys(expected, found);
  const parts = Object.entries(difference).flatMap(([kind, keys]) => {
    if (keys.length === 0) return [];
    const rest = keys.length > 10 ? ` and ${keys.length - 10} more` : '';
    return [`${keys.length} ${kind}: ${keys.slice(0, 10).join(', ')}${rest}`];
  });
  if (parts.length > 0) throw new Error(`the keys differ: ${parts.join('; ')}`);
}

/** Number of rows and a checksum over all columns of all rows, whatever their order. */
export type TableChecksum = { readonly rows: number; readonly checksum: string };

/**
 * Reads the whole of `table` (as written in SQL, quoted by the caller where that is needed) in the database itself. Two tables with the
 * same result hold the same rows with the same values in every column.
 */
export async function tableChecksum(client: Pool | ClientBase, table: string): Promise<TableChecksum> {
  const { rows } = await client.query<{ rows: string; checksum: string }>(
    `SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text AS checksum FROM ${table} t`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate gave no row');
  return { rows: Number(row.rows), checksum: row.checksum };
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
