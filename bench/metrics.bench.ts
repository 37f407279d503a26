import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '@full-sync/local-stack';
import type { BenchResult } from './measure.ts';
import { fewestValues, medianOf } from './metrics/median.ts';
import type { Median } from './metrics/median.ts';
import { openPipeline } from './metrics/pipeline.ts';
import type { BenchPipeline } from './metrics/pipeline.ts';

export const name = 'what metrics cost, by the processor time of all services';

const maxPairs = 40;
/** Half the width of the interval that is narrow enough. */
const narrow = 0.01;

interface Pair {
  readonly withMetrics: number;
  readonly withoutMetrics: number;
}

/**
 * What metrics cost: processor time of api, extractor, keyer and loader per event of a full sync, with metrics (and a scrape
 * of each process per stage) and without, in alternating pairs until the 95 % interval of the median ratio is within ± 1 %.
 */
export async function run(): Promise<BenchResult> {
  const home = mkdtempSync(join(tmpdir(), 'full-sync-bench-'));
  try {
    await using stack = await startStack({ home });
    // What the testing package connects to.
    Object.assign(process.env, stack.env);
    await using withMetrics = await openPipeline(true);
    await using withoutMetrics = await openPipeline(false);
    return report(await measure(withMetrics, withoutMetrics));
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function measure(withMetrics: BenchPipeline, withoutMetrics: BenchPipeline): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  // Topics, tables and caches are not to be new for the first pair alone.
  for (const pipeline of [withMetrics, withoutMetrics]) await pipeline.sync();
  while (pairs.length < maxPairs && !isNarrow(costOf(pairs))) {
    // Each goes first in turn.
    const [first, second] = pairs.length % 2 === 0 ? [withMetrics, withoutMetrics] : [withoutMetrics, withMetrics];
    const costs = [await first.sync(), await second.sync()] as const;
    const [one, other] = first === withMetrics ? costs : [costs[1], costs[0]];
    pairs.push({ withMetrics: one, withoutMetrics: other });
    if (pairs.length % 5 === 0) console.log(`${pairs.length} pairs: ${inWords(costOf(pairs))}`);
  }
  return pairs;
}

function costOf(pairs: readonly Pair[]): Median {
  return medianOf(pairs.map(({ withMetrics, withoutMetrics }) => withMetrics / withoutMetrics - 1));
}

function isNarrow({ median, low, high }: Median): boolean {
  return high - median <= narrow && median - low <= narrow;
}

function inWords({ median, low, high }: Median): string {
  const percent = (share: number): string => (Number.isFinite(share) ? `${(share * 100).toFixed(2)} %` : 'unknown');
  return `metrics cost ${percent(median)} (95 % interval of the median: ${percent(low)} to ${percent(high)})`;
}

function report(pairs: readonly Pair[]): BenchResult {
  if (pairs.length < fewestValues) throw new Error('too few pairs');
  const cost = costOf(pairs);
  const perSecond = (values: readonly number[]): number => 1 / medianOf(values).median;
  return {
    unit: 'events',
    baseline: 'without metrics',
    cases: [
      { name: 'without metrics', perSecond: perSecond(pairs.map(({ withoutMetrics }) => withoutMetrics)) },
      { name: 'with metrics', perSecond: perSecond(pairs.map(({ withMetrics }) => withMetrics)) },
    ],
    notes: [
      `${inWords(cost)}, ${pairs.length} pairs`,
      isNarrow(cost) ? 'the interval is within ± 1 %' : `the interval is wider than ± 1 % after ${maxPairs} pairs`,
    ],
  };
}
