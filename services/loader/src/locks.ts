import type { Client } from '@full-sync/database';
import { compareText, leafKey } from './domain/plan-batch.ts';
import type { LeafTables } from './domain/split-by-table.ts';

/*
 * Locks are taken in one order by everybody: positions; job rows, sorted; leaf states, sorted. Ending a job takes its
 * row FOR UPDATE, a reset takes the state row FOR UPDATE: both wait for the loads under way, and these see the outcome.
 */

/** Locks the jobs against ending and returns those that have ended (or never were): their late events are dropped. */
export async function lockJobs(client: Client, jobIds: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ job_id: string; ended: boolean }>(
    `select job_id, completed_at is not null as ended from jobs where job_id = any($1) order by job_id for key share`,
    [jobIds.toSorted(compareText)],
  );
  const open = new Set(rows.filter((row) => !row.ended).map((row) => row.job_id));
  return new Set(jobIds.filter((jobId) => !open.has(jobId)));
}

/** Locks the state of each namespace and platform against a swap, by `namespace/platform`. */
export async function lockLeaves(
  client: Client,
  leaves: readonly { readonly namespace: string; readonly platform: string }[],
): Promise<ReadonlyMap<string, LeafTables>> {
  const { rows } = await client.query<{
    namespace: string;
    platform: string;
    live_leaf: string;
    shadow_leaf: string | null;
    shadow_job_id: string | null;
  }>(
    `select s.namespace, s.platform, s.live_leaf, s.shadow_leaf, s.shadow_job_id
     from leaf_states s join unnest($1::text[], $2::text[]) as wanted (namespace, platform) using (namespace, platform)
     order by s.namespace, s.platform for share of s`,
    [leaves.map((leaf) => leaf.namespace), leaves.map((leaf) => leaf.platform)],
  );
  const found = rows.map((row): [string, LeafTables] => [
    leafKey(row),
    { live: row.live_leaf, shadow: row.shadow_leaf, shadowJobId: row.shadow_job_id },
  ]);
  return new Map(found);
}
