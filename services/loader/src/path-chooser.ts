import type { Settled } from './settle-rows.ts';

export interface PathChooser {
  /** Whether to try COPY straight into the leaf. */
  readonly direct: (leaf: string) => boolean;
  readonly learn: (leaf: string, settled: Settled) => void;
}

/**
 * Chooses the path of the next batch by what the last one met: a first sync finds no duplicates and takes the direct
 * path, a repeated one nothing but duplicates, and a failed attempt costs a COPY.
 */
export function createPathChooser(): PathChooser {
  const repeats = new Set<string>();
  return {
    direct: (leaf) => !repeats.has(leaf),
    learn: (leaf, settled) => {
      const met = sum(settled.duplicates) + sum(settled.collisions);
      if (met > 0) repeats.add(leaf);
      else repeats.delete(leaf);
    },
  };
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
