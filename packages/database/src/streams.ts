import type { CampaignFilter } from './cursors.ts';
import type { Database, Queryable } from './database.ts';
import { lockBudget, offerSlot, takeSlot } from './rate-budgets.ts';
import type { SlotOffer } from './rate-budgets.ts';
import { grantAheadMs, slotToleranceMs } from './slots.ts';

/** A stream whose lease this process holds, and the job it belongs to. */
export interface ClaimedStream {
  readonly streamId: number;
  readonly epoch: number;
  readonly jobId: string;
  readonly namespace: string;
  readonly platform: string;
  readonly accountId: number;
  readonly kind: string;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  /** The closed interval of source time (ms since 1970) that the walk covers; null = no bound on that side. */
  readonly windowStartMs: number | null;
  readonly windowEndMs: number | null;
  readonly continuation: unknown;
  readonly attempt: number;
  /** Also the number of the chunk that comes next. */
  readonly chunksCommitted: number;
  readonly recordsCommitted: number;
  readonly recordsExpected: number | null;
  /** The campaigns of the account that belong to the namespace; null = all. */
  readonly filter: CampaignFilter | null;
  readonly job: {
    readonly syncMode: string;
    readonly batchSize: number | null;
    readonly windowEndMs: number;
    /** The closed interval that was asked for; null in all modes but `date_range`. */
    readonly range: { readonly startMs: number; readonly endMs: number } | null;
    /** Days per window; null = one window. */
    readonly chunkDays: number | null;
    /** Between two windows of a walk. */
    readonly chunkDelayMs: number;
    /** Further attempts after a failure; null = as many as make sense. */
    readonly retryAttempts: number | null;
    /** True when the job has a pace of its own on the account: then a claim is one request. */
    readonly paced: boolean;
    /** Names of the destinations that are to have its events. */
    readonly destinations: readonly string[];
  };
}

/** The right to send one request within a time on the local clock (`performance.now`). */
export interface Permit {
  /** Null where limits are off: then any number of requests may follow. */
  readonly permitId: number | null;
  readonly earliestMs: number;
  readonly latestMs: number;
  readonly offer: SlotOffer;
}

export type Claim =
  | { readonly kind: 'claimed'; readonly stream: ClaimedStream; readonly permit: Permit }
  /** There is work; the account's next slot is this far away, or the next turn at the pace of the only jobs with work. */
  | { readonly kind: 'wait'; readonly waitMs: number; readonly for: 'slot' | 'pace' }
  | { readonly kind: 'nothing' };

interface Choice {
  readonly stream_id: string;
  readonly lease_epoch: string;
  /** Until its job's own pace lets it go; 0 = now. */
  readonly paced_ms: number;
}

/**
 * The stream that is served next: of the job served least lately on this account, leaving out jobs that are held,
 * ending or have all their workers busy; then the oldest stream that is due and not leased. A job with a pace of its own
 * has a bucket of `burst_size` that fills by `requests_per_second`; while it is empty, other jobs come first.
 */
async function chooseStream(queryable: Queryable, accountId: number): Promise<Choice | undefined> {
  const { rows } = await queryable.query<Choice>({
    name: 'choose-stream',
    text: `with t as materialized (select clock_timestamp() as now)
      select s.stream_id, s.lease_epoch, p.paced_ms from t, job_accounts ja
      join jobs j on j.job_id = ja.job_id
      cross join lateral (
        select greatest(0, coalesce((extract(epoch from ja.paced_until - t.now) * 1000)::float8
          - (coalesce(ja.burst_size, 1) - 1) * 1000 / ja.requests_per_second, 0)) as paced_ms) p
      cross join lateral (
        select stream_id, lease_epoch from streams
        where account_id = $1 and job_id = ja.job_id and status = 'pending' and not_before <= t.now
          and (lease_until is null or lease_until < t.now)
        order by stream_id limit 1) s
      where ja.account_id = $1 and j.completed_at is null and j.ending is null and j.status in ('queued', 'in_progress')
        and j.parallel_workers > (
          select count(*) from streams l
          where l.account_id = $1 and l.job_id = ja.job_id and l.status = 'pending' and l.lease_until >= t.now)
      order by p.paced_ms, ja.last_served_at nulls first, ja.job_id limit 1`,
    values: [accountId],
  });
  return rows[0];
}

/**
 * Claims the next stream of an account together with a permit, in one transaction that holds the account's row: the
 * lease gets a new epoch, so that whoever held it before can change nothing any more. A slot more than 200 ms away
 * is not taken.
 */
export async function claimStream(
  database: Database,
  options: {
    readonly accountId: number;
    readonly owner: string;
    readonly leaseMs: number;
    /** From the call of a request to its headers, ms. */
    readonly requestTimeoutMs: number;
  },
): Promise<Claim> {
  const { accountId } = options;
  // Looked at without the lock first: an idle account is not worth one.
  const likely = await chooseStream(database.pool, accountId);
  if (likely === undefined) return { kind: 'nothing' };
  if (likely.paced_ms > 0) return { kind: 'wait', waitMs: likely.paced_ms, for: 'pace' };
  return await database.transaction(async (client): Promise<Claim> => {
    const budget = await lockBudget(client, accountId);
    const choice = await chooseStream(client, accountId);
    if (choice === undefined) return { kind: 'nothing' };
    if (choice.paced_ms > 0) return { kind: 'wait', waitMs: choice.paced_ms, for: 'pace' };
    const offer = await offerSlot(client, accountId, budget);
    if (offer.delayMs > grantAheadMs) return { kind: 'wait', waitMs: offer.delayMs, for: 'slot' };
    const stream = await leaseStream(client, choice, { ...options, slotDelayMs: offer.delayMs });
    // Committed or renewed by its holder since it was chosen: the next claim sees that.
    if (stream === undefined) return { kind: 'wait', waitMs: 0, for: 'slot' };
    const permitId = offer.limited ? await takeSlot(client, { ...options, offer }) : null;
    return {
      kind: 'claimed',
      stream,
      permit: {
        permitId,
        earliestMs: offer.answeredAtMs + offer.delayMs,
        latestMs: permitId === null ? Infinity : offer.askedAtMs + offer.delayMs + slotToleranceMs,
        offer,
      },
    };
  });
}

interface StreamRow {
  readonly stream_id: string;
  readonly lease_epoch: string;
  readonly job_id: string;
  readonly namespace: string;
  readonly platform: string;
  readonly kind: string;
  readonly campaign_id: string | null;
  readonly campaign_name: string | null;
  readonly window_start_ms: number | null;
  readonly window_end_ms: number | null;
  readonly continuation: unknown;
  readonly attempt: number;
  readonly chunks_committed: number;
  readonly records_committed: string;
  readonly records_expected: string | null;
  readonly campaign_filter: CampaignFilter | null;
  readonly sync_mode: string;
  readonly batch_size: number | null;
  readonly job_window_end_ms: number;
  readonly range_start_ms: number | null;
  readonly range_end_ms: number | null;
  readonly chunk_days: number | null;
  readonly chunk_delay_ms: number | null;
  readonly retry_attempts: number | null;
  readonly requests_per_second: number | null;
  readonly destinations: readonly string[];
}

async function leaseStream(
  queryable: Queryable,
  choice: Choice,
  options: {
    readonly accountId: number;
    readonly owner: string;
    readonly leaseMs: number;
    /** From now to the slot of the request. */
    readonly slotDelayMs: number;
  },
): Promise<ClaimedStream | undefined> {
  const { rows } = await queryable.query<StreamRow>({
    name: 'lease-stream',
    text: `with leased as (
        update streams set lease_epoch = lease_epoch + 1, lease_owner = $4,
          lease_until = clock_timestamp() + $5::float8 * interval '1 millisecond', waiting_for = null,
          abandoned = abandoned + case when lease_until is null then 0 else 1 end
        where stream_id = $1 and lease_epoch = $2 and status = 'pending'
          and (lease_until is null or lease_until < clock_timestamp())
        returning *),
      served as (
        update job_accounts ja set last_served_at = clock_timestamp(),
          paced_until = case when ja.requests_per_second is not null then
            greatest(ja.paced_until, clock_timestamp() + $6::float8 * interval '1 millisecond')
              + make_interval(secs => 1 / ja.requests_per_second) end
        from leased
        where ja.job_id = leased.job_id and ja.account_id = $3),
      started as (
        update jobs j set status = 'in_progress', started_at = coalesce(j.started_at, clock_timestamp()) from leased
        where j.job_id = leased.job_id and j.status = 'queued')
      select l.stream_id, l.lease_epoch, l.job_id, l.namespace, l.platform, l.kind, l.campaign_id, l.campaign_name,
        (extract(epoch from l.window_start) * 1000)::float8 as window_start_ms,
        (extract(epoch from l.window_end) * 1000)::float8 as window_end_ms,
        l.continuation, l.attempt, l.chunks_committed, l.records_committed, l.records_expected,
        jt.campaign_filter, j.sync_mode, j.batch_size, j.destinations,
        (extract(epoch from j.window_end) * 1000)::float8 as job_window_end_ms,
        (extract(epoch from j.range_start) * 1000)::float8 as range_start_ms,
        (extract(epoch from j.range_end) * 1000)::float8 as range_end_ms,
        j.chunk_days, j.chunk_delay_ms, ja.retry_attempts, ja.requests_per_second
      from leased l join jobs j on j.job_id = l.job_id
      left join job_targets jt on jt.job_id = l.job_id and jt.namespace = l.namespace and jt.platform = l.platform
      left join job_accounts ja on ja.job_id = l.job_id and ja.account_id = $3`,
    values: [
      choice.stream_id,
      choice.lease_epoch,
      options.accountId,
      options.owner,
      options.leaseMs,
      options.slotDelayMs,
    ],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    streamId: Number(row.stream_id),
    epoch: Number(row.lease_epoch),
    jobId: row.job_id,
    namespace: row.namespace,
    platform: row.platform,
    accountId: options.accountId,
    kind: row.kind,
    campaignId: row.campaign_id,
    campaignName: row.campaign_name,
    windowStartMs: wholeMs(row.window_start_ms),
    windowEndMs: wholeMs(row.window_end_ms),
    continuation: row.continuation,
    attempt: row.attempt,
    chunksCommitted: row.chunks_committed,
    recordsCommitted: Number(row.records_committed),
    recordsExpected: row.records_expected === null ? null : Number(row.records_expected),
    filter: row.campaign_filter,
    job: {
      syncMode: row.sync_mode,
      batchSize: row.batch_size,
      windowEndMs: Math.trunc(row.job_window_end_ms),
      range: toRange(row),
      chunkDays: row.chunk_days,
      chunkDelayMs: row.chunk_delay_ms ?? 0,
      retryAttempts: row.retry_attempts,
      paced: row.requests_per_second !== null,
      destinations: row.destinations,
    },
  };
}

function toRange(row: StreamRow): ClaimedStream['job']['range'] {
  const startMs = wholeMs(row.range_start_ms);
  const endMs = wholeMs(row.range_end_ms);
  return startMs === null || endMs === null ? null : { startMs, endMs };
}

function wholeMs(ms: number | null): number | null {
  return ms === null ? null : Math.trunc(ms);
}

/** Extends a lease; false when it is no longer ours. */
export async function renewLease(
  queryable: Queryable,
  lease: { readonly streamId: number; readonly epoch: number; readonly leaseMs: number },
): Promise<boolean> {
  const { rowCount } = await queryable.query({
    name: 'renew-lease',
    text: `update streams set lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
      where stream_id = $1 and lease_epoch = $2 and status = 'pending' and lease_until is not null`,
    values: [lease.streamId, lease.epoch, lease.leaseMs],
  });
  return rowCount === 1;
}

/**
 * Puts a stream back whose permit was not used in time and gives the permit back with it: its request was never sent.
 */
export async function returnUnused(
  queryable: Queryable,
  claim: { readonly streamId: number; readonly epoch: number; readonly permitId: number | null },
): Promise<void> {
  await queryable.query({
    name: 'return-unused',
    text: `with void as (delete from permits where permit_id = $3),
      pace as (
        update job_accounts ja set paced_until = ja.paced_until - make_interval(secs => 1 / ja.requests_per_second)
        from streams s where s.stream_id = $1 and s.lease_epoch = $2
          and ja.job_id = s.job_id and ja.account_id = s.account_id and ja.requests_per_second is not null)
      update streams set lease_owner = null, lease_until = null where stream_id = $1 and lease_epoch = $2`,
    values: [claim.streamId, claim.epoch, claim.permitId],
  });
}
