import type { CampaignFilter } from './cursors.ts';
import type { Client, Database, Queryable } from './database.ts';

export type JobStatus = 'queued' | 'in_progress' | 'paused' | 'completed' | 'failed' | 'cancelled';

/** A job as its row says; times are Dates, documents are parsed and not checked. */
export interface JobRow {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly ending: 'failed' | 'cancelled' | null;
  readonly syncMode: string;
  readonly config: unknown;
  readonly warnings: unknown;
  readonly progress: unknown;
  readonly summary: unknown;
  readonly error: unknown;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  /** Since when it is paused; null = it is not. */
  readonly pausedAt: Date | null;
  readonly resumedAt: Date | null;
  /** Of its dead letters, those that were replayed and stored since. */
  readonly lettersReplayed: number;
  /** Grows with every change that is shown. */
  readonly revision: number;
}

export interface NewJob {
  readonly jobId: string;
  readonly syncMode: string;
  readonly config: object;
  readonly warnings: readonly string[];
  readonly parallelWorkers: number;
  readonly batchSize: number | null;
  /** What the upstream says happened later belongs to the next job; whole milliseconds. */
  readonly windowEnd: Date;
  readonly targets: readonly JobTarget[];
  /** The closed interval that is asked for; whole milliseconds. */
  readonly range?: { readonly start: Date; readonly end: Date } | null;
  /** Days per extraction window, and ms between two windows of a walk. */
  readonly chunk?: { readonly days: number; readonly delayMs: number } | null;
  /** What the job asks of itself on an account. */
  readonly paces?: readonly JobPace[];
  /** Names of the destinations that are to have its events; none when left out. */
  readonly destinations?: readonly string[];
}

export interface JobPace {
  readonly accountId: number;
  /** Null = as fast as the account allows. */
  readonly requestsPerSecond: number | null;
  readonly burstSize: number | null;
  /** Further attempts after a failure; null = as many as make sense. */
  readonly retryAttempts: number | null;
}

export interface JobTarget {
  readonly namespace: string;
  readonly platform: string;
  /** The account whose budget pays for this walk. */
  readonly accountId: number;
  /** The campaigns of the account that belong to the namespace; null = all. */
  readonly filter?: CampaignFilter | null;
}

/**
 * Stores a job with its targets, accounts and first streams: one `discover` walk per namespace, platform and account.
 * To be called inside a transaction, after `ensureNamespace` and `ensureAccount`.
 *
 * @throws a unique violation (SQLSTATE 23505) of `job_targets_active` when another job owns one of the targets; see
 * `findConflict`.
 */
export async function insertJob(client: Client, job: NewJob): Promise<void> {
  await client.query(
    `insert into jobs (job_id, sync_mode, config, warnings, parallel_workers, batch_size, window_end,
       range_start, range_end, chunk_days, chunk_delay_ms, destinations)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      job.jobId,
      job.syncMode,
      JSON.stringify(job.config),
      JSON.stringify(job.warnings),
      job.parallelWorkers,
      job.batchSize,
      job.windowEnd,
      job.range?.start ?? null,
      job.range?.end ?? null,
      job.chunk?.days ?? null,
      job.chunk?.delayMs ?? null,
      job.destinations ?? [],
    ],
  );
  const namespaces = job.targets.map((target) => target.namespace);
  const platforms = job.targets.map((target) => target.platform);
  const accounts = job.targets.map((target) => target.accountId);
  // Sorted, so that two jobs with several targets in common wait for each other instead of deadlocking.
  await client.query(
    `insert into job_targets (job_id, namespace, platform, campaign_filter)
     select $1, namespace, platform, nullif(filter::jsonb, 'null')
     from unnest($2::text[], $3::text[], $4::text[]) as wanted (namespace, platform, filter) order by 2, 3`,
    [job.jobId, namespaces, platforms, job.targets.map((target) => JSON.stringify(target.filter ?? null))],
  );
  await client.query(
    `insert into job_accounts (job_id, account_id, requests_per_second, burst_size, retry_attempts)
     select distinct on (a.id) $1, a.id, p."requestsPerSecond", p."burstSize", p."retryAttempts"
     from unnest($2::bigint[]) as a (id) left join jsonb_to_recordset($3) as p
       ("accountId" bigint, "requestsPerSecond" float8, "burstSize" integer, "retryAttempts" integer)
       on p."accountId" = a.id`,
    [job.jobId, accounts, JSON.stringify(job.paces ?? [])],
  );
  await client.query(
    `insert into streams (job_id, namespace, platform, account_id, kind, window_end, reads_up_to)
     select $1, namespace, platform, account_id, 'discover', $5::timestamptz, case when $6 then $5::timestamptz end
     from unnest($2::text[], $3::text[], $4::bigint[]) as wanted (namespace, platform, account_id) order by 2, 3`,
    // A range says nothing of the time around it.
    [job.jobId, namespaces, platforms, accounts, job.windowEnd, (job.range ?? null) === null],
  );
}

/** The running job that owns one of the targets, or null when none does (any more). */
export async function findConflict(
  queryable: Queryable,
  targets: readonly Pick<JobTarget, 'namespace' | 'platform'>[],
): Promise<{ readonly jobId: string; readonly namespace: string; readonly platform: string } | null> {
  const { rows } = await queryable.query<{ job_id: string; namespace: string; platform: string }>(
    `select t.job_id, t.namespace, t.platform from job_targets t
     join unnest($1::text[], $2::text[]) as wanted (namespace, platform) using (namespace, platform)
     where t.active order by t.job_id, t.namespace, t.platform limit 1`,
    [targets.map((target) => target.namespace), targets.map((target) => target.platform)],
  );
  const row = rows[0];
  return row === undefined ? null : { jobId: row.job_id, namespace: row.namespace, platform: row.platform };
}

const jobColumns = `job_id, status, ending, sync_mode, config, warnings, progress, summary, error,
  created_at, started_at, completed_at, paused_at, resumed_at, letters_replayed, revision`;

interface JobRecord {
  readonly job_id: string;
  readonly status: JobStatus;
  readonly ending: 'failed' | 'cancelled' | null;
  readonly sync_mode: string;
  readonly config: unknown;
  readonly warnings: unknown;
  readonly progress: unknown;
  readonly summary: unknown;
  readonly error: unknown;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly completed_at: Date | null;
  readonly paused_at: Date | null;
  readonly resumed_at: Date | null;
  readonly letters_replayed: string;
  readonly revision: string;
}

function toJob(record: JobRecord): JobRow {
  return {
    jobId: record.job_id,
    status: record.status,
    ending: record.ending,
    syncMode: record.sync_mode,
    config: record.config,
    warnings: record.warnings,
    progress: record.progress,
    summary: record.summary,
    error: record.error,
    createdAt: record.created_at,
    startedAt: record.started_at,
    completedAt: record.completed_at,
    pausedAt: record.paused_at,
    resumedAt: record.resumed_at,
    lettersReplayed: Number(record.letters_replayed),
    revision: Number(record.revision),
  };
}

/** One job by its id, or null. */
export async function readJob(queryable: Queryable, jobId: string): Promise<JobRow | null> {
  const { rows } = await queryable.query<JobRecord>({
    name: 'read-job',
    text: `select ${jobColumns} from jobs where job_id = $1`,
    values: [jobId],
  });
  const row = rows[0];
  return row === undefined ? null : toJob(row);
}

/** Those of the jobs whose revision is not the one known, as they are now. */
export async function readChangedJobs(
  queryable: Queryable,
  known: ReadonlyMap<string, number>,
): Promise<readonly JobRow[]> {
  const { rows } = await queryable.query<JobRecord>({
    name: 'read-changed-jobs',
    text: `select ${jobColumns} from jobs join unnest($1::text[], $2::bigint[]) as known (job_id, seen) using (job_id)
      where revision <> seen`,
    values: [[...known.keys()], [...known.values()]],
  });
  return rows.map(toJob);
}

/** What a user's wish makes of a job that has not ended. */
export interface JobChange {
  readonly status: JobStatus;
  readonly ending: 'cancelled' | null;
}

/**
 * Changes a job under its row's lock as `decide` says by its state; null changes nothing, and what `decide` throws is
 * thrown. Returns the job as it is then, or null when there is none. The claims of the extractors see the change: at
 * most the chunks under way are still read.
 */
export async function changeJob(
  db: Database,
  jobId: string,
  decide: (job: JobRow) => JobChange | null,
): Promise<JobRow | null> {
  return await db.transaction(async (client) => {
    const found = await client.query<JobRecord>(`select ${jobColumns} from jobs where job_id = $1 for no key update`, [
      jobId,
    ]);
    const record = found.rows[0];
    if (record === undefined) return null;
    const change = decide(toJob(record));
    if (change === null) return toJob(record);
    const { rows } = await client.query<JobRecord>(
      `update jobs set status = $2, ending = $3,
         paused_at = case when $2 = 'paused' then coalesce(paused_at, now()) end,
         resumed_at = case when status = 'paused' and $2 <> 'paused' and $3::text is null then now() else resumed_at end
       where job_id = $1 returning ${jobColumns}`,
      [jobId, change.status, change.ending],
    );
    const changed = rows[0];
    return changed === undefined ? null : toJob(changed);
  });
}

export interface JobFilter {
  readonly status?: string | undefined;
  readonly syncMode?: string | undefined;
  readonly platform?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Where a page of the history ends. */
export interface JobCursor {
  /** Microseconds since 1970 in decimal: a Date would drop three digits. */
  readonly createdAtMicros: string;
  readonly jobId: string;
}

/** The newest jobs first, `limit` of them after `cursor`, and the cursor of the next page (null at the end). */
export async function listJobs(
  queryable: Queryable,
  page: { readonly limit: number; readonly cursor: JobCursor | null; readonly filter: JobFilter },
): Promise<{ readonly jobs: readonly JobRow[]; readonly next: JobCursor | null }> {
  const { limit, cursor, filter } = page;
  const { rows } = await queryable.query<JobRecord & { created_at_micros: string }>(
    `select ${jobColumns}, (extract(epoch from created_at) * 1000000)::bigint as created_at_micros from jobs j
     where ($2::bigint is null or
         (created_at, job_id) < (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::text))
       and ($4::text is null or status = $4)
       and ($5::text is null or sync_mode = $5)
       and (($6::text is null and $7::text is null) or exists (
         select from job_targets t where t.job_id = j.job_id
           and ($6::text is null or t.platform = $6) and ($7::text is null or t.namespace = $7)))
     order by created_at desc, job_id desc limit $1`,
    [
      limit + 1,
      cursor?.createdAtMicros ?? null,
      cursor?.jobId ?? null,
      filter.status ?? null,
      filter.syncMode ?? null,
      filter.platform ?? null,
      filter.namespace ?? null,
    ],
  );
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    jobs: rows.slice(0, limit).map(toJob),
    next: last === undefined ? null : { createdAtMicros: last.created_at_micros, jobId: last.job_id },
  };
}

/** The ids of jobs that have not ended, oldest first. */
export async function listOpenJobs(queryable: Queryable): Promise<readonly string[]> {
  const { rows } = await queryable.query<{ job_id: string }>({
    name: 'list-open-jobs',
    text: 'select job_id from jobs where completed_at is null order by created_at, job_id',
  });
  return rows.map((row) => row.job_id);
}

/** How long the last completed job with the same mode and targets took, ms, and the records it read; null without one. */
export async function readLastRun(
  queryable: Queryable,
  like: { readonly syncMode: string; readonly targets: readonly Pick<JobTarget, 'namespace' | 'platform'>[] },
): Promise<{ readonly durationMs: number; readonly records: number } | null> {
  const { rows } = await queryable.query<{ duration_ms: number; records: number }>(
    `select (extract(epoch from completed_at - created_at) * 1000)::float8 as duration_ms,
       coalesce((summary ->> 'records_fetched')::float8, 0) as records
     from jobs j where status = 'completed' and sync_mode = $1
       and (select array_agg(namespace || ' ' || platform order by (namespace || ' ' || platform) collate "C")
            from job_targets t where t.job_id = j.job_id) = $2::text[]
     order by created_at desc limit 1`,
    [like.syncMode, like.targets.map((target) => `${target.namespace} ${target.platform}`).toSorted()],
  );
  const row = rows[0];
  return row === undefined ? null : { durationMs: row.duration_ms, records: row.records };
}
