import { createMetrics } from '@full-sync/runtime';
import type { MetricFacts, MetricTable } from './lint-query.ts';

const NO_LABELS: ReadonlySet<string> = new Set();

function of(type: MetricFacts['type'], ...labels: readonly string[]): MetricFacts {
  return { type, labels: new Set(labels) };
}

/** What every Node process shows of itself, as it says itself. */
async function ofNode(): Promise<readonly (readonly [string, MetricFacts])[]> {
  const metrics = await createMetrics('any').getMetricsAsJSON();
  return metrics.map(({ name, type }) => {
    const kind = String(type) === 'counter' ? 'counter' : String(type) === 'histogram' ? 'histogram' : 'gauge';
    return [name, { type: kind, labels: name.includes('gc_duration') ? new Set(['kind']) : NO_LABELS }] as const;
  });
}

/** All metrics that any process shows. */
export const metricTable: MetricTable = new Map([
  ...(await ofNode()),
  ['full_sync_jobs_open', of('gauge')],
  ['full_sync_jobs_ended_total', of('counter', 'status')],
  ['full_sync_dead_letters_stored_total', of('counter')],
  ['full_sync_extractor_requests_total', of('counter', 'platform', 'outcome')],
  ['full_sync_extractor_downstream_lag_seconds', of('gauge', 'stage')],
  ['full_sync_extractor_held_back', of('gauge')],
  ['full_sync_loader_events_total', of('counter', 'platform', 'outcome')],
  ['full_sync_loader_batch_seconds', of('histogram', 'path')],
]);
