import { Counter, Gauge, Histogram } from '@full-sync/runtime';
import type { Registry } from '@full-sync/runtime';

export type ExtractorMetrics = ReturnType<typeof createExtractorMetrics>;

/** The extractor's closed list of metrics. */
export function createExtractorMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <const Labels extends string>(name: string, help: string, labelNames: readonly Labels[]) =>
    new Counter({ name: `full_sync_extractor_${name}`, help, labelNames, registers });
  const gauge = <const Labels extends string>(name: string, help: string, labelNames: readonly Labels[]) =>
    new Gauge({ name: `full_sync_extractor_${name}`, help, labelNames, registers });
  return {
    requests: counter(
      'requests_total',
      'Requests to an upstream by outcome. Many other than ok: see the reason, and waiting_for in the table streams.',
      ['platform', 'outcome'],
    ),
    requestSeconds: new Histogram({
      name: 'full_sync_extractor_request_seconds',
      help: 'Time from the call to the answer, without its body. High: the upstream is slow, and permits stay out longer.',
      labelNames: ['platform'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    }),
    records: counter('records_total', 'Records published to the raw topics and acknowledged.', ['platform']),
    dropped: counter(
      'rows_dropped_total',
      'Rows outside of the window that was asked for. Above zero: the upstream ignores its own filters.',
      ['platform'],
    ),
    oversized: counter('oversized_records_total', 'Records over 1 MB, dead-lettered.', ['platform']),
    chunks: counter(
      'chunks_total',
      'Chunks by what became of them. Many stale: leases run out, because the process or the database stalls.',
      ['platform', 'outcome'],
    ),
    windows: counter(
      'window_events_total',
      'Windows read again, halved, or taken as a union, because their pages did not fit together.',
      ['platform', 'event'],
    ),
    permitsVoid: counter(
      'permits_void_total',
      'Permits given back because their time had passed. High: this process is too busy for its rate limit.',
      ['platform'],
    ),
    refusals: counter(
      'refusals_total',
      'Answers 429. High: somebody else uses the key, or the limit is set too high.',
      ['platform'],
    ),
    inFlight: gauge('chunks_in_flight', 'Chunks being worked on.', ['platform']),
    /** Shows what `held` gives at every scrape. */
    trackBytes: (held: () => number): void => {
      const bytesHeld = gauge('bytes_held', 'Bytes of records held or reserved by chunks.', []);
      Object.assign(bytesHeld, { collect: () => bytesHeld.set(held()) });
    },
    circuitOpen: gauge('circuit_open', '1 while requests to the host are held back because most of them failed.', [
      'platform',
    ]),
    lagSeconds: gauge(
      'downstream_lag_seconds',
      'Age of the oldest record not yet keyed or loaded. Over 30 s extraction pauses: look at keyer and loader.',
      ['stage'],
    ),
    held: gauge('held_back', '1 while extraction pauses because the stages behind it lag.', []),
  };
}
