import { ageSeconds, answerSeconds, batchSizes, farAnswerSeconds } from '../buckets.ts';
import { destination, httpStatus } from '../labels.ts';
import { counter, gauge, histogram } from '../model.ts';

const services = ['destination'] as const;

/** Of every process that delivers events to a destination. */
export const destinationMetrics = {
  deliveries: counter({
    name: 'full_sync_deliveries_total',
    unit: 'events',
    services,
    labels: { destination, outcome: ['sent', 'skipped', 'failed'] },
    meaning:
      'Events settled at the destination: acknowledged by it, not meant for it (no credentials, sent before, code in the table deliveries), or refused for their own fault (dead-lettered).',
    whenHigh:
      'failed: code in the table deliveries, and the dead letters. skipped: credentials of the namespace are missing, or a sync is repeated.',
  }),
  dropped: counter({
    name: 'full_sync_delivery_dropped_records_total',
    unit: 'records',
    services,
    labels: { destination, reason: ['redelivered', 'replayed', 'late', 'not_asked', 'unreadable'] },
    meaning:
      'Records that are no work: redelivered by Kafka, published again by a keyer, late ones of jobs that had ended, of jobs that did not ask for the destination, or unreadable.',
    whenHigh: 'redelivered, replayed: processes restart often. not_asked is normal.',
  }),
  requests: counter({
    name: 'full_sync_delivery_requests_total',
    unit: 'requests',
    services,
    labels: { destination, status: httpStatus },
    meaning: 'Requests to the destination by HTTP status; none = no answer came.',
    whenHigh:
      '401, 403: the credentials. 429: its rate limit is shared with others. 5xx, none: the destination or the way there.',
  }),
  requestSeconds: histogram({
    name: 'full_sync_delivery_request_seconds',
    unit: 'seconds',
    services,
    labels: { destination },
    buckets: farAnswerSeconds,
    meaning: 'Time of one request to the destination, answered or not.',
    whenHigh: 'The destination is slow; lag grows when it is slower than the events come.',
  }),
  batchEvents: histogram({
    name: 'full_sync_delivery_batch_events',
    unit: 'events',
    services,
    labels: { destination },
    buckets: batchSizes,
    meaning: 'Events of one batch handed to the destination.',
    whenHigh: 'Low while there is lag: many small batches of different targets.',
  }),
  batches: counter({
    name: 'full_sync_delivery_batches_total',
    unit: 'batches',
    services,
    labels: { destination, reason: ['rows', 'bytes', 'time', 'end'] },
    meaning:
      'Batches handed to the destination, by why they were closed: full by events or bytes, by age, or because nothing more was there.',
    whenHigh: 'rows or bytes most of the time: the destination is behind; see full_sync_lag_seconds.',
  }),
  retries: counter({
    name: 'full_sync_delivery_retries_total',
    unit: 'batches',
    services,
    labels: {
      destination,
      reason: ['throttled', 'network', 'timeout', 'status', 'circuit_open', 'unreadable', 'other'],
    },
    meaning: 'Batches of which nothing is known to be accepted, sent again after a while.',
    whenHigh: 'As full_sync_delivery_requests_total.',
  }),
  waiting: counter({
    name: 'full_sync_delivery_waiting_seconds_total',
    unit: 'seconds',
    services,
    labels: { destination, reason: ['rate_limit', 'throttled', 'backoff', 'halted', 'claimed_elsewhere'] },
    meaning:
      'Time in which a batch waited, added up over batches: for a place in our own rate, as the destination asked for, after a failure, for credentials, or for another copy that sends the same events.',
    whenHigh:
      'rate_limit, throttled: the destination’s limit is the bottleneck. halted: see full_sync_delivery_halted.',
  }),
  halted: gauge({
    name: 'full_sync_delivery_halted',
    unit: 'state',
    services,
    labels: { destination },
    meaning:
      'Targets that take nothing until somebody mends something (credentials); it is tried again by itself. Their events wait in Kafka, or are set aside where there are several targets.',
    whenHigh:
      'Readiness and log say which code; mend the credentials. What waits in Kafka is there for 7 days, what is set aside until it is delivered.',
  }),
  parked: gauge({
    name: 'full_sync_delivery_parked_events',
    unit: 'events',
    services,
    labels: { destination },
    meaning:
      'Events set aside in Postgres because their target takes nothing, so that they hold up no other target; the same from every copy.',
    whenHigh: 'As full_sync_delivery_halted. Falls by itself once the target takes events again.',
  }),
  breaker: gauge({
    name: 'full_sync_delivery_breaker_state',
    unit: 'state',
    services,
    labels: { destination },
    meaning:
      'Circuit breaker of the worst target: 0 closed, 1 half open (one request probes), 2 open (nothing is sent).',
    whenHigh: 'Most requests failed. It closes by itself; until then see full_sync_delivery_requests_total.',
  }),
  settleSeconds: histogram({
    name: 'full_sync_delivery_settle_seconds',
    unit: 'seconds',
    services,
    labels: { destination },
    buckets: answerSeconds,
    meaning: 'Time of one transaction of the ledger (table deliveries).',
    whenHigh: 'Postgres is slow, or its locks are waited for.',
  }),
  folded: gauge({
    name: 'full_sync_delivery_open_totals',
    unit: 'count',
    services,
    labels: { destination },
    meaning:
      'Records of totals (people in Attio) that have changed and are not written yet; 0 at destinations without such records.',
    whenHigh: 'The destination’s write limit is the bottleneck; nothing is lost, later changes are written together.',
  }),
  ageSeconds: histogram({
    name: 'full_sync_delivery_age_seconds',
    unit: 'seconds',
    services,
    labels: { destination, since: ['source', 'published'] },
    buckets: ageSeconds,
    meaning:
      'Age of an event when the destination had acknowledged it: since it happened by the source’s time, and since the keyer published it.',
    whenHigh: 'published: the destination is behind; see full_sync_lag_seconds of its group.',
  }),
} as const;
