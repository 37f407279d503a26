import type { Client, Queryable } from './database.ts';

export type DeliveryState = 'claimed' | 'sent' | 'folded' | 'skipped' | 'failed';

/** An event that is to be delivered to a target, and who brought it. */
export interface NewDelivery {
  readonly targetId: number;
  /** 32 hex digits, or a uuid. */
  readonly eventId: string;
  /** The job, or the backfill. */
  readonly jobId: string;
  /** Where it was met in the events topic; null for stored events. */
  readonly partition: number | null;
  readonly offset: number | null;
  /** Exactly what is sent, as JSON; null where nothing is. */
  readonly payload: string | null;
}

/** What the ledger says of an event. */
export interface KnownDelivery {
  readonly targetId: number;
  /** 32 hex digits. */
  readonly eventId: string;
  readonly state: DeliveryState;
  readonly jobId: string;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly claimId: number | null;
  /** Of a claimed one: whether its claim still holds. */
  readonly live: boolean;
}

/** The name of a delivery in maps. */
export function deliveryKey(of: { readonly targetId: number; readonly eventId: string }): string {
  return `${of.targetId}/${of.eventId}`;
}

/** Opens a claim for a batch; it holds for `leaseMs`, and longer when it is renewed. */
export async function openClaim(
  queryable: Queryable,
  claim: { readonly destination: string; readonly owner: string; readonly leaseMs: number },
): Promise<number> {
  const { rows } = await queryable.query<{ claim_id: string }>({
    name: 'open-claim',
    text: `insert into delivery_claims (destination, owner, expires_at)
      values ($1, $2, clock_timestamp() + $3::float8 * interval '1 millisecond') returning claim_id`,
    values: [claim.destination, claim.owner, claim.leaseMs],
  });
  return Number(rows[0]?.claim_id);
}

/** Lets a claim hold for another `leaseMs`; false when it has run out: its deliveries may be somebody else's by now. */
export async function renewClaim(queryable: Queryable, claimId: number, leaseMs: number): Promise<boolean> {
  const { rowCount } = await queryable.query({
    name: 'renew-claim',
    text: `update delivery_claims set expires_at = clock_timestamp() + $2::float8 * interval '1 millisecond'
      where claim_id = $1 and expires_at > clock_timestamp()`,
    values: [claimId, leaseMs],
  });
  return rowCount === 1;
}

/** Ends a claim: deliveries that are still claimed by it are free for others at once. */
export async function closeClaim(queryable: Queryable, claimId: number): Promise<void> {
  await queryable.query({
    name: 'close-claim',
    text: 'delete from delivery_claims where claim_id = $1',
    values: [claimId],
  });
}

/**
 * Writes those of the deliveries that the ledger does not know, as `claimed` by the claim (`folded` with null), and
 * returns their keys. The caller sorts and has each key once: two consumers with keys in common wait for each other.
 */
export async function insertDeliveries(
  client: Client,
  claimId: number | null,
  deliveries: readonly NewDelivery[],
): Promise<ReadonlySet<string>> {
  if (deliveries.length === 0) return new Set();
  const { rows } = await client.query<{ target_id: number; event_id: string }>({
    name: 'insert-deliveries',
    text: `insert into deliveries (target_id, event_id, state, settled_at, job_id, partition, record_offset, claim_id, payload)
      select target_id, event_id, case when $1::bigint is null then 'folded' else 'claimed' end,
        case when $1::bigint is null then clock_timestamp() end, job_id, partition, record_offset, $1, payload
      from unnest($2::integer[], $3::uuid[], $4::text[], $5::integer[], $6::bigint[], $7::text[])
        as fresh (target_id, event_id, job_id, partition, record_offset, payload)
      on conflict do nothing returning target_id, replace(event_id::text, '-', '') as event_id`,
    values: [
      claimId,
      deliveries.map(({ targetId }) => targetId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ jobId }) => jobId),
      deliveries.map(({ partition }) => partition),
      deliveries.map(({ offset }) => offset),
      deliveries.map(({ payload }) => payload),
    ],
  });
  return new Set(rows.map((row) => deliveryKey({ targetId: row.target_id, eventId: row.event_id })));
}

/** What the ledger says of these; in a statement of its own, so that it sees what `insertDeliveries` waited for. */
export async function readDeliveries(
  client: Client,
  deliveries: readonly Pick<NewDelivery, 'targetId' | 'eventId'>[],
): Promise<ReadonlyMap<string, KnownDelivery>> {
  if (deliveries.length === 0) return new Map();
  const { rows } = await client.query<{
    target_id: number;
    event_id: string;
    state: DeliveryState;
    job_id: string;
    partition: number | null;
    record_offset: string | null;
    claim_id: string | null;
    live: boolean;
  }>({
    name: 'read-deliveries',
    text: `select d.target_id, replace(d.event_id::text, '-', '') as event_id, d.state, d.job_id, d.partition,
        d.record_offset, d.claim_id, coalesce(c.expires_at > clock_timestamp(), false) as live
      from unnest($1::integer[], $2::uuid[]) as wanted (target_id, event_id)
      join deliveries d using (target_id, event_id) left join delivery_claims c on c.claim_id = d.claim_id`,
    values: [deliveries.map(({ targetId }) => targetId), deliveries.map(({ eventId }) => eventId)],
  });
  const known = rows.map((row): KnownDelivery => ({
    targetId: row.target_id,
    eventId: row.event_id,
    state: row.state,
    jobId: row.job_id,
    partition: row.partition,
    offset: row.record_offset === null ? null : Number(row.record_offset),
    claimId: row.claim_id === null ? null : Number(row.claim_id),
    live: row.live,
  }));
  return new Map(known.map((one) => [deliveryKey(one), one]));
}

/**
 * Takes claimed deliveries over from the claims they were seen with, for who brings them now; returns the stored
 * payloads of those that were still there.
 */
export async function takeOverDeliveries(
  client: Client,
  claimId: number,
  deliveries: readonly (NewDelivery & { readonly seenClaimId: number | null })[],
): Promise<ReadonlyMap<string, string | null>> {
  if (deliveries.length === 0) return new Map();
  const { rows } = await client.query<{ target_id: number; event_id: string; payload: string | null }>(
    `update deliveries d set claim_id = $1, claimed_at = now(), job_id = t.job_id, partition = t.partition,
       record_offset = t.record_offset
     from unnest($2::integer[], $3::uuid[], $4::text[], $5::integer[], $6::bigint[], $7::bigint[])
       as t (target_id, event_id, job_id, partition, record_offset, seen_claim_id)
     where d.target_id = t.target_id and d.event_id = t.event_id and d.state = 'claimed'
       and d.claim_id is not distinct from t.seen_claim_id
     returning d.target_id, replace(d.event_id::text, '-', '') as event_id, d.payload`,
    [
      claimId,
      deliveries.map(({ targetId }) => targetId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ jobId }) => jobId),
      deliveries.map(({ partition }) => partition),
      deliveries.map(({ offset }) => offset),
      deliveries.map(({ seenClaimId }) => seenClaimId),
    ],
  );
  return new Map(rows.map((row) => [deliveryKey({ targetId: row.target_id, eventId: row.event_id }), row.payload]));
}

/** Claims failed deliveries once more, with what is sent now; returns the keys of those that were still failed. */
export async function retryDeliveries(
  client: Client,
  claimId: number,
  deliveries: readonly NewDelivery[],
): Promise<ReadonlySet<string>> {
  if (deliveries.length === 0) return new Set();
  const { rows } = await client.query<{ target_id: number; event_id: string }>(
    `update deliveries d set state = 'claimed', claim_id = $1, claimed_at = now(), settled_at = null, code = null,
       answer_code = null, job_id = t.job_id, partition = t.partition, record_offset = t.record_offset, payload = t.payload
     from unnest($2::integer[], $3::uuid[], $4::text[], $5::integer[], $6::bigint[], $7::text[])
       as t (target_id, event_id, job_id, partition, record_offset, payload)
     where d.target_id = t.target_id and d.event_id = t.event_id and d.state = 'failed'
     returning d.target_id, replace(d.event_id::text, '-', '') as event_id`,
    [
      claimId,
      deliveries.map(({ targetId }) => targetId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ jobId }) => jobId),
      deliveries.map(({ partition }) => partition),
      deliveries.map(({ offset }) => offset),
      deliveries.map(({ payload }) => payload),
    ],
  );
  return new Set(rows.map((row) => deliveryKey({ targetId: row.target_id, eventId: row.event_id })));
}

/** How claimed deliveries ended, all of them alike. */
export interface DeliverySettlement {
  readonly targetId: number;
  readonly state: 'sent' | 'skipped' | 'failed';
  readonly code: string | null;
  readonly answerCode: number | null;
  readonly eventIds: readonly string[];
}

/** Settles deliveries of a claim and returns how many still were the claim's; the payloads are dropped. */
export async function settleDeliveries(
  client: Client,
  claimId: number,
  settlement: DeliverySettlement,
): Promise<number> {
  const { targetId, state, code, answerCode, eventIds } = settlement;
  const { rowCount } = await client.query({
    name: 'settle-deliveries',
    text: `update deliveries set state = $4, code = $5, answer_code = $6, settled_at = clock_timestamp(), claim_id = null,
        payload = null
      where target_id = $2 and event_id = any($3::uuid[]) and claim_id = $1`,
    values: [claimId, targetId, eventIds, state, code, answerCode],
  });
  return rowCount ?? 0;
}
