import { leafKey } from './plan-batch.ts';
import type { LeafRows } from './plan-batch.ts';

/** Where the rows of a namespace and platform go, while a reset is filling another table beside the live one, too. */
export interface LeafTables {
  readonly live: string;
  readonly shadow: string | null;
  readonly shadowJobId: string | null;
}

export interface TableRows {
  readonly table: string;
  readonly rows: LeafRows;
  /** What the way of writing is remembered by. */
  readonly path: string;
  /** False for what is only written to a second table. */
  readonly counted: boolean;
}

/**
 * Sends the events of a reset to its table alone, and those of all others to both: whichever content is seen in the end
 * has them. What others wrote is counted by what became of it in the live table.
 */
export function splitByTable(leaf: LeafRows, tables: LeafTables): readonly TableRows[] {
  const { live, shadow, shadowJobId } = tables;
  const path = leafKey(leaf);
  if (shadow === null) return [{ table: live, rows: leaf, path, counted: true }];
  const [own, others] = [pick(leaf, shadowJobId, true), pick(leaf, shadowJobId, false)];
  const parts: TableRows[] = [
    { table: live, rows: others, path, counted: true },
    { table: shadow, rows: others, path: `${path}/beside`, counted: false },
    { table: shadow, rows: own, path: `${path}/reset`, counted: true },
  ];
  return parts.filter((part) => part.rows.rows.length > 0);
}

function pick(leaf: LeafRows, jobId: string | null, own: boolean): LeafRows {
  return { ...leaf, rows: leaf.rows.filter(({ facts }) => (facts.jobId === jobId) === own) };
}
