import { ageSeconds, answerSeconds, batchSizes } from '../buckets.ts';
import { platform } from '../labels.ts';
import { counter, histogram } from '../model.ts';

const services = ['loader'] as const;
const path = ['direct', 'staged'] as const;

/** All of them are noted once the transaction has committed (I9). */
export const loaderMetrics = {
  events: counter({
    name: 'full_sync_loader_events_total',
    unit: 'events',
    services,
    labels: { platform, outcome: ['created', 'duplicate', 'collision', 'dead_lettered'] },
    meaning:
      'Events settled in Postgres: a row was created, the fact was there, its key belongs to another fact, or Postgres refuses it.',
    whenHigh:
      'collision: the source reuses its ids, see event_collisions. dead_lettered: a constraint or trigger of yours refuses rows.',
  }),
  dropped: counter({
    name: 'full_sync_loader_dropped_records_total',
    unit: 'records',
    services,
    labels: { reason: ['redelivered', 'replayed', 'late', 'unreadable'] },
    meaning:
      'Records that are no new events: redelivered by Kafka, published again by a keyer, late ones of jobs that had ended, or unreadable (dead-lettered).',
    whenHigh:
      'redelivered: loaders restart often. replayed: keyers do. late: an extractor worked on after its lease. unreadable: somebody else writes to the topic.',
  }),
  batchEvents: histogram({
    name: 'full_sync_loader_batch_events',
    unit: 'events',
    services,
    labels: {},
    buckets: batchSizes,
    meaning: 'Events of one transaction.',
    whenHigh: 'Low while there is lag: see full_sync_consumer_batch_records.',
  }),
  flushSeconds: histogram({
    name: 'full_sync_loader_flush_seconds',
    unit: 'seconds',
    services,
    labels: { path },
    buckets: answerSeconds,
    meaning:
      'Time from the arrival of a batch to its commit, waits for locks included; direct = COPY into the table, staged = by way of a temporary one, because it holds duplicates.',
    whenHigh:
      'Postgres is the bottleneck: locks, slow storage, checkpoints, many indexes. Compare with full_sync_loader_copy_seconds.',
  }),
  copySeconds: histogram({
    name: 'full_sync_loader_copy_seconds',
    unit: 'seconds',
    services,
    labels: { path },
    buckets: answerSeconds,
    meaning: 'Time of one COPY; attempts that a duplicate ended are not in it.',
    whenHigh: 'direct: indexes, triggers or the storage of the table are slow. staged: the way to Postgres is.',
  }),
  retries: counter({
    name: 'full_sync_loader_flush_retries_total',
    unit: 'count',
    services,
    labels: {},
    meaning: 'Transactions of batches that had to be begun again.',
    whenHigh: 'See full_sync_database_transaction_retries_total for why.',
  }),
  ageSeconds: histogram({
    name: 'full_sync_loader_event_age_seconds',
    unit: 'seconds',
    services,
    labels: { since: ['source', 'fetched', 'published'] },
    buckets: ageSeconds,
    meaning:
      'Age of an event when it was settled in Postgres, repeats included: since it happened by the source’s time, since its record was fetched, and since the keyer published it.',
    whenHigh:
      'published: the loader is behind. fetched: a stage is. source alone: history is being read, or syncs are rare.',
  }),
} as const;
