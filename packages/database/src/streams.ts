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
  readonly job: { readonly syncMode: string; readonly batchSize: number | null; readonly windowEndMs: number };
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
  /** There is work; the account's next slot is this far away. */
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'nothing' };

interface Choice {
  readonly stream_id: string;
  readonly lease_epoch: string;
}

/**
 * The stream that is served next: of the job served least lately on this account, leaving out jobs that are held,
 * ending or have all their workers busy; then the oldest stream that is due and not leased.
 */
async function chooseStream(queryable: Queryable, accountId: number): Promise<Choice | undefined> {
  const { rows } = await queryable.query<Choice>({
    name: 'choose-stream',
    text: `with t as materialized (select clock_timestamp() as now)
      select s.stream_id, s.lease_epoch from t, job_accounts ja
      join jobs j on j.job_id = ja.job_id
      cross join lateral (
        select stream_id, lease_epoch from streams
        where account_id = $1 and job_id = ja.job_id and status = 'pending' and not_before <= t.now
          and (lease_until is null or lease_until < t.now)
        order by stream_id limit 1) s
      where ja.account_id = $1 and j.completed_at is null and j.ending is null and j.status in ('queued', 'in_progress')
        and j.parallel_workers > (
          select count(*) from streams l
          where l.account_id = $1 and l.job_id = ja.job_id and l.status = 'pending' and l.lease_until >= t.now)
      order by ja.last_served_at nulls first, ja.job_id limit 1`,
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
  if ((await chooseStream(database.pool, accountId)) === undefined) return { kind: 'nothing' };
  return await database.transaction(async (client): Promise<Claim> => {
    const budget = await lockBudget(client, accountId);
    const choice = await chooseStream(client, accountId);
    if (choice === undefined) return { kind: 'nothing' };
    const offer = await offerSlot(client, accountId, budget);
    if (offer.delayMs > grantAheadMs) return { kind: 'wait', waitMs: offer.delayMs };
    const stream = await leaseStream(client, choice, options);
    // Committed or renewed by its holder since it was chosen: the next claim sees that.
    if (stream === undefined) return { kind: 'wait', waitMs: 0 };
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
  readonly sync_mode: string;
  readonly batch_size: number | null;
  readonly job_window_end_ms: number;
}

async function leaseStream(
  queryable: Queryable,
  choice: Choice,
  options: { readonly accountId: number; readonly owner: string; readonly leaseMs: number },
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
        update job_accounts ja set last_served_at = clock_timestamp() from leased
        where ja.job_id = leased.job_id and ja.account_id = $3),
      started as (
        update jobs j set status = 'in_progress', started_at = coalesce(j.started_at, clock_timestamp()) from leased
        where j.job_id = leased.job_id and j.status = 'queued')
      select l.stream_id, l.lease_epoch, l.job_id, l.namespace, l.platform, l.kind, l.campaign_id, l.campaign_name,
        (extract(epoch from l.window_start) * 1000)::float8 as window_start_ms,
        (extract(epoch from l.window_end) * 1000)::float8 as window_end_ms,
        l.continuation, l.attempt, l.chunks_committed, l.records_committed, j.sync_mode, j.batch_size,
        (extract(epoch from j.window_end) * 1000)::float8 as job_window_end_ms
      from leased l join jobs j on j.job_id = l.job_id`,
    values: [choice.stream_id, choice.lease_epoch, options.accountId, options.owner, options.leaseMs],
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
    windowStartMs: row.window_start_ms === null ? null : Math.trunc(row.window_start_ms),
    windowEndMs: row.window_end_ms === null ? null : Math.trunc(row.window_end_ms),
    continuation: row.continuation,
    attempt: row.attempt,
    chunksCommitted: row.chunks_committed,
    recordsCommitted: Number(row.records_committed),
    job: { syncMode: row.sync_mode, batchSize: row.batch_size, windowEndMs: Math.trunc(row.job_window_end_ms) },
  };
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
    text: `with void as (delete from permits where permit_id = $3)
      update streams set lease_owner = null, lease_until = null where stream_id = $1 and lease_epoch = $2`,
    values: [claim.streamId, claim.epoch, claim.permitId],
  });
}
