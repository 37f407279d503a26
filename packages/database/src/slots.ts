import type { RateLimit } from '@full-sync/runtime';

/** Part of the even distance between requests that two slots keep: under 1, so that a late one can be caught up with. */
const spread = 0.9;
/** Added to every span: the upstream's clock ticks in milliseconds, and a span's two ends may both count. */
const guardMs = 2;
/** A 429 takes a fifth of the budget away ... */
export const refusalFactor = 0.8;
export const minThrottle = 0.1;
/** ... and this many of the shortest spans without another give a tenth of it back. */
const spansToRecover = 10;

/** How far ahead a slot is given out; the worker waits for it. A later one is asked for again when it is nearer. */
export const grantAheadMs = 200;
/** A permit not used this long after its slot is void. */
export const slotToleranceMs = 100;

export interface Budget {
  readonly configured: RateLimit | null;
  /** The upstream's own word for the count of the first span. */
  readonly learnedCount: number | null;
  /** 1 = the whole budget. */
  readonly throttle: number;
}

/** The limits that hold now: the configured counts, lowered to what was learned and throttled, at least 1 each. */
export function effectiveLimit({ configured, learnedCount, throttle }: Budget): RateLimit {
  return (configured ?? []).map(({ count, spanMs }, index) => {
    const known = index === 0 && learnedCount !== null ? Math.min(count, learnedCount) : count;
    return { count: Math.max(1, Math.floor(known * throttle)), spanMs };
  });
}

/** The throttle of an account whose last change was `quietMs` ago, or the same when that is too short a time. */
export function throttleUp(throttle: number, limit: RateLimit, quietMs: number): number {
  const shortest = Math.min(...limit.map(({ spanMs }) => spanMs));
  return throttle < 1 && quietMs >= spansToRecover * shortest ? Math.min(1, throttle + 0.1) : throttle;
}

/**
 * The earliest instant, in ms on the caller's scale and not before `nowMs`, at which the next request may be sent.
 *
 * With every request arriving between its slot and its settled time, no span of T ever sees more than N arrivals: of
 * any N + 1 requests the one granted last has a slot at least T after the settled time of one of the others.
 */
export function nextSlot(account: {
  readonly nowMs: number;
  readonly limit: RateLimit;
  /** Per span, the N-th latest settled time of the permits that are out; null while there are fewer than N. */
  readonly nthSettledMs: readonly (number | null)[];
  readonly lastSlotMs: number | null;
  readonly pausedUntilMs: number | null;
}): number {
  const { nowMs, limit, nthSettledMs, lastSlotMs, pausedUntilMs } = account;
  let slot = Math.max(nowMs, pausedUntilMs ?? nowMs);
  for (const [index, { spanMs }] of limit.entries()) {
    const nth = nthSettledMs[index] ?? null;
    if (nth !== null) slot = Math.max(slot, nth + spanMs + guardMs);
  }
  if (lastSlotMs !== null && limit.length > 0) {
    // The span with the closest requests sets the distance: a longer span bounds the total and wants no even spread.
    const gap = spread * Math.min(...limit.map(({ count, spanMs }) => spanMs / count));
    slot = Math.max(slot, lastSlotMs + gap);
  }
  return slot;
}
