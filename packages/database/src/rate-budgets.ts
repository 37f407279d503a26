import type { RateLimit } from '@full-sync/runtime';
import type { Queryable } from './database.ts';
import { effectiveLimit, minThrottle, nextSlot, refusalFactor, slotToleranceMs, throttleUp } from './slots.ts';
import type { Budget } from './slots.ts';

/** The next slot of an account, as the database saw it. */
export interface SlotOffer {
  /** From the database's clock at the offer; 0 = at once. */
  readonly delayMs: number;
  /** False where limits are off: then no permit is kept. */
  readonly limited: boolean;
  /** The database's clock at the offer. */
  readonly clock: string;
  readonly throttle: number;
  /** Local clock (`performance.now`) before the offer was asked for and after it came: the database's lies between. */
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

/**
 * Locks an account until the end of the transaction and reads its limits. Claims of all processes pass here one at a
 * time, so that what the next one reads includes what this one writes.
 */
export async function lockBudget(queryable: Queryable, accountId: number): Promise<Budget> {
  const { rows } = await queryable.query<{
    configured_limit: RateLimit | null;
    learned_count: number | null;
    throttle: number;
  }>({
    name: 'lock-budget',
    text: 'select configured_limit, learned_count, throttle from accounts where account_id = $1 for update',
    values: [accountId],
  });
  const row = rows[0];
  if (row === undefined) throw new Error(`there is no account ${accountId}`);
  return { configured: row.configured_limit, learnedCount: row.learned_count, throttle: row.throttle };
}

/** The next slot of a locked account. */
export async function offerSlot(queryable: Queryable, accountId: number, budget: Budget): Promise<SlotOffer> {
  const limit = effectiveLimit(budget);
  const askedAtMs = performance.now();
  // A statement of its own after the lock: its snapshot has the permits of whoever held the lock before.
  const { rows } = await queryable.query<{
    clock: string;
    last_slot_ms: number | null;
    paused_ms: number | null;
    quiet_ms: number | null;
    nth_settled_ms: (number | null)[];
  }>({
    name: 'offer-slot',
    text: `with t as materialized (select clock_timestamp() as now)
      select t.now::text as clock,
        (extract(epoch from a.last_slot_at - t.now) * 1000)::float8 as last_slot_ms,
        (extract(epoch from a.paused_until - t.now) * 1000)::float8 as paused_ms,
        (extract(epoch from t.now - a.throttled_at) * 1000)::float8 as quiet_ms,
        array(
          select (select (extract(epoch from p.settled_at - t.now) * 1000)::float8 from permits p
                  where p.account_id = $1 order by p.settled_at desc offset l.count - 1 limit 1)
          from unnest($2::integer[]) with ordinality as l (count, place) order by l.place
        ) as nth_settled_ms
      from t, accounts a where a.account_id = $1`,
    values: [accountId, limit.map(({ count }) => count)],
  });
  const answeredAtMs = performance.now();
  const row = rows[0];
  if (row === undefined) throw new Error(`there is no account ${accountId}`);
  const slot = nextSlot({
    nowMs: 0,
    limit,
    nthSettledMs: row.nth_settled_ms,
    lastSlotMs: row.last_slot_ms,
    pausedUntilMs: row.paused_ms,
  });
  return {
    delayMs: slot,
    limited: limit.length > 0,
    clock: row.clock,
    throttle: throttleUp(budget.throttle, limit, row.quiet_ms ?? 0),
    askedAtMs,
    answeredAtMs,
  };
}

/** Writes the permit of an offered slot and returns its id. */
export async function takeSlot(
  queryable: Queryable,
  slot: {
    readonly accountId: number;
    readonly offer: SlotOffer;
    /** From the call of the request to its headers, ms: no request arrives later than this after it was sent. */
    readonly requestTimeoutMs: number;
  },
): Promise<number> {
  const { accountId, offer, requestTimeoutMs } = slot;
  const { rows } = await queryable.query<{ permit_id: string }>({
    name: 'take-slot',
    text: `with slot as (select $2::timestamptz + $3::float8 * interval '1 millisecond' as at),
      account as (
        update accounts a set last_slot_at = slot.at, throttle = $5,
          throttled_at = case when a.throttle = $5 then a.throttled_at else clock_timestamp() end
        from slot where a.account_id = $1)
      insert into permits (account_id, slot_at, settled_at)
      select $1, slot.at, slot.at + $4::float8 * interval '1 millisecond' from slot returning permit_id`,
    values: [accountId, offer.clock, offer.delayMs, slotToleranceMs + requestTimeoutMs, offer.throttle],
  });
  return Number(rows[0]?.permit_id);
}

/** Notes that a request was answered, or failed for good, now: one span later its place is free. */
export async function settlePermit(
  queryable: Queryable,
  permit: { readonly permitId: number; readonly offer: Pick<SlotOffer, 'clock' | 'askedAtMs'> },
): Promise<void> {
  // Two times that are surely not before the answer: the database's now, which is late by the way there, and its clock
  // at the offer plus what has passed here since the offer was asked for.
  const elapsedMs = performance.now() - permit.offer.askedAtMs;
  await queryable.query({
    name: 'settle-permit',
    text: `update permits set settled_at = greatest(slot_at,
        least(clock_timestamp(), $2::timestamptz + $3::float8 * interval '1 millisecond'))
      where permit_id = $1`,
    values: [permit.permitId, permit.offer.clock, elapsedMs],
  });
}

/**
 * Notes a refusal (429): no request before `pauseMs` from now, and a smaller budget. Requests that were under way when
 * the budget was last lowered lower it no further.
 */
export async function noteRefusal(
  queryable: Queryable,
  refusal: { readonly accountId: number; readonly permitId: number | null; readonly pauseMs: number },
): Promise<void> {
  await queryable.query(
    `update accounts a set
       paused_until = greatest(a.paused_until, clock_timestamp() + $3::float8 * interval '1 millisecond'),
       throttle = case when p.slot_at is not null and (a.throttled_at is null or a.throttled_at < p.slot_at)
         then greatest($4, a.throttle * $5) else a.throttle end,
       throttled_at = clock_timestamp()
     from (select (select slot_at from permits where permit_id = $2) as slot_at) p
     where a.account_id = $1`,
    [refusal.accountId, refusal.permitId, refusal.pauseMs, minThrottle, refusalFactor],
  );
}

/**
 * Notes what an upstream said of its limit: a count lower than the configured one lowers the budget, for as long as the
 * upstream says so; the rest is for people to look at.
 */
export async function noteRate(
  queryable: Queryable,
  accountId: number,
  rate: { readonly limit?: number; readonly remaining?: number; readonly resetAtMs?: number },
): Promise<void> {
  await queryable.query(
    `update accounts set learned_count = coalesce($2, learned_count), rate_remaining = $3,
       rate_reset_at = to_timestamp($4::float8 / 1000) where account_id = $1`,
    [accountId, rate.limit ?? null, rate.remaining ?? null, rate.resetAtMs ?? null],
  );
}

/** Deletes an account's permits that no span can reach back to any more. */
export async function sweepPermits(queryable: Queryable, accountId: number, longestSpanMs: number): Promise<void> {
  await queryable.query(
    `delete from permits where account_id = $1
       and settled_at < clock_timestamp() - ($2::float8 + 60000) * interval '1 millisecond'`,
    [accountId, longestSpanMs],
  );
}

/** Gives back a permit whose request was never sent: its place is free at once. */
export async function voidPermit(queryable: Queryable, permitId: number): Promise<void> {
  await queryable.query('delete from permits where permit_id = $1', [permitId]);
}
