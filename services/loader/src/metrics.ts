import { createInstruments, loaderMetrics } from '@full-sync/metrics';
import type { MetricRegistry } from '@full-sync/metrics';
import { isPlatform } from '@full-sync/schemas';
import type { BatchPlan } from './domain/plan-batch.ts';
import type { JobCounts } from './job-counts.ts';
import type { Settled } from './settle-rows.ts';

/** What the loader shows of itself; each is noted after its transaction has committed (I9). */
export interface LoaderMetrics {
  /** A batch that lay below the position as a whole. */
  readonly noteRedelivered: (records: number) => void;
  readonly noteBatch: (batch: {
    readonly plan: BatchPlan;
    readonly counts: JobCounts;
    readonly paths: readonly { readonly settled: Settled }[];
    /** From its arrival to its commit. */
    readonly elapsedMs: number;
    /** Transactions that had to be begun again. */
    readonly retries: number;
    /** ms since 1970. */
    readonly committedAtMs: number;
  }) => void;
}

export function createLoaderMetrics(registry: MetricRegistry): LoaderMetrics {
  const shown = createInstruments(registry, loaderMetrics);
  const { events, dropped, batchEvents, flushSeconds, copySeconds, retries, ageSeconds } = shown;
  const sinceSource = ageSeconds.series({ since: 'source' });
  const sinceFetched = ageSeconds.series({ since: 'fetched' });
  const sincePublished = ageSeconds.series({ since: 'published' });
  const noteAges = ({ leaves }: BatchPlan, nowMs: number): void => {
    for (const { rows } of leaves) {
      for (const { facts, publishedAtMs } of rows) {
        // Clocks of other machines, and dates in the future, are no negative ages.
        sinceSource.observe(Math.max(0, nowMs - facts.occurredAtMs) / 1_000);
        sinceFetched.observe(Math.max(0, nowMs - facts.fetchedAtMs) / 1_000);
        sincePublished.observe(Math.max(0, nowMs - publishedAtMs) / 1_000);
      }
    }
  };
  return {
    noteRedelivered: (records) => {
      dropped.inc({ reason: 'redelivered' }, records);
    },
    noteBatch: (batch) => {
      const { plan, counts, paths } = batch;
      for (const count of counts) {
        const { platform } = count;
        // Rows of any other have no table to be settled in.
        if (!isPlatform(platform)) continue;
        events.inc({ platform, outcome: 'created' }, count.eventsCreated);
        events.inc({ platform, outcome: 'duplicate' }, count.duplicates);
        events.inc({ platform, outcome: 'collision' }, count.collisions);
        events.inc({ platform, outcome: 'dead_lettered' }, count.deadLettered);
      }
      dropped.inc({ reason: 'redelivered' }, plan.redelivered);
      dropped.inc({ reason: 'replayed' }, plan.replayed);
      dropped.inc({ reason: 'late' }, plan.late);
      dropped.inc({ reason: 'unreadable' }, plan.faults.length);
      batchEvents.observe(
        {},
        plan.leaves.reduce((sum, leaf) => sum + leaf.rows.length, 0),
      );
      const staged = paths.some(({ settled }) => settled.path === 'staged');
      flushSeconds.observe({ path: staged ? 'staged' : 'direct' }, batch.elapsedMs / 1_000);
      for (const { settled } of paths) {
        for (const ms of settled.copiesMs) copySeconds.observe({ path: settled.path }, ms / 1_000);
      }
      retries.inc({}, batch.retries);
      noteAges(plan, batch.committedAtMs);
    },
  };
}
