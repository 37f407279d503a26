import { performance } from 'node:perf_hooks';

/** One thing that was measured: how many units it does in a second. */
export type BenchCase = { readonly name: string; readonly perSecond: number };

/** What a `*.bench.ts` file's `run()` gives back. Figures wander from machine to machine: only the ratios to `baseline` mean anything. */
export type BenchResult = {
  /** What is counted, in the plural: "events", "rows". */
  readonly unit: string;
  /** Name of the case that the others are compared with: the least that anybody would have to do. */
  readonly baseline: string;
  readonly cases: readonly BenchCase[];
  /** What else there is to say, a line each. */
  readonly notes?: readonly string[];
};

/** Shape of a `*.bench.ts` module. */
export type Bench = { readonly name: string; readonly run: () => Promise<BenchResult> | BenchResult };

/** Something to measure: `work` does `units` units. */
export type Work = { readonly name: string; readonly units: number; readonly work: () => unknown };

/**
 * Measures several ways of doing one thing, taking turns, so that a busy moment of the machine hits all of them; the best of `rounds` turns
 * counts. A turn lasts about `turnMs`.
 */
export function compare(works: readonly Work[], { rounds = 5, turnMs = 150 } = {}): readonly BenchCase[] {
  const best = new Map<string, number>();
  for (let round = 0; round <= rounds; round++) {
    for (const { name, units, work } of works) {
      const perSecond = measureTurn(work, turnMs) * units;
      // The first round warms up.
      if (round > 0) best.set(name, Math.max(best.get(name) ?? 0, perSecond));
    }
  }
  return [...best].map(([name, perSecond]) => ({ name, perSecond }));
}

let sink: unknown;

/** Calls per second. Results are kept where the compiler cannot prove that nobody looks at them. */
function measureTurn(work: () => unknown, turnMs: number): number {
  const startedAt = performance.now();
  let calls = 0;
  let elapsed = 0;
  while (elapsed < turnMs) {
    sink = work();
    calls += 1;
    elapsed = performance.now() - startedAt;
  }
  if (sink === measureTurn) throw new Error('unreachable');
  return (calls * 1000) / elapsed;
}
