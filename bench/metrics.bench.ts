import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '@full-sync/local-stack';
import type { BenchResult } from './measure.ts';
import { medianOf } from './metrics/median.ts';
import type { Median } from './metrics/median.ts';
import { benchStages, openPipeline } from './metrics/pipeline.ts';
import type { BenchPipeline } from './metrics/pipeline.ts';

export const name = 'what metrics cost, by the processor time of all services';

const maxPairs = 40;
/** Some 2 GB each: as many as are measured before logs and tables are begun anew. */
const pairsPerStack = 8;
/** Half the width of the interval that is narrow enough. */
const narrow = 0.01;

/** Processor time per event by service, seconds. */
type Cost = ReadonlyMap<string, number>;

interface Pair {
  readonly withMetrics: Cost;
  readonly withoutMetrics: Cost;
}

/**
 * What metrics cost: processor time of api, extractor, keyer and loader per event of a full sync, with metrics (and a scrape
 * of each process per sync) and without, in alternating pairs until the 95 % interval of the median ratio is within ± 1 %.
 */
export async function run(): Promise<BenchResult> {
  const pairs: Pair[] = [];
  while (wantsMore(pairs)) await measureSome(pairs);
  return report(pairs);
}

function wantsMore(pairs: readonly Pair[]): boolean {
  return pairs.length < maxPairs && !isNarrow(costOf(pairs));
}

/** Measures pairs on a stack of their own. */
async function measureSome(pairs: Pair[]): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'full-sync-bench-'));
  try {
    await using stack = await startStack({ home });
    // What the testing package connects to; a stack that is started later must not take it for one that is there.
    Object.assign(process.env, stack.env);
    using forgotten = new DisposableStack();
    for (const variable of Object.keys(stack.env)) forgotten.defer(() => delete process.env[variable]);
    await using withMetrics = await openPipeline(true);
    await using withoutMetrics = await openPipeline(false);
    // Topics, tables and caches are not to be new for the first pair alone.
    await measurePair(withMetrics, withoutMetrics, 0);
    const enough = pairs.length + pairsPerStack;
    while (pairs.length < enough && wantsMore(pairs)) {
      pairs.push(await measurePair(withMetrics, withoutMetrics, pairs.length));
      const shares = services.map((service) => `${service} ${inPercent(costOf(pairs, service).median)}`);
      console.log(`${pairs.length} pairs: metrics cost ${inWords(costOf(pairs))}; ${shares.join(', ')}`);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/**
 * Two syncs, stage by stage, side by side: whatever else the machine does hits both alike, where one after the other differs
 * by twice as much. Which one is started first alternates.
 */
async function measurePair(withMetrics: BenchPipeline, withoutMetrics: BenchPipeline, turn: number): Promise<Pair> {
  const [one, other] = [await withMetrics.begin(), await withoutMetrics.begin()];
  for (const [index, stage] of benchStages.entries()) {
    const order = (turn + index) % 2 === 0 ? [one, other] : [other, one];
    await Promise.all(order.map((sync) => sync.step(stage)));
  }
  return { withMetrics: await one.end(), withoutMetrics: await other.end() };
}

const services = ['extractor', 'keyer', 'loader', 'api'] as const;

function total(cost: Cost): number {
  return [...cost.values()].reduce((sum, one) => sum + one, 0);
}

/** What metrics add, as a share of the whole without them; all of it, or what one service has of it. */
function costOf(pairs: readonly Pair[], service?: string): Median {
  const timeOf = (cost: Cost): number => (service === undefined ? total(cost) : (cost.get(service) ?? 0));
  return medianOf(
    pairs.map(({ withMetrics, withoutMetrics }) => {
      return (timeOf(withMetrics) - timeOf(withoutMetrics)) / total(withoutMetrics);
    }),
  );
}

function isNarrow({ median, low, high }: Median): boolean {
  return high - median <= narrow && median - low <= narrow;
}

function inWords({ median, low, high }: Median): string {
  return `${inPercent(median)} (95 % interval of the median: ${inPercent(low)} to ${inPercent(high)})`;
}

function inPercent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(2)} %` : 'unknown';
}

function report(pairs: readonly Pair[]): BenchResult {
  const cost = costOf(pairs);
  const perSecond = (costs: readonly Cost[]): number => 1 / medianOf(costs.map(total)).median;
  return {
    unit: 'events',
    baseline: 'without metrics',
    cases: [
      { name: 'without metrics', perSecond: perSecond(pairs.map(({ withoutMetrics }) => withoutMetrics)) },
      { name: 'with metrics', perSecond: perSecond(pairs.map(({ withMetrics }) => withMetrics)) },
    ],
    notes: [
      `metrics cost ${inWords(cost)}, ${pairs.length} pairs`,
      ...services.map((service) => `of which ${service}: ${inWords(costOf(pairs, service))}`),
      isNarrow(cost) ? 'the interval is within ± 1 %' : `the interval is wider than ± 1 % after ${maxPairs} pairs`,
    ],
  };
}
