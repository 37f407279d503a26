/** A closed interval of source time in ms since 1970; null = no bound on that side. */
export interface Window {
  readonly start: number | null;
  readonly end: number | null;
}

/** The earliest and the latest time met in a window's rows. */
export interface Seen {
  readonly min: number;
  readonly max: number;
}

/** No window is cut below this. */
export const smallestWindowMs = 1_000;
const dayMs = 86_400_000;

/** What was seen so far, widened to `times`. */
export function widen(seen: Seen | null, times: readonly (number | null)[]): Seen | null {
  let { min, max } = seen ?? { min: Infinity, max: -Infinity };
  for (const time of times) {
    if (time === null) continue;
    min = Math.min(min, time);
    max = Math.max(max, time);
  }
  return min > max ? null : { min, max };
}

/**
 * Cuts a window in two that touch and do not overlap, the lower one first, at the middle of what was seen in it: the
 * middle of the window itself may be years away from its rows, or have no meaning. Null when it is as small as it gets.
 */
export function splitWindow(window: Window, seen: Seen | null): readonly [Window, Window] | null {
  const { start, end } = window;
  if (start !== null && end !== null && end - start <= smallestWindowMs) return null;
  const min = Math.max(seen?.min ?? start ?? Infinity, start ?? -Infinity);
  const max = Math.min(seen?.max ?? end ?? -Infinity, end ?? Infinity);
  if (min > max) return seen !== null && start !== null && end !== null ? splitWindow(window, null) : null;
  const cut =
    max - min > smallestWindowMs
      ? Math.floor((min + max) / 2)
      : start === null || start < min
        ? min - 1
        : end === null || end > max
          ? max
          : null;
  if (cut === null) return null;
  return [
    { start, end: cut },
    { start: cut + 1, end },
  ];
}

/** Cuts `[start, end]` into `parts` windows of equal length, or fewer so that each has a day or more. */
export function cutRange(
  start: number,
  end: number,
  parts: number,
): readonly { readonly start: number; readonly end: number }[] {
  const length = end - start + 1;
  const count = Math.max(1, Math.min(parts, Math.floor(length / dayMs)));
  return Array.from({ length: count }, (_, index) => ({
    start: start + Math.floor((length * index) / count),
    end: start + Math.floor((length * (index + 1)) / count) - 1,
  }));
}

/** A window, and where the windows after it begin; null = it is the last. */
export interface Chunk {
  readonly window: Window & { readonly end: number };
  readonly aheadMs: number | null;
}

/**
 * The first of the windows of `days` days that a walk over `window` reads one after the other, the oldest first. Without a
 * lower bound it reaches from ever until `days` after `oldestMs`; with neither, or `days` null, the window is the only one.
 */
export function firstChunk(
  window: Window & { readonly end: number },
  days: number | null,
  oldestMs: number | null,
): Chunk {
  const from = window.start ?? oldestMs;
  return days === null || from === null ? { window, aheadMs: null } : cutChunk(window.start, from, window.end, days);
}

/** The window of `days` days that begins at `aheadMs`. */
export function nextChunk(aheadMs: number, end: number, days: number | null): Chunk {
  return cutChunk(aheadMs, aheadMs, end, days ?? Infinity);
}

function cutChunk(start: number | null, from: number, end: number, days: number): Chunk {
  const last = Math.min(end, from + days * dayMs - 1);
  return { window: { start, end: last }, aheadMs: last < end ? last + 1 : null };
}

/** Whether a time lies outside of a window. */
export function isOutside(window: Window, time: number): boolean {
  return (window.start !== null && time < window.start) || (window.end !== null && time > window.end);
}
