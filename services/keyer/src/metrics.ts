import { Counter, Gauge, Histogram } from '@full-sync/runtime';
import type { Registry } from '@full-sync/runtime';

export interface KeyerMetrics {
  readonly records: Counter<'topic'>;
  readonly events: Counter<'topic'>;
  readonly rejected: Counter<'topic' | 'code'>;
  readonly sightings: Counter<'platform' | 'sighting'>;
  readonly replacements: Counter;
  readonly lag: Gauge<'topic' | 'partition'>;
  readonly batchSeconds: Histogram;
}

/** The keyer's metrics, a closed list; the README says what each is for. `windowKeys` is read at each scrape. */
export function createKeyerMetrics(registry: Registry, windowKeys: () => number): KeyerMetrics {
  const registers = [registry];
  const window = new Gauge({
    name: 'full_sync_keyer_window_keys',
    help: 'Keys in the window that early duplicates are found with.',
    registers,
    collect: () => {
      window.set(windowKeys());
    },
  });
  return {
    records: new Counter({
      name: 'full_sync_keyer_records_total',
      help: 'Raw records settled, rejected ones and replays included.',
      labelNames: ['topic'],
      registers,
    }),
    events: new Counter({
      name: 'full_sync_keyer_events_total',
      help: 'Events acknowledged by the broker, replays included, by raw topic.',
      labelNames: ['topic'],
      registers,
    }),
    rejected: new Counter({
      name: 'full_sync_keyer_rejected_total',
      help: 'Raw records sent to the dead letters.',
      labelNames: ['topic', 'code'],
      registers,
    }),
    sightings: new Counter({
      name: 'full_sync_keyer_sightings_total',
      help: 'Keys met again within the window: duplicate (same fact) or collision (another fact). Postgres decides.',
      labelNames: ['platform', 'sighting'],
      registers,
    }),
    replacements: new Counter({
      name: 'full_sync_keyer_replaced_characters_total',
      help: 'Characters that Postgres cannot hold and that became U+FFFD.',
      registers,
    }),
    lag: new Gauge({
      name: 'full_sync_keyer_lag_records',
      help: 'Raw records not yet keyed, as of the last batch of the partition.',
      labelNames: ['topic', 'partition'],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'full_sync_keyer_batch_seconds',
      help: 'Time to settle one batch of one partition, acknowledgements included.',
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
      registers,
    }),
  };
}
