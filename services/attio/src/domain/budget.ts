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
}

export interface Slot {
  readonly id: number;
  /** When to send, ms on the database's clock. */
  readonly atMs: number;
}

export const emptyBudget: Budget = { permits: [], lastSlotMs: 0, nextId: 1 };

/** How long after its slot a request may still be sent; later, the slot is void. */
export const toleranceMs = 60;
/** How long after it was sent a request may arrive: more is a network in trouble, and Attio then says so (429). */
export const travelMs = 15;
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
  return { budget: { permits, lastSlotMs, nextId }, slots };
}

/** From when on one more request keeps the bound; `permits` stand in the order of their `latestMs`. */
function freeFrom(permits: readonly Permit[], { count, spanMs }: Bounds[number]): number {
  const nth = permits.at(-count);
  // Spans are half-open, and clocks tick in whole milliseconds.
  return permits.length < count || nth === undefined ? Number.NEGATIVE_INFINITY : nth.latestMs + spanMs + 1;
}

/** What became of a slot: when its request was sent, ms on the database's clock, or null when it was not. */
export interface SlotUse {
  readonly id: number;
  readonly sentMs: number | null;
}

/** Notes how slots were used: an unused place is free at once, a used one as soon as can be. */
export function noteUses(budget: Budget, uses: readonly SlotUse[]): Budget {
  const byId = new Map(uses.map((use) => [use.id, use]));
  const permits = budget.permits.flatMap((permit): readonly Permit[] => {
    const use = byId.get(permit.id);
    if (use === undefined) return [permit];
    if (use.sentMs === null) return [];
    return [{ id: permit.id, latestMs: Math.min(permit.latestMs, use.sentMs + travelMs) }];
  });
  return { ...budget, permits: permits.toSorted((a, b) => a.latestMs - b.latestMs) };
}
