import type { Client, Queryable } from './database.ts';
import { letterCondition } from './letters.ts';
import type { LetterFilter, LetterStatus } from './letters.ts';

/** The letters that a replay is asked for. */
export type ReplaySelection =
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  /** The oldest first, those that are open. */
  | { readonly kind: 'filter'; readonly filter: LetterFilter };

/** What decides whether a letter can be replayed. */
export interface ReplayCandidate {
  readonly id: number;
  readonly status: LetterStatus;
  readonly stage: string;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly truncated: boolean;
  readonly replayJobId: string | null;
  readonly supersededBy: number | null;
  /** False when the walk that it came of is no longer known. */
  readonly streamKnown: boolean;
  /** False when its namespace was deleted. */
  readonly leafExists: boolean;
}

interface CandidateRow {
  readonly id: string;
  readonly status: LetterStatus;
  readonly stage: string;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly truncated: boolean;
  readonly replay_job_id: string | null;
  readonly superseded_by: string | null;
  readonly stream_known: boolean;
}

const candidateColumns = `l.dead_letter_id as id, l.status, l.stage, l.namespace, l.platform, l.truncated, l.replay_job_id,
  l.superseded_by, exists (select from streams s where s.stream_id = l.stream_id) as stream_known`;

/** Of these too little is left to be published again. */
const hopeless = `(l.truncated or l.namespace is null or l.platform is null or l.stage = 'api')`;

/**
 * Locks the letters asked for in the order of their ids, so that two replays of one letter follow each other, and keeps
 * their namespaces from being deleted until the transaction ends. Of a filter the oldest that are open (`force`: or were
 * replayed before) and not hopeless, at most `limit`; `more` = there are further ones.
 */
export async function lockCandidates(
  client: Client,
  selection: ReplaySelection,
  options: { readonly limit: number; readonly force: boolean },
): Promise<{ readonly candidates: readonly ReplayCandidate[]; readonly more: boolean }> {
  const { limit, force } = options;
  const { sql, values } = selection.kind === 'ids' ? byIds(selection.ids) : byFilter(selection.filter, force);
  const { rows } = await client.query<CandidateRow>(
    `select ${candidateColumns} from dead_letters l where ${sql} order by l.dead_letter_id limit $1
     for no key update of l`,
    [limit + 1, ...values],
  );
  const candidates = rows.slice(0, limit);
  const leaves = await lockNamespaces(client, candidates);
  return { candidates: candidates.map((row) => toCandidate(row, leaves)), more: rows.length > limit };
}

function byIds(ids: readonly number[]): { readonly sql: string; readonly values: readonly unknown[] } {
  return { sql: 'l.dead_letter_id = any($2::bigint[])', values: [ids] };
}

function byFilter(filter: LetterFilter, force: boolean): { readonly sql: string; readonly values: readonly unknown[] } {
  const { sql, values } = letterCondition(filter, 3);
  const statuses = force ? ['open', 'replayed', 'superseded'] : ['open'];
  return { sql: `l.status = any($2::text[]) and not ${hopeless} and ${sql}`, values: [statuses, ...values] };
}

/** The first `limit` letters that a filter fits and that are too incomplete to be replayed, for saying so. */
export async function listUnreplayable(
  queryable: Queryable,
  filter: LetterFilter,
  limit: number,
): Promise<readonly ReplayCandidate[]> {
  const { sql, values } = letterCondition(filter, 2);
  const { rows } = await queryable.query<CandidateRow>(
    `select ${candidateColumns} from dead_letters l where ${hopeless} and ${sql} order by l.dead_letter_id limit $1`,
    [limit, ...values],
  );
  return rows.map((row) => toCandidate(row, new Set()));
}

function toCandidate(row: CandidateRow, leaves: ReadonlySet<string>): ReplayCandidate {
  return {
    id: Number(row.id),
    status: row.status,
    stage: row.stage,
    namespace: row.namespace,
    platform: row.platform,
    truncated: row.truncated,
    replayJobId: row.replay_job_id,
    supersededBy: row.superseded_by === null ? null : Number(row.superseded_by),
    streamKnown: row.stream_known,
    leafExists: leaves.has(`${row.namespace ?? ''}/${row.platform ?? ''}`),
  };
}

async function lockNamespaces(
  client: Client,
  of: readonly { readonly namespace: string | null }[],
): Promise<ReadonlySet<string>> {
  const names = [...new Set(of.flatMap(({ namespace }) => (namespace === null ? [] : [namespace])))];
  await client.query('select from namespaces where namespace = any($1) order by namespace for key share', [names]);
  const { rows } = await client.query<{ namespace: string; platform: string }>(
    'select namespace, platform from leaf_states where namespace = any($1)',
    [names],
  );
  return new Set(rows.map(({ namespace, platform }) => `${namespace}/${platform}`));
}

/** The stages of letters that no destination has written. */
const ownStages = `('extractor', 'keyer', 'loader', 'api')`;
/** Who is to have what a letter's record gives (`l`, of the job `lj`): only the destination that refused it, or all of the job's. */
const destinationsOfLetter = `case when l.stage not in ${ownStages} then array[l.stage]
  else coalesce(lj.destinations, '{}') end`;

/**
 * Stores a replay of the letters as a job of its own that owns no namespace: a walk per namespace and platform. Letters
 * of one raw record are published once. In the transaction that locked them; their namespaces must exist.
 */
export async function insertReplay(
  client: Client,
  replay: {
    readonly jobId: string;
    readonly config: object;
    readonly ids: readonly number[];
  },
): Promise<void> {
  const { jobId, config, ids } = replay;
  await client.query(
    `insert into jobs (job_id, sync_mode, config, parallel_workers, window_end, destinations)
     values ($1, 'replay', $2, 1, now(), array(
       select distinct unnest(${destinationsOfLetter}) from dead_letters l left join jobs lj on lj.job_id = l.job_id
       where l.dead_letter_id = any($3::bigint[]) order by 1))`,
    [jobId, JSON.stringify(config), ids],
  );
  await client.query(
    `insert into dead_letter_replays (job_id, dead_letter_id, namespace, platform, leader_id, event_key)
     select $1, dead_letter_id, namespace, platform,
       min(dead_letter_id) over (partition by namespace, platform, coalesce(source, dead_letter_id::text)), event_key
     from dead_letters where dead_letter_id = any($2::bigint[])`,
    [jobId, ids],
  );
  await client.query(
    `insert into job_targets (job_id, namespace, platform, active)
     select distinct $1, namespace, platform, false from dead_letter_replays where job_id = $1`,
    [jobId],
  );
  await client.query(
    `insert into streams (job_id, namespace, platform, kind, records_expected)
     select $1, namespace, platform, 'replay', count(*) from dead_letter_replays
     where job_id = $1 and leader_id = dead_letter_id group by namespace, platform order by 2, 3`,
    [jobId],
  );
  await client.query(
    `update dead_letters set status = 'replaying', replay_job_id = $1, superseded_by = null
     where dead_letter_id = any($2::bigint[])`,
    [jobId, ids],
  );
}

/** The walk of a replay whose lease this process holds. */
export interface ClaimedReplay {
  readonly streamId: number;
  readonly epoch: number;
  readonly jobId: string;
  readonly namespace: string;
  readonly platform: string;
  /** The letter after which it goes on. */
  readonly afterId: number;
  readonly attempt: number;
  readonly chunksCommitted: number;
  readonly recordsCommitted: number;
}

/** Claims the oldest replay that is due, with a new epoch; null when there is none. */
export async function claimReplay(
  queryable: Queryable,
  options: { readonly owner: string; readonly leaseMs: number },
): Promise<ClaimedReplay | null> {
  const { rows } = await queryable.query<{
    stream_id: string;
    lease_epoch: string;
    job_id: string;
    namespace: string;
    platform: string;
    after_id: number;
    attempt: number;
    chunks_committed: number;
    records_committed: string;
  }>({
    name: 'claim-replay',
    text: `with t as materialized (select clock_timestamp() as now),
      chosen as (
        select s.stream_id from t, streams s join jobs j on j.job_id = s.job_id
        where s.account_id is null and s.status = 'pending' and s.not_before <= t.now
          and (s.lease_until is null or s.lease_until < t.now)
          and j.completed_at is null and j.ending is null and j.status in ('queued', 'in_progress')
        order by s.stream_id limit 1 for update of s skip locked),
      leased as (
        update streams s set lease_epoch = lease_epoch + 1, lease_owner = $1, waiting_for = null,
          lease_until = clock_timestamp() + $2::float8 * interval '1 millisecond',
          abandoned = abandoned + case when lease_until is null then 0 else 1 end
        from chosen where s.stream_id = chosen.stream_id returning s.*),
      started as (
        update jobs j set status = 'in_progress', started_at = coalesce(j.started_at, clock_timestamp()) from leased
        where j.job_id = leased.job_id and j.status = 'queued')
      select stream_id, lease_epoch, job_id, namespace, platform, coalesce((continuation ->> 'after')::float8, 0) as after_id,
        attempt, chunks_committed, records_committed from leased`,
    values: [options.owner, options.leaseMs],
  });
  const row = rows[0];
  if (row === undefined) return null;
  return {
    streamId: Number(row.stream_id),
    epoch: Number(row.lease_epoch),
    jobId: row.job_id,
    namespace: row.namespace,
    platform: row.platform,
    afterId: row.after_id,
    attempt: row.attempt,
    chunksCommitted: row.chunks_committed,
    recordsCommitted: Number(row.records_committed),
  };
}

/** A letter to be published again, and the walk that it came of. */
export interface LetterToReplay {
  readonly id: number;
  /** The destinations that its first job meant its events for; of a letter of a destination, that one. */
  readonly destinations: readonly string[];
  readonly stage: string;
  readonly record: Buffer;
  readonly failedAtMs: number;
  /** The upstream collection and campaign of that walk; null where it is not known. */
  readonly walk: {
    readonly kind: string;
    readonly campaignId: string | null;
    readonly campaignName: string | null;
  } | null;
}

/** The next letters of a replay in the order of their ids, up to `limit` letters and `maxBytes` of records (at least one). */
export async function readLettersToReplay(
  queryable: Queryable,
  replay: ClaimedReplay,
  bounds: { readonly limit: number; readonly maxBytes: number },
): Promise<{ readonly letters: readonly LetterToReplay[]; readonly left: number }> {
  const { rows } = await queryable.query<{
    id: string;
    stage: string;
    record: Buffer;
    failed_at_ms: number;
    destinations: readonly string[];
    kind: string | null;
    campaign_id: string | null;
    campaign_name: string | null;
    left: number;
  }>(
    `with due as (
       select dead_letter_id, count(*) over ()::integer as left from dead_letter_replays
       where job_id = $1 and namespace = $2 and platform = $3 and leader_id = dead_letter_id and dead_letter_id > $4
       order by dead_letter_id limit $5),
     sized as (
       select dead_letter_id, due.left, sum(octet_length(record)) over (order by dead_letter_id) as bytes,
         row_number() over (order by dead_letter_id) as place
       from due join dead_letters using (dead_letter_id))
     select l.dead_letter_id as id, l.stage, l.record, (extract(epoch from l.failed_at) * 1000)::float8 as failed_at_ms,
       s.kind, s.campaign_id, s.campaign_name, sized.left, ${destinationsOfLetter} as destinations
     from sized join dead_letters l using (dead_letter_id) left join streams s on s.stream_id = l.stream_id
       left join jobs lj on lj.job_id = l.job_id
     where sized.place = 1 or sized.bytes <= $6 order by l.dead_letter_id`,
    [replay.jobId, replay.namespace, replay.platform, replay.afterId, bounds.limit, bounds.maxBytes],
  );
  return {
    letters: rows.map((row) => ({
      id: Number(row.id),
      stage: row.stage,
      record: row.record,
      failedAtMs: Math.trunc(row.failed_at_ms),
      destinations: row.destinations,
      walk: row.kind === null ? null : { kind: row.kind, campaignId: row.campaign_id, campaignName: row.campaign_name },
    })),
    left: (rows[0]?.left ?? 0) - rows.length,
  };
}

/** Where a letter's record was published. */
export interface ReplayedAt {
  readonly id: number;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** Notes where records went, also for the letters that are about the same records; in the transaction of their chunk. */
export async function storeReplayPositions(
  client: Client,
  jobId: string,
  positions: readonly ReplayedAt[],
): Promise<void> {
  await client.query(
    `update dead_letter_replays r set topic_id = p.topic_id, partition = p.partition, record_offset = p.record_offset
     from unnest($2::bigint[], $3::uuid[], $4::integer[], $5::bigint[]) as p (id, topic_id, partition, record_offset)
     where r.job_id = $1 and r.leader_id = p.id`,
    [
      jobId,
      positions.map(({ id }) => id),
      positions.map(({ topicId }) => topicId),
      positions.map(({ partition }) => partition),
      positions.map(({ offset }) => offset),
    ],
  );
}

/**
 * Says of each letter of an ended replay what became of it; in the transaction that ends the job, after its status is
 * set, as by then all its dead letters are stored. A letter whose record came back is superseded by the new letter; one
 * that was not published, or whose job lost records, is open again. With a letter, those it superseded are replayed.
 */
export async function settleReplay(client: Client, jobId: string): Promise<void> {
  const settled = await client.query(
    `update dead_letters l set superseded_by = o.successor,
       status = case when o.successor is not null then 'superseded' when o.stored then 'replayed' else 'open' end
     from (
       select r.dead_letter_id, r.topic_id is not null and j.status <> 'failed' as stored, min(n.dead_letter_id) as successor
       from dead_letter_replays r join jobs j using (job_id)
       left join dead_letters n on n.job_id = $1 and n.source = r.topic_id || ':' || r.partition || ':' || r.record_offset
         and (n.event_key is null or r.event_key is null or n.event_key = r.event_key)
       where r.job_id = $1 group by 1, 2) o
     where l.dead_letter_id = o.dead_letter_id and l.replay_job_id = $1 and l.status = 'replaying'`,
    [jobId],
  );
  if (settled.rowCount === 0) return;
  const { rows } = await client.query<{ job_id: string }>(
    `with recursive replayed as (
       select l.dead_letter_id, l.job_id from dead_letter_replays r join dead_letters l using (dead_letter_id)
       where r.job_id = $1 and l.replay_job_id = $1 and l.status = 'replayed'
       union
       select l.dead_letter_id, l.job_id from replayed p join dead_letters l on l.superseded_by = p.dead_letter_id),
     settled as (
       update dead_letters l set status = 'replayed' from replayed p
       where l.dead_letter_id = p.dead_letter_id and l.status = 'superseded')
     select distinct job_id from replayed where job_id is not null`,
    [jobId],
  );
  const jobIds = rows.map((row) => row.job_id);
  // Locked first: of two replays of one job's letters, the second counts what the first has settled.
  await client.query('select from jobs where job_id = any($1::text[]) order by job_id for no key update', [jobIds]);
  await client.query(
    `update jobs j set letters_replayed = (
       select count(*) from dead_letters l where l.job_id = j.job_id and l.status = 'replayed')
     where j.job_id = any($1::text[])`,
    [jobIds],
  );
}
