import type { Queryable } from './database.ts';
import type { JobStatus } from './jobs.ts';

export interface JobsByStatus {
  readonly counts: Readonly<Partial<Record<JobStatus, number>>>;
  /** Age of the oldest job that has not ended and is not paused, ms; 0 when there is none. */
  readonly oldestOpenMs: number;
}

export async function countJobs(queryable: Queryable): Promise<JobsByStatus> {
  const { rows } = await queryable.query<{ status: JobStatus; jobs: string; open_ms: number | null }>(
    `select status, count(*) as jobs,
       (extract(epoch from clock_timestamp() - min(created_at) filter (where completed_at is null)) * 1000)::float8 as open_ms
     from jobs group by status`,
  );
  const open = rows.filter(({ status }) => status !== 'paused').map((row) => row.open_ms ?? 0);
  return {
    counts: Object.fromEntries(rows.map(({ status, jobs }) => [status, Number(jobs)])),
    oldestOpenMs: Math.max(0, ...open),
  };
}

/** A job as dashboards show it; documents are parsed and not checked. */
export interface WatchedJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly progress: unknown;
  readonly summary: unknown;
  /** Since it was asked for, or that it took. */
  readonly ageMs: number;
}

/** The youngest jobs that have not ended, or did within `sinceMs`; at most `limit` of them. */
export async function readWatchedJobs(
  queryable: Queryable,
  { limit, sinceMs }: { readonly limit: number; readonly sinceMs: number },
): Promise<readonly WatchedJob[]> {
  const { rows } = await queryable.query<WatchedJob>(
    `select job_id as "jobId", status, progress, summary,
       (extract(epoch from coalesce(completed_at, clock_timestamp()) - created_at) * 1000)::float8 as "ageMs"
     from (select * from jobs order by created_at desc, job_id desc limit 200) as recent
     where completed_at is null or completed_at > clock_timestamp() - $2::float8 * interval '1 millisecond'
     order by created_at desc, job_id desc limit $1`,
    [limit, sinceMs],
  );
  return rows;
}

export type StreamState = 'working' | 'ready' | 'waiting' | 'held';

export interface StreamCount {
  readonly platform: string;
  readonly state: StreamState;
  readonly streams: number;
}

/** The walks of open jobs that are not done, by what they do now. */
export async function countStreams(queryable: Queryable): Promise<readonly StreamCount[]> {
  const { rows } = await queryable.query<{ platform: string; state: StreamState; streams: string }>(
    `select platform, count(*) as streams, case
         when s.lease_until > clock_timestamp() then 'working'
         when j.status = 'paused' or j.ending is not null then 'held'
         when s.not_before > clock_timestamp() then 'waiting'
         else 'ready' end as state
     from jobs j join streams s using (job_id)
     where j.completed_at is null and s.status = 'pending' group by platform, state`,
  );
  return rows.map((row) => ({ ...row, streams: Number(row.streams) }));
}

export interface LetterCount {
  readonly stage: string;
  readonly code: string;
  readonly letters: number;
}

/** The dead letters that are stored and not replayed. */
export async function countOpenLetters(queryable: Queryable): Promise<readonly LetterCount[]> {
  const { rows } = await queryable.query<{ stage: string; code: string; letters: string }>(
    `select stage, code, count(*) as letters from dead_letters where status = 'open' group by stage, code`,
  );
  return rows.map((row) => ({ ...row, letters: Number(row.letters) }));
}
