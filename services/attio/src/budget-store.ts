import type { Client, Database } from '@full-sync/database';
import { emptyBudget, giveSlots, noteUses, raiseMargin } from './domain/budget.ts';
import type { Bounds, Budget, Slot, SlotUse } from './domain/budget.ts';

/** The database's clock beside the local one. */
export interface ClockReading {
  /** Ms since 1970 on the database's clock, read between the two instants below. */
  readonly databaseMs: number;
  /** `performance.now()` before it was asked and after it had answered. */
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

/** The latest that the database's clock can show now. */
export function latestDatabaseMs(reading: ClockReading, localMs = performance.now()): number {
  return reading.databaseMs + localMs - reading.askedAtMs;
}

/** From when on, on the local clock, the database's clock surely shows `databaseMs`. */
export function localOf(reading: ClockReading, databaseMs: number): number {
  return reading.answeredAtMs + databaseMs - reading.databaseMs;
}

export interface Allotment {
  readonly slots: readonly Slot[];
  readonly clock: ClockReading;
  /** Ms that the whole budget is still to rest, 0 when it is not. */
  readonly pausedMs: number;
  /** The attributes that can be written, as any copy saw them last. */
  readonly usable: ReadonlySet<string>;
}

/**
 * Locks a workspace's budget until the end of the transaction, notes how slots were used, and hands out places. All
 * copies of the service pass here one at a time, so the bound holds over all of them.
 */
export async function allot(
  client: Client,
  asked: {
    readonly targetId: number;
    readonly bounds: Bounds;
    readonly uses: readonly SlotUse[];
    readonly wanted: number;
    readonly aheadMs: number;
  },
): Promise<Allotment> {
  const { targetId, bounds, uses, wanted, aheadMs } = asked;
  await client.query({
    name: 'attio-lock-budget',
    text: 'select from attio_workspaces where target_id = $1 for update',
    values: [targetId],
  });
  // A statement of its own after the lock: its clock is not read while it waits for others.
  const askedAtMs = performance.now();
  const { rows } = await client.query<{
    budget: Partial<Budget>;
    now_ms: number;
    paused_ms: number | null;
    attributes: readonly string[];
  }>({
    name: 'attio-read-budget',
    text: `select budget, attributes, (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
        (extract(epoch from paused_until - clock_timestamp()) * 1000)::float8 as paused_ms
      from attio_workspaces where target_id = $1`,
    values: [targetId],
  });
  const answeredAtMs = performance.now();
  const row = rows[0];
  if (row === undefined) throw new Error(`there is no Attio workspace ${targetId}`);
  const clock = { databaseMs: row.now_ms, askedAtMs, answeredAtMs };
  const pausedMs = Math.max(0, row.paused_ms ?? 0);
  const noted = noteUses({ ...emptyBudget, ...row.budget }, uses, row.now_ms);
  const given =
    pausedMs > 0 ? { budget: noted, slots: [] } : giveSlots(noted, bounds, { nowMs: row.now_ms, wanted, aheadMs });
  if (given.slots.length > 0 || uses.length > 0) {
    await client.query({
      name: 'attio-store-budget',
      text: 'update attio_workspaces set budget = $2 where target_id = $1',
      values: [targetId, JSON.stringify(given.budget)],
    });
  }
  return { slots: given.slots, clock, pausedMs, usable: new Set(row.attributes) };
}

/** Lets all copies rest after a refusal (429), no request before `pauseMs` from now, and be more careful for a while. */
export async function pauseBudget(db: Database, targetId: number, pauseMs: number): Promise<void> {
  await db.transaction(async (client) => {
    const { rows } = await client.query<{ budget: Partial<Budget>; now_ms: number }>(
      `select budget, (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms
        from attio_workspaces where target_id = $1 for update`,
      [targetId],
    );
    const row = rows[0];
    if (row === undefined) throw new Error(`there is no Attio workspace ${targetId}`);
    await client.query(
      `update attio_workspaces set budget = $3, paused_until = greatest(paused_until,
         clock_timestamp() + $2::float8 * interval '1 millisecond') where target_id = $1`,
      [targetId, pauseMs, JSON.stringify(raiseMargin({ ...emptyBudget, ...row.budget }, row.now_ms))],
    );
  });
}
