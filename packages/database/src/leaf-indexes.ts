import type { Client } from './database.ts';
import { sqlState } from './database.ts';
import { quoteName } from './quote-name.ts';

/**
 * The indexes that questions about synced events use, beside the primary key and the BRIN index on `created_at`. They
 * cost the loader time per row, so that they are made on demand and not with the table.
 */
const syncIndexes = [
  /** Activity of a lead, newest first. */
  { suffix: 'lead', columns: 'lead_email, occurred_at' },
  /** Ranges of time. */
  { suffix: 'occurred', columns: 'occurred_at' },
  /** Funnels, and what happened in a campaign. */
  { suffix: 'campaign', columns: 'campaign_id, event_type, occurred_at' },
] as const;

const root = 'event_source';

export interface Partition {
  readonly branch: string;
  readonly leaf: string;
}

export interface IndexWork {
  readonly created: readonly string[];
  /** Those that were built before and not yet part of the tree. */
  readonly attached: readonly string[];
  readonly recreated: readonly string[];
  /** Leftovers of builds that failed. */
  readonly dropped: readonly string[];
}

/** The leaves attached to `event_source` now. */
export async function listPartitions(client: Client): Promise<readonly Partition[]> {
  const { rows } = await client.query<Partition>(
    `select branch.relname as branch, leaf.relname as leaf
     from pg_inherits upper join pg_class branch on branch.oid = upper.inhrelid
     join pg_inherits lower on lower.inhparent = branch.oid join pg_class leaf on leaf.oid = lower.inhrelid
     where upper.inhparent = to_regclass($1) order by leaf.relname`,
    [root],
  );
  return rows;
}

/**
 * Brings every index of `syncIndexes` to every leaf, each built concurrently: readers and writers go on. The indexes
 * hang under ones of the parent tables, so that leaves made later have them from the start. Nothing is done where all
 * is there; `recreate` builds the leaves' indexes anew, concurrently, too. To be called outside transactions, by one
 * caller at a time.
 */
export async function buildSyncIndexes(client: Client, recreate: boolean): Promise<IndexWork> {
  const dropped = await dropLeftovers(client);
  const created: string[] = [];
  const attached: string[] = [];
  const recreated: string[] = [];
  for (const { suffix, columns } of syncIndexes) {
    const rootIndex = `${root}_${suffix}`;
    // Looked for first: asking for it would lock the table against writers even where it is there.
    if (!(await indexExists(client, rootIndex)))
      await client.query(`create index ${quoteName(rootIndex)} on only ${root} (${columns})`);
    for (const { branch, leaf } of await listPartitions(client)) {
      await unlessGone(async () => {
        const branchIndex = await indexUnder(client, rootIndex, branch);
        const known = branchIndex === null ? null : await indexUnder(client, branchIndex, leaf);
        if (known !== null) {
          if (recreate) {
            await client.query(`reindex index concurrently ${quoteName(known)}`);
            recreated.push(known);
          }
          return;
        }
        const parent = branchIndex ?? (await attachBranch(client, { rootIndex, branch, suffix, columns }));
        const leafIndex = `${leaf}_${suffix}`;
        // One that was built and not attached when the caller died is taken as it is.
        const built = await indexExists(client, leafIndex);
        if (!built) {
          await client.query(`create index concurrently ${quoteName(leafIndex)} on ${quoteName(leaf)} (${columns})`);
          created.push(leafIndex);
        }
        await client.query(`alter index ${quoteName(parent)} attach partition ${quoteName(leafIndex)}`);
        if (built) attached.push(leafIndex);
      });
    }
  }
  return { created, attached, recreated, dropped };
}

/** Indexes of ours that a failed concurrent build left behind; they slow writers down and serve nobody. */
async function dropLeftovers(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     where not i.indisvalid and c.relkind = 'i' and t.relnamespace = current_schema()::regnamespace
       and t.relname ~ '^event_source_[0-9]+_[a-z]+' and c.relname ~ ($1 || '|_cc(new|old)[0-9]*$')`,
    [`_(${syncIndexes.map(({ suffix }) => suffix).join('|')})$`],
  );
  for (const { name } of rows) await client.query(`drop index concurrently if exists ${quoteName(name)}`);
  return rows.map(({ name }) => name);
}

/** The index of `table` that hangs under `parent`, whatever it is called, or null. */
async function indexUnder(client: Client, parent: string, table: string): Promise<string | null> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_inherits h join pg_index i on i.indexrelid = h.inhrelid
     join pg_class c on c.oid = i.indexrelid
     where h.inhparent = to_regclass($1) and i.indrelid = to_regclass($2)`,
    [quoteName(parent), quoteName(table)],
  );
  return rows[0]?.name ?? null;
}

async function indexExists(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    quoteName(name),
  ]);
  return rows[0]?.found ?? false;
}

async function attachBranch(
  client: Client,
  of: { readonly rootIndex: string; readonly branch: string; readonly suffix: string; readonly columns: string },
): Promise<string> {
  const name = `${of.branch}_${of.suffix}`;
  await client.query(`create index if not exists ${quoteName(name)} on only ${quoteName(of.branch)} (${of.columns})`);
  await client.query(`alter index ${quoteName(of.rootIndex)} attach partition ${quoteName(name)}`);
  return name;
}

/** A leaf that was dropped or replaced meanwhile (42P01, 42704) needs nothing any more. */
export async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!['42P01', '42704'].includes(sqlState(error) ?? '')) throw error;
  }
}
