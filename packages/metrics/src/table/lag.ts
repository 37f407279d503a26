import { answerSeconds } from '../buckets.ts';
import { dataTopics, group, partition } from '../labels.ts';
import { counter, gauge, histogram } from '../model.ts';

const services = ['api'] as const;

/** Measured from offsets, the log and committed state, whether or not the group's processes run. */
export const lagMetrics = {
  records: gauge({
    name: 'full_sync_lag_records',
    unit: 'records',
    services,
    labels: { group, topic: dataTopics, partition },
    meaning:
      'Records of a partition that the group has not settled: the end of the log less the group’s position (loader, api and destinations: in Postgres; others: its committed offset).',
    whenHigh: 'See full_sync_lag_seconds of the same partition.',
  }),
  seconds: gauge({
    name: 'full_sync_lag_seconds',
    unit: 'seconds',
    services,
    labels: { group, topic: dataTopics, partition },
    meaning:
      'Age of the oldest record that the group has not settled, by the record’s own time; 0 when none waits. Also for groups of which no process runs.',
    whenHigh:
      'The group is dead, stuck or too slow: see up and full_sync_ready of its service, full_sync_consumer_assigned_partitions, and its log. At 7 days records are deleted unread.',
  }),
  position: gauge({
    name: 'full_sync_group_offset',
    unit: 'offset',
    services,
    labels: { group, topic: dataTopics, partition },
    meaning: 'The next offset that the group is to settle. Its rate is the throughput of the group.',
    whenHigh: 'It stands still while full_sync_log_end_offset rises: the group does nothing.',
  }),
  end: gauge({
    name: 'full_sync_log_end_offset',
    unit: 'offset',
    services,
    labels: { topic: dataTopics, partition },
    meaning: 'The next offset that will be written. Its rate is the throughput of those who publish.',
    whenHigh: 'It falls: the topic was deleted and made anew.',
  }),
  start: gauge({
    name: 'full_sync_log_start_offset',
    unit: 'offset',
    services,
    labels: { topic: dataTopics, partition },
    meaning: 'The first offset that is still in the log.',
    whenHigh: 'Above full_sync_group_offset: records were deleted before the group had read them.',
  }),
  throughput: gauge({
    name: 'full_sync_throughput_records_per_second',
    unit: 'records per second',
    services,
    labels: { stage: ['published', 'keyed', 'loaded'] },
    meaning:
      'Raw records published, raw records keyed and events loaded, mean of the last minute, from offsets (as GET /api/metrics).',
    whenHigh: 'The lowest while there is lag is the bottleneck.',
  }),
  lookedAt: gauge({
    name: 'full_sync_lag_measured_timestamp_seconds',
    unit: 'timestamp',
    services,
    labels: {},
    meaning: 'When lag, offsets and throughput were last measured, seconds since 1970; 0 = not yet.',
    whenHigh: 'Long ago: the api cannot ask the broker or Postgres, and the figures are as old; its log says why.',
  }),
  lookSeconds: histogram({
    name: 'full_sync_lag_look_seconds',
    unit: 'seconds',
    services,
    labels: {},
    buckets: answerSeconds,
    meaning: 'Time of one measurement of lag.',
    whenHigh: 'Broker or Postgres answers slowly.',
  }),
  reads: counter({
    name: 'full_sync_lag_log_reads_total',
    unit: 'requests',
    services,
    labels: {},
    meaning:
      'Fetches from the log that told how old the first waiting record is; a position that stands still is read once.',
    whenHigh: 'Many groups work through old records; each costs one batch of the log.',
  }),
} as const;
