import type { Client, Queryable } from './database.ts';

/** What became of a job's events at a destination, as one transaction adds it. */
export interface DeliveryTally {
  readonly jobId: string;
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  /** Taken over, not yet acknowledged; negative when they are settled. */
  readonly open: number;
}

/** Adds counts of jobs at a destination; `partition` is the one whose position the transaction holds, so nobody waits. */
export async function addJobDeliveries(
  client: Client,
  at: { readonly destination: string; readonly partition: number },
  tallies: readonly DeliveryTally[],
): Promise<void> {
  if (tallies.length === 0) return;
  const sorted = tallies.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1));
  await client.query({
    name: 'add-job-deliveries',
    text: `insert into job_deliveries as known (job_id, destination, partition, sent, skipped, failed, open)
      select job_id, $1, $2, sent, skipped, failed, open
      from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
        as added (job_id, sent, skipped, failed, open)
      on conflict (job_id, destination, partition) do update set sent = known.sent + excluded.sent,
        skipped = known.skipped + excluded.skipped, failed = known.failed + excluded.failed, open = known.open + excluded.open`,
    values: [
      at.destination,
      at.partition,
      sorted.map(({ jobId }) => jobId),
      sorted.map(({ sent }) => sent),
      sorted.map(({ skipped }) => skipped),
      sorted.map(({ failed }) => failed),
      sorted.map(({ open }) => open),
    ],
  });
}

/** Where the events of a job had to be loaded to: beyond that, an event of the job is late. */
export interface JobReach {
  readonly jobId: string;
  /** Null while the job's events are not all keyed yet. */
  readonly targets: { readonly topicId: string; readonly offsets: Readonly<Record<string, number>> } | null;
  /** False for a job that has not ended. */
  readonly ended: boolean;
}

/** The reach of each of these jobs; jobs that never were are left out. */
export async function readJobReaches(queryable: Queryable, jobIds: readonly string[]): Promise<readonly JobReach[]> {
  const { rows } = await queryable.query<{
    job_id: string;
    load_targets: Readonly<Record<string, number>> | null;
    events_topic_id: string | null;
    ended: boolean;
  }>({
    name: 'read-job-reaches',
    text: `select job_id, load_targets, events_topic_id, completed_at is not null as ended from jobs
      where job_id = any($1::text[])`,
    values: [jobIds],
  });
  return rows.map((row) => ({
    jobId: row.job_id,
    targets:
      row.load_targets === null || row.events_topic_id === null
        ? null
        : { topicId: row.events_topic_id, offsets: row.load_targets },
    ended: row.ended,
  }));
}

/** What of a job's events was done at one destination. */
export interface JobDestination {
  readonly jobId: string;
  readonly destination: string;
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  readonly waiting: number;
}

/*
 * Waiting is what loading has derived and the destination has not settled. Once the destination has passed all that the
 * job published, only what it has taken over (folded) is open: events that one of the two has dropped as late, and the
 * other not, must not be waited for.
 */
const destinationsSql = `
with wanted as (select unnest($1::text[]) as job_id),
pairs as (
  select j.job_id, d.destination from wanted join jobs j using (job_id) cross join lateral unnest(j.destinations) as d (destination)
  union select job_id, destination from wanted join job_deliveries using (job_id)),
settled as (
  select job_id, destination, sum(sent) as sent, sum(skipped) as skipped, sum(failed) as failed, sum(open) as open
  from pairs join job_deliveries using (job_id, destination) group by 1, 2)
select p.job_id as "jobId", p.destination, coalesce(s.sent, 0)::float8 as sent, coalesce(s.skipped, 0)::float8 as skipped,
  coalesce(s.failed, 0)::float8 as failed,
  (coalesce(s.open, 0) + case when j.load_targets is not null and not exists (
      select from jsonb_each_text(j.load_targets) as t (partition, target)
      where t.target::bigint > coalesce((select next_offset from destination_positions dp
        where dp.destination = p.destination and dp.topic_id = j.events_topic_id and dp.partition = t.partition::integer), 0))
    then 0
    else greatest(0, (select coalesce(sum(events_derived), 0) from job_counts c where c.job_id = p.job_id)
      - coalesce(s.sent + s.skipped + s.failed + s.open, 0)) end)::float8 as waiting
from pairs p join jobs j using (job_id) left join settled s using (job_id, destination) order by 1, 2`;

/** What of these jobs' events was done at each destination that they asked for, or that had some, from committed state (I9). */
export async function readJobDestinations(
  queryable: Queryable,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, readonly JobDestination[]>> {
  const { rows } = await queryable.query<JobDestination>({
    name: 'read-job-destinations',
    text: destinationsSql,
    values: [jobIds],
  });
  return Map.groupBy(rows, ({ jobId }) => jobId);
}
