import { answerSeconds, stageSeconds } from '../buckets.ts';
import { platform, rawTopics } from '../labels.ts';
import { counter, gauge, histogram } from '../model.ts';

const services = ['keyer'] as const;

export const keyerMetrics = {
  records: counter({
    name: 'full_sync_keyer_records_total',
    unit: 'records',
    services,
    labels: { topic: rawTopics, outcome: ['keyed', 'without_events', 'rejected'] },
    meaning:
      'Raw records settled, repeats after restarts included: events were made of it, it holds none, or it was dead-lettered.',
    whenHigh: 'rejected: see full_sync_dead_letters_published_total for the codes.',
  }),
  events: counter({
    name: 'full_sync_keyer_events_total',
    unit: 'events',
    services,
    labels: { topic: rawTopics },
    meaning: 'Events acknowledged by the broker, repeats after restarts included, by the raw topic they come from.',
    whenHigh: 'It is the throughput of the stage.',
  }),
  sightings: counter({
    name: 'full_sync_keyer_sightings_total',
    unit: 'events',
    services,
    labels: { platform, sighting: ['duplicate', 'collision'] },
    meaning:
      'Keys met again among the last 2,000 of a partition: the same fact, or another one. Early signs; Postgres decides.',
    whenHigh: 'collision: the source reuses its ids; see full_sync_loader_events_total and event_collisions.',
  }),
  replacements: counter({
    name: 'full_sync_keyer_replaced_characters_total',
    unit: 'count',
    services,
    labels: {},
    meaning: 'Characters that Postgres cannot hold (U+0000, halves of pairs) and that became U+FFFD.',
    whenHigh: 'The source sends broken text; nothing is lost but those characters.',
  }),
  windowKeys: gauge({
    name: 'full_sync_keyer_window_keys',
    unit: 'count',
    services,
    labels: {},
    meaning: 'Keys in the window that early duplicates are found with; at most 2,000 per partition.',
    whenHigh: 'Bounded; nothing depends on it.',
  }),
  batchSeconds: histogram({
    name: 'full_sync_keyer_batch_seconds',
    unit: 'seconds',
    services,
    labels: {},
    buckets: answerSeconds,
    meaning: 'Time to settle one batch of one partition, acknowledgements included.',
    whenHigh: 'The broker is slow (full_sync_producer_request_seconds), or the processor is full: start another copy.',
  }),
  ageSeconds: histogram({
    name: 'full_sync_keyer_age_seconds',
    unit: 'seconds',
    services,
    labels: {},
    buckets: stageSeconds,
    meaning: 'Age of a raw record, from its publishing, when its events were acknowledged.',
    whenHigh: 'The keyer is behind; see full_sync_lag_seconds{group="keyer"}.',
  }),
} as const;
