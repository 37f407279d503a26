import { Counter, Histogram } from '@full-sync/runtime';
import type { Registry } from '@full-sync/runtime';
import type { BatchPlan } from './domain/plan-batch.ts';
import type { JobCounts } from './job-counts.ts';
import type { Settled } from './settle-rows.ts';

export interface LoaderMetrics {
  readonly redelivered: Counter;
  readonly noteBatch: (
    plan: BatchPlan,
    counts: JobCounts,
    paths: readonly { readonly settled: Settled }[],
    elapsedMs: number,
  ) => void;
}

/** The loader's closed list of metrics; each is noted after its transaction has committed (I9). */
export function createLoaderMetrics(registry: Registry): LoaderMetrics {
  const registers = [registry];
  const events = new Counter({
    name: 'full_sync_loader_events_total',
    help: 'Events settled in Postgres by outcome. Many collisions: the source reuses ids, see event_collisions.',
    labelNames: ['platform', 'outcome'],
    registers,
  });
  const redelivered = new Counter({
    name: 'full_sync_loader_redelivered_records_total',
    help: 'Records that Kafka delivered again and the position told apart. High: consumers restart often.',
    registers,
  });
  const replayed = new Counter({
    name: 'full_sync_loader_replayed_records_total',
    help: 'Records that a keyer published again and the source position told apart. High: keyers restart often.',
    registers,
  });
  const late = new Counter({
    name: 'full_sync_loader_late_records_total',
    help: 'Events of jobs that had ended, dropped. Above zero: an extractor worked on after losing its lease.',
    registers,
  });
  const batchRows = new Histogram({
    name: 'full_sync_loader_batch_rows',
    help: 'Rows per transaction. Low while there is lag: the fetch size is too small.',
    buckets: [1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000],
    registers,
  });
  const batchSeconds = new Histogram({
    name: 'full_sync_loader_batch_seconds',
    help: 'Time from a batch to its commit. High: Postgres is the bottleneck.',
    labelNames: ['path'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  return {
    redelivered,
    noteBatch: (plan, counts, paths, elapsedMs) => {
      for (const count of counts) {
        const { platform } = count;
        events.inc({ platform, outcome: 'created' }, count.eventsCreated);
        events.inc({ platform, outcome: 'duplicate' }, count.duplicates);
        events.inc({ platform, outcome: 'collision' }, count.collisions);
        events.inc({ platform, outcome: 'dead_lettered' }, count.deadLettered);
      }
      redelivered.inc(plan.redelivered);
      replayed.inc(plan.replayed);
      late.inc(plan.late);
      batchRows.observe(plan.leaves.reduce((sum, leaf) => sum + leaf.rows.length, 0));
      const staged = paths.some(({ settled }) => settled.path === 'staged');
      batchSeconds.observe({ path: staged ? 'staged' : 'direct' }, elapsedMs / 1000);
    },
  };
}
