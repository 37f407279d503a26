import type { Client, Database } from './database.ts';

/** A walk to be added by the one that found it. */
export interface NewStream {
  readonly kind: string;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  readonly windowStartMs: number | null;
  readonly windowEndMs: number | null;
  /** Where it begins; null = at the beginning of its window. */
  readonly continuation?: unknown;
  readonly recordsExpected?: number | null;
  /** Where its cursor moves when it ends cleanly, ms since 1970; null or left out = nowhere. */
  readonly readsUpToMs?: number | null;
  readonly backdated?: boolean;
}

/** How far the records of a chunk reach in a partition of a raw topic. */
export interface ChunkTarget {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly lastOffset: number;
}

/** What a chunk adds to its stream. */
export interface ChunkProgress {
  readonly continuation: unknown;
  /** Records published or dead-lettered by this chunk. */
  readonly records: number;
  readonly recordsExpected: number | null;
  /** 0 to 1. */
  readonly shareDone: number;
  readonly targets: readonly ChunkTarget[];
  readonly newStreams: readonly NewStream[];
  /** What was learned for the walk's cursor; null or left out = nothing. */
  readonly cursor?: {
    readonly counts: object | null;
    /** False when the walk has nothing to read: its cursor stays where it is. */
    readonly moves: boolean;
  } | null;
}

/** What becomes of the stream after the chunk. */
export type StreamOutcome =
  | { readonly kind: 'open' }
  | { readonly kind: 'done' }
  /** Tried again after `waitMs`; `attempt` counts the failures in a row. */
  | { readonly kind: 'waiting'; readonly waitMs: number; readonly waitingFor: string; readonly attempt: number }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'failed'; readonly error: { readonly code: string; readonly message: string } };

export interface ChunkCommit {
  readonly streamId: number;
  readonly epoch: number;
  readonly jobId: string;
  /** Null when nothing was read. */
  readonly progress: ChunkProgress | null;
  readonly outcome: StreamOutcome;
  readonly warning: string | null;
  /** True when records may have been published that are not in `progress`: they will be repeats. */
  readonly abandoned: boolean;
}

/**
 * Commits a chunk and gives its lease back, in one transaction: the continuation moves only together with the counts and
 * the raw offsets of everything below it (I1).
 *
 * `stale` = the lease has a later epoch, or the job has ended: nothing was changed, what the chunk published are repeats.
 * `also` is written with the rest, or not at all.
 */
export async function commitChunk(
  database: Database,
  chunk: ChunkCommit,
  also: (client: Client) => Promise<void> = async () => undefined,
): Promise<'committed' | 'stale'> {
  return await database.transaction(async (client) => {
    // The job first, in the order of everyone who locks: ending a job waits for this chunk, or this chunk finds it ended.
    const job = await client.query({
      name: 'commit-chunk-job',
      text: 'select from jobs where job_id = $1 and completed_at is null for key share',
      values: [chunk.jobId],
    });
    if (job.rowCount !== 1 || !(await updateStream(client, chunk))) return 'stale';
    if (chunk.progress !== null && chunk.progress.targets.length > 0) {
      await raiseTargets(client, chunk.jobId, chunk.progress.targets);
    }
    if (chunk.progress !== null && chunk.progress.newStreams.length > 0) {
      await insertStreams(client, chunk.streamId, chunk.progress.newStreams);
    }
    await also(client);
    return 'committed';
  });
}

const ended: Readonly<Record<StreamOutcome['kind'], string>> = {
  open: 'pending',
  waiting: 'pending',
  done: 'done',
  skipped: 'skipped',
  failed: 'failed',
};

async function updateStream(client: Client, chunk: ChunkCommit): Promise<boolean> {
  const { progress, outcome } = chunk;
  const waiting = outcome.kind === 'waiting' ? outcome : null;
  const { rowCount } = await client.query({
    name: 'commit-chunk-stream',
    text: `update streams set
        continuation = case when $3 then $4::jsonb else continuation end,
        chunks_committed = chunks_committed + case when $3 then 1 else 0 end,
        records_committed = records_committed + $5,
        records_expected = case when $3 then $6 else records_expected end,
        share_done = case when $3 then $7 else share_done end,
        status = $8, attempt = $9,
        not_before = case when $10::float8 is null then not_before
          else clock_timestamp() + $10::float8 * interval '1 millisecond' end,
        waiting_for = $11,
        warning = case when $12::text is null then warning
          when warning is null then $12 else left(warning || '; ' || $12, 2000) end,
        error = $13::jsonb || jsonb_build_object('campaign', coalesce(campaign_name, campaign_id)),
        abandoned = abandoned + case when $14 then 1 else 0 end,
        counts = coalesce($15::jsonb, counts), reads_up_to = case when $16 then null else reads_up_to end,
        ended_at = case when $8 = 'pending' then null else clock_timestamp() end,
        lease_owner = null, lease_until = null
      where stream_id = $1 and lease_epoch = $2 and status = 'pending' and lease_until is not null`,
    values: [
      chunk.streamId,
      chunk.epoch,
      progress !== null,
      progress === null ? null : JSON.stringify(progress.continuation),
      progress?.records ?? 0,
      progress?.recordsExpected ?? null,
      progress?.shareDone ?? 0,
      ended[outcome.kind],
      waiting?.attempt ?? 0,
      waiting?.waitMs ?? null,
      waiting?.waitingFor ?? null,
      chunk.warning,
      outcome.kind === 'failed' ? JSON.stringify(outcome.error) : null,
      chunk.abandoned,
      jsonOrNull(progress?.cursor?.counts ?? null),
      progress?.cursor?.moves === false,
    ],
  });
  return rowCount === 1;
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

async function raiseTargets(client: Client, jobId: string, targets: readonly ChunkTarget[]): Promise<void> {
  // Sorted, as every chunk of the job writes the same few rows.
  await client.query({
    name: 'raise-raw-targets',
    text: `insert into job_raw_targets as known (job_id, topic, topic_id, partition, last_offset)
      select $1, topic, topic_id, partition, last_offset
      from unnest($2::text[], $3::uuid[], $4::integer[], $5::bigint[]) as chunk (topic, topic_id, partition, last_offset)
      order by topic_id, partition
      on conflict (job_id, topic_id, partition)
      do update set last_offset = greatest(known.last_offset, excluded.last_offset)`,
    values: [
      jobId,
      targets.map(({ topic }) => topic),
      targets.map(({ topicId }) => topicId),
      targets.map(({ partition }) => partition),
      targets.map(({ lastOffset }) => lastOffset),
    ],
  });
}

async function insertStreams(client: Client, parentId: number, streams: readonly NewStream[]): Promise<void> {
  const planned = streams.map((stream, place) => ({ ...stream, place }));
  await client.query(
    `insert into streams (job_id, namespace, platform, account_id, kind, campaign_id, campaign_name, window_start, window_end,
       continuation, records_expected, reads_up_to, backdated)
     select p.job_id, p.namespace, p.platform, p.account_id, n.kind, n."campaignId", n."campaignName",
       to_timestamp(n."windowStartMs" / 1000), to_timestamp(n."windowEndMs" / 1000),
       nullif(n.continuation, 'null'), n."recordsExpected", to_timestamp(n."readsUpToMs" / 1000), coalesce(n.backdated, false)
     from streams p, jsonb_to_recordset($2) as n (kind text, "campaignId" text, "campaignName" text,
       "windowStartMs" float8, "windowEndMs" float8, continuation jsonb, "recordsExpected" bigint, "readsUpToMs" float8,
       backdated boolean, place integer)
     where p.stream_id = $1 order by n.place on conflict do nothing`,
    [parentId, JSON.stringify(planned)],
  );
}
