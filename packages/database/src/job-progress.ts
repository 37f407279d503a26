import type { RateLimit } from '@full-sync/runtime';
import type { Client, Database, Queryable } from './database.ts';
import type { JobStatus } from './jobs.ts';

/** What the streams of one platform and account add up to. */
export interface WalkTotals {
  readonly platform: string;
  readonly accountId: number;
  readonly discoveries: number;
  readonly discoveriesPending: number;
  /** Walks that bring records (all kinds but `discover`). */
  readonly walks: number;
  readonly walksPending: number;
  /** Of the pending ones, those of which neither a total nor a share is known. */
  readonly walksUnknown: number;
  /** Requests that the pending walks of known size still need, and those that ask whole campaigns for their counts. */
  readonly requestsKnown: number;
  readonly failed: number;
  readonly abandoned: number;
  readonly liveLeases: number;
  readonly recordsCommitted: number;
  readonly chunksCommitted: number;
  /** Records that the walks with a known total or share hold. */
  readonly recordsKnown: number;
  /** What a pending walk says it waits for. */
  readonly waitingFor: string | null;
  /** When the first pending walk may go on, ms since 1970; 0 = now. */
  readonly notBeforeMs: number;
}

/** What the loader has committed for one platform of a job. */
export interface LoadedCounts {
  readonly platform: string;
  readonly recordsAccepted: number;
  readonly eventsDerived: number;
  readonly eventsCreated: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly deadLettered: number;
}

export interface LetterCounts {
  readonly platform: string | null;
  readonly stage: string;
  readonly letters: number;
}

export interface RawTarget {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly lastOffset: number;
}

export interface AccountBudget {
  readonly accountId: number;
  readonly configuredLimit: RateLimit | null;
  readonly learnedCount: number | null;
  readonly throttle: number;
  readonly pausedUntilMs: number;
  /** Until then limits, pauses and the job's own pace let nothing through, ms since 1970; 0 = they hold nothing up. */
  readonly limitedUntilMs: number;
  /** When a stream of the job was last claimed there, ms since 1970; 0 = never. */
  readonly lastServedMs: number;
  /** The job's own pace there; null = as fast as the account allows. */
  readonly requestsPerSecond: number | null;
  /** Jobs that share the account now, this one included. */
  readonly jobs: number;
}

/** Next offsets by partition number (as text, the way JSON keys are). */
export type OffsetsByPartition = Readonly<Record<string, number>>;

/** All that following a job looks at, from one snapshot of committed state (I9). */
export interface JobFacts {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly ending: 'failed' | 'cancelled' | null;
  readonly error: unknown;
  readonly progress: unknown;
  /** The database's clock at the snapshot, ms since 1970. */
  readonly observedAtMs: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly extracted: boolean;
  readonly loaded: boolean;
  readonly loadTargets: OffsetsByPartition | null;
  readonly eventsTopicId: string | null;
  readonly deadLetterTargets: OffsetsByPartition | null;
  readonly deadLettersTopicId: string | null;
  readonly platforms: readonly string[];
  readonly walks: readonly WalkTotals[];
  readonly counts: readonly LoadedCounts[];
  readonly letters: readonly LetterCounts[];
  readonly rawTargets: readonly RawTarget[];
  readonly accounts: readonly AccountBudget[];
  /** Where loading stands in the topic that `loadTargets` speak of. */
  readonly eventPositions: OffsetsByPartition;
  readonly deadLetterPositions: OffsetsByPartition;
}

const factsSql = `
with job as (select * from jobs where job_id = $1 and completed_at is null)
select job_id as "jobId", status, ending, error, progress,
  extract(epoch from now())::float8 * 1000 as "observedAtMs",
  extract(epoch from created_at)::float8 * 1000 as "createdAtMs",
  extract(epoch from started_at)::float8 * 1000 as "startedAtMs",
  extracted_at is not null as extracted, loaded_at is not null as loaded,
  load_targets as "loadTargets", events_topic_id as "eventsTopicId",
  dead_letter_targets as "deadLetterTargets", dead_letters_topic_id as "deadLettersTopicId",
  array(select distinct platform from job_targets t where t.job_id = $1 order by platform desc) as platforms,
  (select coalesce(jsonb_agg(w), '[]') from (
    select platform, account_id as "accountId",
      count(*) filter (where kind = 'discover') as discoveries,
      count(*) filter (where kind = 'discover' and status = 'pending') as "discoveriesPending",
      count(*) filter (where kind <> 'discover') as walks,
      count(*) filter (where kind <> 'discover' and status = 'pending') as "walksPending",
      count(*) filter (where kind <> 'discover' and status = 'pending' and records_expected is null and share_done = 0)
        as "walksUnknown",
      coalesce(sum(case
        when status <> 'pending' or kind = 'discover' then 0
        when records_expected is not null then greatest(1, ceil(greatest(0, records_expected - records_committed) / rows))
        when share_done > 0 then greatest(1, ceil(records_committed * (1 / share_done - 1) / rows))
      end), 0) + count(*) filter (where kind = 'statistics' and status = 'pending' and chunks_committed = 0
        and reads_up_to is not null and window_start is null) as "requestsKnown",
      count(*) filter (where status = 'failed') as failed,
      sum(abandoned) as abandoned,
      count(*) filter (where status = 'pending' and lease_until > now()) as "liveLeases",
      sum(records_committed) as "recordsCommitted",
      sum(chunks_committed) as "chunksCommitted",
      coalesce(sum(case
        when status <> 'pending' then records_committed
        when records_expected is not null then greatest(records_expected, records_committed)
        when share_done > 0 then records_committed / share_done
      end), 0) as "recordsKnown",
      max(waiting_for) filter (where status = 'pending') as "waitingFor",
      coalesce(extract(epoch from min(greatest(not_before, 'epoch')) filter (where status = 'pending'))::float8 * 1000, 0)
        as "notBeforeMs"
    from streams cross join lateral (select case platform when 'lemlist' then 99.0 else 999.0 end as rows) page
    where job_id = $1 group by 1, 2 order by 1 desc, 2) w) as walks,
  (select coalesce(jsonb_agg(c), '[]') from (
    select platform, sum(records_accepted) as "recordsAccepted", sum(events_derived) as "eventsDerived",
      sum(events_created) as "eventsCreated", sum(duplicates) as duplicates, sum(collisions) as collisions,
      sum(dead_lettered) as "deadLettered"
    from job_counts where job_id = $1 group by 1 order by 1 desc) c) as counts,
  (select coalesce(jsonb_agg(l), '[]') from (
    select platform, stage, count(*) as letters from dead_letters where job_id = $1 group by 1, 2) l) as letters,
  (select coalesce(jsonb_agg(r), '[]') from (
    select topic, topic_id as "topicId", partition, last_offset as "lastOffset"
    from job_raw_targets where job_id = $1 order by topic, partition) r) as "rawTargets",
  (select coalesce(jsonb_agg(a), '[]') from (
    select account_id as "accountId", configured_limit as "configuredLimit", learned_count as "learnedCount", throttle,
      coalesce(extract(epoch from paused_until)::float8 * 1000, 0) as "pausedUntilMs",
      coalesce(extract(epoch from greatest(paused_until,
        paced_until - make_interval(secs => (coalesce(burst_size, 1) - 1) / requests_per_second),
        (select max(place.settled_at + span * interval '1 millisecond')
         from rows from (jsonb_to_recordset(nullif(configured_limit, 'null')) as ("count" integer, "spanMs" float8))
           with ordinality as l (count, span, bound)
         cross join lateral (
           select settled_at from permits p where p.account_id = accounts.account_id order by settled_at desc
           offset greatest(1, floor(throttle * case bound when 1 then least(count, learned_count) else count end)) - 1
           limit 1) place)
        ))::float8 * 1000, 0) as "limitedUntilMs",
      coalesce(extract(epoch from last_served_at)::float8 * 1000, 0) as "lastServedMs",
      requests_per_second as "requestsPerSecond",
      (select count(*) from job_accounts o join jobs using (job_id)
        where o.account_id = accounts.account_id and completed_at is null) as jobs
    from job_accounts join accounts using (account_id) where job_id = $1) a) as accounts,
  (select coalesce(jsonb_object_agg(partition, next_offset), '{}')
    from event_positions where topic_id = job.events_topic_id) as "eventPositions",
  (select coalesce(jsonb_object_agg(partition, next_offset), '{}')
    from dead_letter_positions where topic_id = job.dead_letters_topic_id) as "deadLetterPositions"
from job`;

/** The facts about an open job, or null when it has ended or does not exist. */
export async function readJobFacts(queryable: Queryable, jobId: string): Promise<JobFacts | null> {
  const { rows } = await queryable.query<JobFacts & Record<string, unknown>>({
    name: 'read-job-facts',
    text: factsSql,
    values: [jobId],
  });
  return rows[0] ?? null;
}

/** Notes that the first of the job's streams was claimed. */
export async function markStarted(queryable: Queryable, jobId: string): Promise<void> {
  await queryable.query(
    `update jobs set status = 'in_progress', started_at = coalesce(started_at, now())
     where job_id = $1 and status = 'queued' and exists (select from streams s where s.job_id = $1 and lease_epoch > 0)`,
    [jobId],
  );
}

/**
 * Notes that nothing more will be published for the job, if that is so: no stream is pending, or the job is ending and
 * no lease is live. In the latter case the streams left over are ended and their epochs raised, so that an extractor
 * that was thought dead can commit nothing any more. Returns whether extraction has ended.
 */
export async function markExtracted(db: Database, jobId: string): Promise<boolean> {
  return await db.transaction(async (client) => {
    const { rows } = await client.query<{ ending: string | null; extracted: boolean }>(
      `select ending, extracted_at is not null as extracted from jobs
       where job_id = $1 and completed_at is null for no key update`,
      [jobId],
    );
    const job = rows[0];
    if (job === undefined) return false;
    if (job.extracted) return true;
    // Locked, so that a chunk being committed now is either seen or fenced; twice, because the streams that such a chunk
    // adds are not in the snapshot of the statement that waited for it.
    await lockPending(client, jobId);
    const pending = await lockPending(client, jobId);
    if (pending.some((stream) => stream.live)) return false;
    if (pending.length > 0) {
      if (job.ending === null) return false;
      await client.query(
        `update streams set status = 'skipped', ended_at = now(), lease_epoch = lease_epoch + 1,
           abandoned = abandoned + (lease_owner is not null)::integer, lease_owner = null, lease_until = null
         where job_id = $1 and status = 'pending'`,
        [jobId],
      );
    }
    await client.query(
      'update jobs set extracted_at = now(), started_at = coalesce(started_at, now()) where job_id = $1',
      [jobId],
    );
    return true;
  });
}

async function lockPending(client: Client, jobId: string): Promise<readonly { readonly live: boolean }[]> {
  const { rows } = await client.query<{ live: boolean }>(
    `select coalesce(lease_until > clock_timestamp(), false) as live from streams
     where job_id = $1 and status = 'pending' order by stream_id for update`,
    [jobId],
  );
  return rows;
}

/** Stores where loading must get to; the first writer wins, so that all copies wait for the same. */
export async function storeLoadTargets(
  queryable: Queryable,
  jobId: string,
  targets: { readonly topicId: string; readonly offsets: OffsetsByPartition },
): Promise<void> {
  await queryable.query(
    `update jobs set load_targets = $2, events_topic_id = $3, keyed_at = now()
     where job_id = $1 and load_targets is null and extracted_at is not null and completed_at is null`,
    [jobId, JSON.stringify(targets.offsets), targets.topicId],
  );
}

/** Stores which dead letters must be stored before the job ends; the first writer wins. */
export async function storeDeadLetterTargets(
  queryable: Queryable,
  jobId: string,
  targets: { readonly topicId: string; readonly offsets: OffsetsByPartition },
): Promise<void> {
  await queryable.query(
    `update jobs set dead_letter_targets = $2, dead_letters_topic_id = $3, loaded_at = now()
     where job_id = $1 and dead_letter_targets is null and load_targets is not null and completed_at is null`,
    [jobId, JSON.stringify(targets.offsets), targets.topicId],
  );
}

/** Lets a job end as failed: nothing more is fetched for it. The first reason stays. */
export async function startFailing(queryable: Queryable, jobId: string, error: object): Promise<void> {
  await queryable.query(
    `update jobs set ending = coalesce(ending, 'failed'), error = coalesce(error, $2), paused_at = null,
       status = case status when 'paused' then 'in_progress' else status end
     where job_id = $1 and completed_at is null and error is null`,
    [jobId, JSON.stringify(error)],
  );
}

/**
 * Writes what users are shown of a job that has not ended. The percentage and the items never fall, and an older
 * snapshot never replaces a newer one, whichever copy of the api writes (I10: never above 99 here).
 */
export async function saveProgress(
  queryable: Queryable,
  jobId: string,
  shown: { readonly progress: object; readonly summary: object; readonly observedAtMs: number },
): Promise<void> {
  await queryable.query({
    name: 'save-progress',
    text: `update jobs set summary = $3::jsonb, progress = $2::jsonb || jsonb_build_object(
         'observed_at_ms', $4::float8,
         'percentage', least(99, greatest((progress ->> 'percentage')::integer, ($2::jsonb ->> 'percentage')::integer)),
         'processed_items', greatest((progress ->> 'processed_items')::bigint, ($2::jsonb ->> 'processed_items')::bigint),
         'total_items', greatest(($2::jsonb ->> 'total_items')::bigint, (progress ->> 'processed_items')::bigint))
       where job_id = $1 and completed_at is null
         and coalesce((progress ->> 'observed_at_ms')::float8, 0) <= $4::float8`,
    values: [jobId, JSON.stringify(shown.progress), JSON.stringify(shown.summary), shown.observedAtMs],
  });
}
