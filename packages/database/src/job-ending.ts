import { moveCursors } from './cursors.ts';
import type { Client, Database } from './database.ts';
import { settleReplay } from './replays.ts';
import { dropShadows, readResetFacts, swapShadows } from './resets.ts';
import type { ResetFacts } from './resets.ts';
import { queueWebhook } from './webhooks.ts';

/** What one platform of an ending job adds up to. */
export interface PlatformTally {
  readonly platform: string;
  readonly recordsCommitted: number;
  /** Attempts that may have published records whose chunk was not committed. */
  readonly abandoned: number;
  readonly recordsAccepted: number;
  /** Stored letters of the stages before events: extractor and keyer. */
  readonly rejected: number;
  readonly eventsDerived: number;
  readonly eventsCreated: number;
  readonly duplicates: number;
  readonly collisions: number;
  /** Events that the loader counted as dead-lettered, in the transaction of its batch. */
  readonly deadLettered: number;
  /** Stored letters of the loader. */
  readonly loaderLetters: number;
  readonly users: number;
  readonly streamsFailed: number;
}

interface NamedStream {
  readonly namespace: string;
  readonly platform: string;
  readonly kind: string;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
}

export interface FailedStream extends NamedStream {
  readonly error: unknown;
}

export interface WarnedStream extends NamedStream {
  readonly warning: string;
}

/** What a job is judged by when it ends; read under its row's lock. */
export interface EndingFacts {
  readonly jobId: string;
  readonly ending: 'failed' | 'cancelled' | null;
  /** Why it is ending, where that is known already. */
  readonly error: unknown;
  /** What was shown last. */
  readonly progress: unknown;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly tallies: readonly PlatformTally[];
  /** Distinct leads over all platforms. */
  readonly users: number;
  /** The first of them, at most 20. */
  readonly failedStreams: readonly FailedStream[];
  /** The first of them, at most 100. */
  readonly streamWarnings: readonly WarnedStream[];
  /** What a reset has found; empty for all other jobs. */
  readonly resets: readonly ResetFacts[];
}

export interface Ending {
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly summary: object;
  readonly progress: object;
  readonly error: object | null;
  readonly warnings: readonly string[];
  /** False when rows of its walks may be missing: then the next delta reads them again. */
  readonly movesCursors: boolean;
}

const factsSql = `
select job_id as "jobId", ending, error, progress,
  extract(epoch from created_at)::float8 * 1000 as "createdAtMs",
  extract(epoch from started_at)::float8 * 1000 as "startedAtMs",
  extract(epoch from clock_timestamp())::float8 * 1000 as "endedAtMs",
  (select coalesce(jsonb_agg(t), '[]') from (
    select p.platform, s.*, c.*, d.*, (select count(*) from job_users u where u.job_id = $1 and u.platform = p.platform) as users
    from (select distinct platform from job_targets where job_id = $1) p
    cross join lateral (
      select coalesce(sum(records_committed), 0) as "recordsCommitted", coalesce(sum(abandoned), 0) as abandoned,
        count(*) filter (where status = 'failed') as "streamsFailed"
      from streams where job_id = $1 and platform = p.platform) s
    cross join lateral (
      select coalesce(sum(records_accepted), 0) as "recordsAccepted", coalesce(sum(events_derived), 0) as "eventsDerived",
        coalesce(sum(events_created), 0) as "eventsCreated", coalesce(sum(duplicates), 0) as duplicates,
        coalesce(sum(collisions), 0) as collisions, coalesce(sum(dead_lettered), 0) as "deadLettered"
      from job_counts where job_id = $1 and platform = p.platform) c
    cross join lateral (
      select count(*) filter (where stage in ('extractor', 'keyer')) as rejected,
        count(*) filter (where stage = 'loader') as "loaderLetters"
      from dead_letters where job_id = $1 and platform = p.platform) d
    order by p.platform desc) t) as tallies,
  (select count(distinct lead_hash)::integer from job_users where job_id = $1) as users,
  (select coalesce(jsonb_agg(f), '[]') from (
    select namespace, platform, kind, campaign_id as "campaignId", campaign_name as "campaignName", error
    from streams where job_id = $1 and status = 'failed' order by stream_id limit 20) f) as "failedStreams",
  (select coalesce(jsonb_agg(w), '[]') from (
    select namespace, platform, kind, campaign_id as "campaignId", campaign_name as "campaignName", warning
    from streams where job_id = $1 and warning is not null order by stream_id limit 100) w) as "streamWarnings"
from jobs where job_id = $1`;

/**
 * Ends a job in one transaction under its row's lock: `decide` judges it by the committed facts, then status, summary
 * and error are stored, its users are folded away and its namespaces are free again; a reset that completed is swapped in,
 * any other one dropped. Returns the ending, or null when
 * another copy was quicker or a lease is live again. The caller has seen all targets passed.
 *
 * @throws SwapBlockedError, ResetRefusedError of `swapShadows`; then nothing was done.
 */
export async function endJob(
  db: Database,
  jobId: string,
  decide: (facts: EndingFacts) => Ending,
  /** How long the swap of a reset may keep readers waiting for its locks, ms. */
  patienceMs = 100,
): Promise<Ending | null> {
  return await db.transaction(async (client) => {
    if (!(await lockForEnding(client, jobId))) return null;
    const { rows } = await client.query<Omit<EndingFacts, 'resets'> & Record<string, unknown>>(factsSql, [jobId]);
    const facts = rows[0];
    if (facts === undefined) return null;
    const ending = decide({ ...facts, resets: await readResetFacts(client, jobId) });
    await client.query('delete from job_users where job_id = $1', [jobId]);
    await client.query('update job_targets set active = false where job_id = $1', [jobId]);
    await client.query(
      `update jobs set status = $2, summary = $3, progress = $4, error = $5,
         warnings = warnings || $6::jsonb, completed_at = to_timestamp($7::float8 / 1000)
       where job_id = $1`,
      [
        jobId,
        ending.status,
        JSON.stringify(ending.summary),
        JSON.stringify(ending.progress),
        ending.error === null ? null : JSON.stringify(ending.error),
        JSON.stringify(ending.warnings),
        facts.endedAtMs,
      ],
    );
    // With the rows that they speak of, or not at all (I1).
    if (ending.movesCursors) await moveCursors(client, jobId);
    await settleReplay(client, jobId);
    // With the ending, so that no crash comes between the two.
    await queueWebhook(client, { jobId, ...ending, endedAtMs: facts.endedAtMs });
    // Last, since readers wait from here to the commit.
    if (ending.status === 'completed') await swapShadows(client, jobId, patienceMs);
    else await dropShadows(client, jobId);
    return ending;
  });
}

/**
 * Takes the row that loaders hold for their events of the job; true when the job is open and no lease is live. A paused
 * job keeps its namespaces until it is resumed, whatever is done of it.
 */
async function lockForEnding(client: Client, jobId: string): Promise<boolean> {
  const { rows } = await client.query<{ live: boolean }>(
    `select exists (select from streams s where s.job_id = $1 and s.status = 'pending' and s.lease_until > now()) as live
     from jobs where job_id = $1 and completed_at is null and extracted_at is not null
       and (status <> 'paused' or ending is not null) for update`,
    [jobId],
  );
  return rows[0]?.live === false;
}
