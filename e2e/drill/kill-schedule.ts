import type { Random } from './random.ts';

/** A kill to come: of whom, and at which share (0 to 1) of the expected rows being committed. */
export interface PlannedKill {
  readonly target: string;
  readonly share: number;
}

/** No kill before a job has begun to commit, and none so late that it could only hit its end. */
const firstShare = 0.01;
const lastShare = 0.96;

/**
 * Spreads `count` kills of each target over the rows of a job: one in each of as many equal parts, at a drawn place
 * within it. Sorted by share; the targets mix.
 */
export function planKills(counts: ReadonlyMap<string, number>, random: Random): readonly PlannedKill[] {
  const kills = [...counts].flatMap(([target, count]) =>
    Array.from({ length: count }, (_, index): PlannedKill => {
      const place = (index + random()) / count;
      return { target, share: firstShare + place * (lastShare - firstShare) };
    }),
  );
  return kills.toSorted((a, b) => a.share - b.share);
}

/** One kill that hit: when its target was back, ms after the kill; null where the job ended before that was seen. */
export interface Recovery {
  readonly target: string;
  /** The share of the expected rows that was committed when it hit. */
  readonly share: number;
  /** Until the process that took its place answered that it is ready. */
  readonly readyMs: number | null;
  /** Until it had settled something again. */
  readonly movedMs: number | null;
}

export interface RecoveryRow {
  readonly target: string;
  readonly kills: number;
  /** The share of rows at its first and at its last kill. */
  readonly from: number;
  readonly to: number;
  readonly medianReadyMs: number | null;
  readonly medianMovedMs: number | null;
  readonly longestMovedMs: number | null;
}

/** What the kills of each target took, in the order in which the targets were first hit. */
export function summariseRecoveries(recoveries: readonly Recovery[]): readonly RecoveryRow[] {
  const targets = [...new Set(recoveries.map(({ target }) => target))];
  return targets.map((target) => {
    const own = recoveries.filter((one) => one.target === target);
    const ready = own.flatMap(({ readyMs }) => (readyMs === null ? [] : [readyMs]));
    const moved = own.flatMap(({ movedMs }) => (movedMs === null ? [] : [movedMs]));
    const shares = own.map(({ share }) => share);
    return {
      target,
      kills: own.length,
      from: Math.min(...shares),
      to: Math.max(...shares),
      medianReadyMs: median(ready),
      medianMovedMs: median(moved),
      longestMovedMs: moved.length === 0 ? null : Math.max(...moved),
    };
  });
}

/** The middle value, the mean of the two middle ones of an even number; null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}
