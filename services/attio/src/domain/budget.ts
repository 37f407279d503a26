/** At most `count` requests in any span of `spanMs` milliseconds; several bounds hold together; none = no limit. */
export type Bounds = readonly { readonly count: number; readonly spanMs: number }[];

/** A place that was given out. */
export interface Permit {
  readonly id: number;
  /** No request of this permit arrives later than this, ms on the database's clock. */
  readonly latestMs: number;
}

/** What all copies of the service share of one workspace's budget. */
export interface Budget {
  readonly permits: readonly Permit[];
  readonly lastSlotMs: number;
  readonly nextId: number;
  /** The margin when it was last raised, ms, and when that was, ms on the database's clock. */
  readonly marginMs: number;
  readonly raisedAtMs: number;
}

export interface Slot {
  readonly id: number;
  /** When to send, ms on the database's clock. */
  readonly atMs: number;
}

export const emptyBudget: Budget = { permits: [], lastSlotMs: 0, nextId: 1, marginMs: 0, raisedAtMs: 0 };

/** How long after its slot a request may still be sent; later, the slot is void. */
export const toleranceMs = 60;
/**
 * How long after it was sent a request is thought to arrive at most, while nothing better is known of it. A refusal (429)
 * says that one took longer: the margin doubles, and falls back by half in each `halvedAfterMs`.
 */
export const margin = { leastMs: 40, mostMs: 640, halvedAfterMs: 30_000 };
/** Refusals within this time have one cause. */
const oneRefusalMs = 1000;
/** How much two requests that took equally long may differ in when they arrive. */
const jitterMs = 5;
/** Part of the even distance between requests that two slots keep: under 1, so that a void one can be made up for. */
const spread = 0.9;

/**
 * Gives out up to `wanted` slots that lie at most `aheadMs` in the future. With every request arriving by the
 * `latestMs` of its permit, no span of T ever sees more than N of them: of any N + 1 the last has its slot more than T
 * after the `latestMs` of one of the others.
 */
export function giveSlots(
  budget: Budget,
  bounds: Bounds,
  asked: { readonly nowMs: number; readonly wanted: number; readonly aheadMs: number },
): { readonly budget: Budget; readonly slots: readonly Slot[] } {
  const { nowMs, wanted, aheadMs } = asked;
  const { marginMs, raisedAtMs } = budget;
  const travelMs = marginOf(budget, nowMs);
  const longestMs = bounds.reduce((most, { spanMs }) => Math.max(most, spanMs), 0);
  const permits = budget.permits
    .filter(({ latestMs }) => latestMs + longestMs >= nowMs)
    .toSorted((a, b) => a.latestMs - b.latestMs);
  const gapMs = bounds.length === 0 ? 0 : spread * Math.min(...bounds.map(({ count, spanMs }) => spanMs / count));
  const slots: Slot[] = [];
  let { lastSlotMs, nextId } = budget;
  while (slots.length < wanted) {
    const atMs = Math.max(nowMs, lastSlotMs + gapMs, ...bounds.map((bound) => freeFrom(permits, bound)));
    if (atMs > nowMs + aheadMs) break;
    slots.push({ id: nextId, atMs });
    if (bounds.length > 0) permits.push({ id: nextId, latestMs: atMs + toleranceMs + travelMs });
    lastSlotMs = atMs;
    nextId += 1;
  }
  return { budget: { permits, lastSlotMs, nextId, marginMs, raisedAtMs }, slots };
}

/** From when on one more request keeps the bound; `permits` stand in the order of their `latestMs`. */
function freeFrom(permits: readonly Permit[], { count, spanMs }: Bounds[number]): number {
  const nth = permits.at(-count);
  // Spans are half-open, and clocks tick in whole milliseconds.
  return permits.length < count || nth === undefined ? Number.NEGATIVE_INFINITY : nth.latestMs + spanMs + 1;
}

/** What became of a slot. */
export interface SlotUse {
  readonly id: number;
  /** When its request was sent, ms on the database's clock, or null when it was not. */
  readonly sentMs: number | null;
  /** How much longer than others it may have travelled, ms; null when it is not known. */
  readonly delayMs: number | null;
}

/** The margin of now, ms. */
export function marginOf({ marginMs, raisedAtMs }: Budget, nowMs: number): number {
  const fallen = marginMs * 2 ** (-Math.max(0, nowMs - raisedAtMs) / margin.halvedAfterMs);
  return Math.max(margin.leastMs, fallen);
}

/** After a refusal: requests have travelled for longer than was thought. */
export function raiseMargin(budget: Budget, nowMs: number): Budget {
  if (nowMs - budget.raisedAtMs < oneRefusalMs) return budget;
  return { ...budget, marginMs: Math.min(margin.mostMs, 2 * marginOf(budget, nowMs)), raisedAtMs: nowMs };
}

/**
 * Notes how slots were used: an unused place is free at once, a used one as soon as can be. What two requests have in
 * common on their way shifts both, so only what one took longer than others counts, and up to the margin: most of it is
 * rather the time that Attio worked.
 */
export function noteUses(budget: Budget, uses: readonly SlotUse[], nowMs: number): Budget {
  const byId = new Map(uses.map((use) => [use.id, use]));
  const mostMs = marginOf(budget, nowMs);
  const permits = budget.permits.flatMap((permit): readonly Permit[] => {
    const use = byId.get(permit.id);
    if (use === undefined) return [permit];
    if (use.sentMs === null) return [];
    return [{ id: permit.id, latestMs: use.sentMs + Math.min(mostMs, jitterMs + (use.delayMs ?? mostMs)) }];
  });
  return { ...budget, permits: permits.toSorted((a, b) => a.latestMs - b.latestMs) };
}
