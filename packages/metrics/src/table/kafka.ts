import { answerSeconds, batchSizes } from '../buckets.ts';
import { letterCode, topics } from '../labels.ts';
import { counter, gauge, histogram } from '../model.ts';

/** Of every process that is a member of a consumer group. */
export const consumerMetrics = {
  rebalances: counter({
    name: 'full_sync_consumer_rebalances_total',
    unit: 'count',
    services: ['api', 'keyer', 'loader', 'destination'],
    labels: {},
    meaning: 'Times that the process joined its group and was given partitions; the first join counts.',
    whenHigh:
      'Again and again: copies come and go, or heartbeats are late (nodejs_eventloop_lag_p99_seconds, long batches).',
  }),
  assigned: gauge({
    name: 'full_sync_consumer_assigned_partitions',
    unit: 'partitions',
    services: ['api', 'keyer', 'loader', 'destination'],
    labels: { topic: topics },
    meaning: 'Partitions that the group has given to this process.',
    whenHigh:
      'The sum over all copies is below the partitions of the topic (12; dead letters: 1): nobody reads the rest; a member is joining, or none runs.',
  }),
  paused: gauge({
    name: 'full_sync_consumer_paused_partitions',
    unit: 'partitions',
    services: ['api', 'keyer', 'loader', 'destination'],
    labels: { topic: topics },
    meaning:
      'Partitions of this process that stand still: the batch of each has been in work for more than 10 s, and nothing more is fetched.',
    whenHigh:
      'A destination does not take events (readiness, log and full_sync_delivery_halted say why), or Postgres holds the batch up (pg_locks).',
  }),
  batchRecords: histogram({
    name: 'full_sync_consumer_batch_records',
    unit: 'records',
    services: ['api', 'keyer', 'loader', 'destination'],
    labels: { topic: topics },
    buckets: batchSizes,
    meaning: 'Records of one batch: what one fetch brought of one partition.',
    whenHigh: 'Low while there is lag: the producers write small batches, or the fetch size is too small.',
  }),
  batches: counter({
    name: 'full_sync_consumer_batches_total',
    unit: 'batches',
    services: ['api', 'keyer', 'loader', 'destination'],
    labels: { topic: topics, reason: ['end', 'bytes'] },
    meaning:
      'Batches settled and committed, by why they were closed: end = nothing more was in the partition, bytes = the fetch was full and more is waiting.',
    whenHigh: 'bytes most of the time: the stage is behind and works as fast as it can; see full_sync_lag_seconds.',
  }),
} as const;

/** Of every process that publishes. */
export const producerMetrics = {
  records: counter({
    name: 'full_sync_producer_records_total',
    unit: 'records',
    services: 'every',
    labels: { topic: topics },
    meaning: 'Records that the broker acknowledged.',
    whenHigh: 'It is the throughput; far above that of the stage before: records are published again after restarts.',
  }),
  requestSeconds: histogram({
    name: 'full_sync_producer_request_seconds',
    unit: 'seconds',
    services: 'every',
    labels: { topic: topics },
    buckets: answerSeconds,
    meaning: 'Time of one send, to the acknowledgement of all in-sync replicas; retries included.',
    whenHigh: 'The broker is slow: its disk, its processor, or the way there.',
  }),
  failures: counter({
    name: 'full_sync_producer_failures_total',
    unit: 'count',
    services: 'every',
    labels: { topic: topics },
    meaning: 'Sends that were given up; the producer is thrown away, and the stage repeats its work.',
    whenHigh: 'The broker cannot be reached or refuses: see its log, and full_sync_ready of all processes.',
  }),
  letters: counter({
    name: 'full_sync_dead_letters_published_total',
    unit: 'records',
    services: 'every',
    labels: { code: letterCode },
    meaning:
      'Records that this process gave up and sent to the dead letters, repeats after restarts included. Codes: docs/runbook.md; what Postgres refuses by the class of its SQLSTATE.',
    whenHigh:
      'cli dead-letters list --code CODE shows the records and what is wrong; mend the cause, then replay them.',
  }),
} as const;
