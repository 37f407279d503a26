import type { Client, Database } from './database.ts';
import { dropParked } from './parked-events.ts';

export type NamespaceDeletion =
  | {
      readonly kind: 'deleted';
      readonly rows: number;
      readonly collisions: number;
      readonly deadLetters: number;
    }
  | { readonly kind: 'unknown' }
  /** A job that has not ended writes to it. */
  | { readonly kind: 'busy'; readonly jobId: string };

/**
 * Deletes a namespace with all that was stored for it (rows, collisions, dead letters, cursors, events that a destination
 * has set aside) in one transaction; its name stays in the jobs of the past and can be used again. Locks in the order of
 * all others: the namespace's row, which new jobs hold; its leaf states, which loaders hold; the tables. Events of ended
 * jobs that are still on their way are dropped by the loaders, as they always are.
 *
 * @throws with SQLSTATE 55P03 when readers hold the tables for longer than a few seconds, 2BP01 when something of the
 * user's, such as a view, depends on one of them. Then nothing was deleted.
 */
export async function deleteNamespace(db: Database, namespace: string): Promise<NamespaceDeletion> {
  return await db.transaction(async (client) => {
    await client.query(`set local lock_timeout = '5s'`);
    const found = await client.query<{ namespace_id: number }>(
      'select namespace_id from namespaces where namespace = $1 and deleted_at is null for update',
      [namespace],
    );
    const row = found.rows[0];
    if (row === undefined) return { kind: 'unknown' };
    const jobId = await openJob(client, namespace);
    if (jobId !== null) return { kind: 'busy', jobId };
    return { kind: 'deleted', ...(await deleteAll(client, namespace, row.namespace_id)) };
  });
}

/** The oldest job that has not ended and may write to the namespace, be it a replay that owns nothing. */
async function openJob(client: Client, namespace: string): Promise<string | null> {
  const { rows } = await client.query<{ job_id: string }>(
    `select j.job_id from jobs j where completed_at is null and exists (
       select from job_targets t where t.job_id = j.job_id and t.namespace = $1) order by created_at, job_id limit 1`,
    [namespace],
  );
  return rows[0]?.job_id ?? null;
}

async function deleteAll(
  client: Client,
  namespace: string,
  namespaceId: number,
): Promise<{ readonly rows: number; readonly collisions: number; readonly deadLetters: number }> {
  const states = await client.query<{ live_leaf: string; shadow_leaf: string | null }>(
    'select live_leaf, shadow_leaf from leaf_states where namespace = $1 order by platform for update',
    [namespace],
  );
  const live = states.rows.map((state) => state.live_leaf);
  const shadows = states.rows.flatMap((state) => state.shadow_leaf ?? []);
  const counted = await client.query<{ leaf: string; rows: string }>(
    'delete from leaf_rows where leaf = any($1) returning leaf, rows',
    [[...live, ...shadows]],
  );
  const collisions = await client.query('delete from event_collisions where namespace = $1', [namespace]);
  const deadLetters = await client.query('delete from dead_letters where namespace = $1', [namespace]);
  await dropParked(client, namespace);
  await client.query('delete from cursors where namespace = $1', [namespace]);
  await client.query('delete from leaf_states where namespace = $1', [namespace]);
  await client.query('update namespaces set deleted_at = now() where namespace = $1', [namespace]);
  // Last, as it keeps everybody from the whole table for as long as it waits for readers and until the end of this.
  await client.query(`set local lock_timeout = '1s'`);
  for (const table of [...shadows, `event_source_${namespaceId}`])
    await client.query(`drop table if exists ${client.escapeIdentifier(table)}`);
  const rows = counted.rows.filter(({ leaf }) => live.includes(leaf)).reduce((sum, { rows: n }) => sum + Number(n), 0);
  return { rows, collisions: collisions.rowCount ?? 0, deadLetters: deadLetters.rowCount ?? 0 };
}
