import { resting } from '@full-sync/runtime';
import type { Clock } from '@full-sync/runtime';
import { requestTimeoutMs } from './attio.ts';
import type { WriteEnd } from './attio.ts';
import { latestDatabaseMs, localOf } from './budget-store.ts';
import type { ClockReading } from './budget-store.ts';
import { leaseMs } from './claim-people.ts';
import { toleranceMs } from './domain/budget.ts';
import type { Bounds, Slot, SlotUse } from './domain/budget.ts';
import type { AttioMetrics } from './metrics.ts';
import type { Pace } from './pace.ts';

export interface SlotSending {
  readonly clock: Clock;
  readonly bounds: Bounds;
  readonly metrics: AttioMetrics;
  readonly draining: AbortSignal;
}

/**
 * Waits for a slot and sends in it; `result` is null when the slot was missed: a late request would break the bound, and
 * one beyond the lease the order of a person's totals.
 */
export async function sendInSlot(
  parts: SlotSending,
  pace: Pace,
  { slot, reading }: { readonly slot: Slot; readonly reading: ClockReading },
  send: (onSending: () => void) => Promise<WriteEnd>,
): Promise<{ readonly use: SlotUse; readonly result: WriteEnd | null }> {
  const { id, atMs } = slot;
  await resting(parts.clock, localOf(reading, atMs) - performance.now(), parts.draining);
  const isLate = parts.bounds.length > 0 && latestDatabaseMs(reading) > atMs + toleranceMs;
  const isLeased = performance.now() - reading.askedAtMs < leaseMs - requestTimeoutMs;
  if (parts.draining.aborted || isLate || !isLeased || pace.rests(performance.now()))
    return { use: { id, sentMs: null, delayMs: null }, result: null };
  let sentMs: number | null = null;
  const startedAt = performance.now();
  const result = await send(() => (sentMs = latestDatabaseMs(reading)));
  const tookMs = performance.now() - startedAt;
  if (result.verdict !== null) parts.metrics.requested(result.status, tookMs);
  if (result.verdict?.kind === 'throttled') pace.rest(performance.now(), result.verdict.afterMs);
  const delayMs = result.verdict === null || result.status === null ? null : pace.delayOf(tookMs);
  return { use: { id, sentMs, delayMs }, result };
}
