import { quantileBy, rateBy, totalBy } from '../expressions.ts';
import type { Row } from '../model.ts';

export const whoReads: Row = {
  title: 'Who reads?',
  panels: [
    {
      title: 'Is every partition read by somebody?',
      description:
        'Partitions of each topic that the members of a service were given, as a share of all; 0 for a service that ran in this time and does not answer. Services that do not read a topic are not shown.',
      kind: 'timeseries',
      unit: 'percentunit',
      below: 'red',
      thresholds: [{ at: 1, colour: 'green', because: 'each partition is read; below, the rest waits for a member' }],
      runbook: 'fullsyncstagestalled',
      queries: [
        {
          expr: '(sum by (service, topic) (full_sync_consumer_assigned_partitions{topic=~"$topic"}) or 0 * sum by (service, topic) (max_over_time(full_sync_consumer_assigned_partitions{topic=~"$topic"}[$__range]))) / on (topic) group_left () count by (topic) (max by (topic, partition) (full_sync_log_end_offset))',
          legend: '{{service}} of {{topic}}',
        },
      ],
    },
    {
      title: 'Are partitions paused?',
      description: 'Partitions that a process has been given and fetches nothing of, by its own decision.',
      kind: 'timeseries',
      unit: 'short',
      thresholds: [
        { at: 1, colour: 'yellow', because: 'a destination does not take events, or is slower than they come' },
      ],
      runbook: 'fullsyncdestinationhalted',
      queries: [
        {
          expr: 'sum by (service, topic) (full_sync_consumer_paused_partitions{topic=~"$topic"})',
          legend: '{{service}} of {{topic}}',
        },
      ],
    },
    {
      title: 'How often do groups rebalance?',
      description: 'Times that members were given partitions anew in the time that the board shows, by service.',
      kind: 'bargauge',
      unit: 'short',
      thresholds: [
        { at: 5, colour: 'yellow', because: 'copies come and go' },
        { at: 20, colour: 'red', because: 'nothing is settled while partitions move' },
      ],
      runbook: 'fullsyncrebalancing',
      queries: [{ expr: totalBy('service', 'full_sync_consumer_rebalances_total'), legend: '{{service}}' }],
    },
    {
      title: 'How many records does a batch hold?',
      description: 'Median of what one fetch brought of one partition. Large batches cost less per record.',
      kind: 'timeseries',
      unit: 'short',
      below: 'blue',
      thresholds: [{ at: 100, colour: 'green', because: 'the round trips are worth it' }],
      runbook: 'lag-grows',
      queries: [
        {
          expr: quantileBy(0.5, 'service', 'full_sync_consumer_batch_records', '{topic=~"$topic"}'),
          legend: '{{service}}',
        },
      ],
    },
    {
      title: 'Why are batches closed?',
      description:
        'Batches a second: end = nothing more was in the partition, bytes = the fetch was full and more waits.',
      kind: 'timeseries',
      unit: 'ops',
      stacked: true,
      thresholds: [{ at: 20, colour: 'blue', because: 'many small batches: fetches wait for nothing' }],
      runbook: 'lag-grows',
      queries: [
        {
          expr: rateBy('service, reason', 'full_sync_consumer_batches_total{topic=~"$topic"}'),
          legend: '{{service}}: {{reason}}',
        },
      ],
    },
    {
      title: 'How long does the keyer take for a batch?',
      description:
        'Median and 95th percentile of the time to settle one batch of one partition, acknowledgements included.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 1, colour: 'yellow', because: 'the broker is slow or the processor full' },
        { at: 5, colour: 'red', because: 'heartbeats may come late' },
      ],
      runbook: 'lag-grows',
      queries: [
        { expr: quantileBy(0.5, '', 'full_sync_keyer_batch_seconds'), legend: 'median' },
        { expr: quantileBy(0.95, '', 'full_sync_keyer_batch_seconds'), legend: '95 %' },
      ],
    },
  ],
};
