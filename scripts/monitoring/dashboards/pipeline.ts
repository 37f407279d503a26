import { quantileBy, rateBy, totalBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';

export const pipeline: Dashboard = {
  slug: 'pipeline',
  title: 'Pipeline lag and throughput',
  description:
    'How far each group is behind, in records and in seconds; how fast each stage works, and what holds it up.',
  variables: [
    { name: 'group', label: 'Group', metric: 'full_sync_lag_records', of: 'group', choose: 'any' },
    { name: 'topic', label: 'Topic', metric: 'full_sync_lag_records', of: 'topic', choose: 'any' },
  ],
  rows: [
    {
      title: 'How far behind?',
      panels: [
        {
          title: 'How old is the oldest record that waits?',
          description:
            'Per group and topic, by the record’s own time: from offsets and the log, measured by the api at each scrape, whether or not the group’s processes run.',
          kind: 'timeseries',
          unit: 's',
          width: 12,
          thresholds: [
            { at: 30, colour: 'yellow', because: 'extraction pauses until keyer and loader have caught up' },
            {
              at: 60,
              colour: 'red',
              because: 'an alert is raised when it lasts; after 7 days records are deleted unread',
            },
          ],
          runbook: 'fullsynclaghigh',
          queries: [
            {
              expr: 'max by (group, topic) (full_sync_lag_seconds{group=~"$group", topic=~"$topic"})',
              legend: '{{group}} of {{topic}}',
            },
          ],
        },
        {
          title: 'How many records wait?',
          description: 'End of the log less the position of the group, added up over the partitions.',
          kind: 'timeseries',
          unit: 'short',
          width: 12,
          thresholds: [{ at: 100_000, colour: 'yellow', because: 'several seconds of work for a stage at full speed' }],
          runbook: 'fullsynclaghigh',
          queries: [
            {
              expr: 'sum by (group, topic) (max by (group, topic, partition) (full_sync_lag_records{group=~"$group", topic=~"$topic"}))',
              legend: '{{group}} of {{topic}}',
            },
          ],
        },
        {
          title: 'Which partitions wait longest?',
          description: 'The twelve partitions with the oldest waiting records. One alone: a batch of it does not end.',
          kind: 'bargauge',
          unit: 's',
          thresholds: [
            { at: 30, colour: 'yellow', because: 'extraction pauses' },
            { at: 60, colour: 'red', because: 'an alert is raised when it lasts' },
          ],
          runbook: 'fullsyncstagestalled',
          queries: [
            {
              expr: 'topk(12, max by (group, topic, partition) (full_sync_lag_seconds{group=~"$group", topic=~"$topic"}))',
              legend: '{{group}} {{topic}}/{{partition}}',
            },
          ],
        },
        {
          title: 'How old are these figures?',
          description:
            'Time since any api last measured lag, also while none answers. Old figures look the same as good ones.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 5, colour: 'yellow', because: 'broker or Postgres answers slowly' },
            { at: 30, colour: 'red', because: 'no api measures: what the other panels show is history' },
          ],
          runbook: 'fullsynclagunmeasured',
          queries: [
            {
              expr: 'time() - max(max_over_time(full_sync_lag_measured_timestamp_seconds[$__range]))',
              legend: 'age',
            },
          ],
        },
        {
          title: 'How much of the log is still there for slow readers?',
          description: 'Records between the start of the log and where a group stands: what it could be set back by.',
          kind: 'timeseries',
          unit: 'short',
          below: 'red',
          thresholds: [
            { at: 0, colour: 'green', because: 'below, records were deleted before the group had read them' },
          ],
          runbook: 'fullsyncrecordsdeleted',
          queries: [
            {
              expr: 'min by (group, topic) (max by (group, topic, partition) (full_sync_group_offset{group=~"$group", topic=~"$topic"}) - on (topic, partition) group_left () max by (topic, partition) (full_sync_log_start_offset))',
              legend: '{{group}} of {{topic}}',
            },
          ],
        },
      ],
    },
    {
      title: 'How fast?',
      panels: [
        {
          title: 'How fast is each topic written?',
          description: 'Records a second, from the ends of the log: what all producers together bring.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'records are published' }],
          runbook: 'lag-grows',
          queries: [
            {
              expr: 'sum by (topic) (clamp_min(max by (topic, partition) (deriv(full_sync_log_end_offset{topic=~"$topic"}[$__rate_interval])), 0))',
              legend: '{{topic}}',
            },
          ],
        },
        {
          title: 'How fast does each group settle records?',
          description:
            'Records a second, from the positions of the groups: work that is committed, repeats not counted.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'records are settled' }],
          runbook: 'fullsyncstagestalled',
          queries: [
            {
              expr: 'sum by (group, topic) (clamp_min(max by (group, topic, partition) (deriv(full_sync_group_offset{group=~"$group", topic=~"$topic"}[$__rate_interval])), 0))',
              legend: '{{group}} of {{topic}}',
            },
          ],
        },
        {
          title: 'How fast does each service publish?',
          description: 'Records a second that the broker acknowledged, as the producers count them, repeats included.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'records are published' }],
          runbook: 'lag-grows',
          queries: [{ expr: rateBy('service', 'full_sync_producer_records_total'), legend: '{{service}}' }],
        },
        {
          title: 'How old are events when they can be queried?',
          description:
            '95th percentile of the age of an event when its row was committed: since its record was fetched, and since the keyer published it.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 10, colour: 'yellow', because: 'a stage has more than a few batches before it' },
            { at: 60, colour: 'red', because: 'a stage is behind: compare the two lines' },
          ],
          runbook: 'lag-grows',
          queries: [
            {
              expr: quantileBy(0.95, 'since', 'full_sync_loader_event_age_seconds', '{since!="source"}'),
              legend: 'since {{since}}',
            },
          ],
        },
        {
          title: 'How old are events by the time of the source?',
          description:
            'Median age of an event when its row was committed, since it happened. It tells how late syncs are.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 3_600, colour: 'yellow', because: 'syncs are rarer than hourly' },
            { at: 86_400, colour: 'blue', because: 'history is being read, or syncs are rarer than daily' },
          ],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: quantileBy(0.5, '', 'full_sync_loader_event_age_seconds', '{since="source"}'),
              legend: 'since it happened',
            },
          ],
        },
        {
          title: 'How long do raw records wait for the keyer?',
          description:
            '95th percentile of the age of a raw record, since its publishing, when its events were acknowledged.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 5, colour: 'yellow', because: 'more than a few batches wait' },
            { at: 30, colour: 'red', because: 'extraction pauses' },
          ],
          runbook: 'lag-grows',
          queries: [{ expr: quantileBy(0.95, '', 'full_sync_keyer_age_seconds'), legend: 'age' }],
        },
      ],
    },
    {
      title: 'Who reads?',
      panels: [
        {
          title: 'Is every partition read by somebody?',
          description:
            'Partitions of each topic that the members of a service were given, as a share of all; 0 for a service that ran in this time and does not answer. Services that do not read a topic are not shown.',
          kind: 'timeseries',
          unit: 'percentunit',
          below: 'red',
          thresholds: [
            { at: 1, colour: 'green', because: 'each partition is read; below, the rest waits for a member' },
          ],
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
    },
    {
      title: 'What do keyer and broker do?',
      panels: [
        {
          title: 'What becomes of raw records?',
          description: 'Raw records a second: events were made of them, they hold none, or they were dead-lettered.',
          kind: 'timeseries',
          unit: 'ops',
          stacked: true,
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'records are keyed' }],
          runbook: 'fullsyncdeadletters',
          queries: [{ expr: rateBy('outcome', 'full_sync_keyer_records_total'), legend: '{{outcome}}' }],
        },
        {
          title: 'How many events are made of them?',
          description: 'Events a second that the keyer published, by the raw topic they come from.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'events are published' }],
          runbook: 'lag-grows',
          queries: [{ expr: rateBy('topic', 'full_sync_keyer_events_total'), legend: '{{topic}}' }],
        },
        {
          title: 'How fast does the broker acknowledge?',
          description:
            '95th percentile of one send, up to the acknowledgement of all in-sync replicas, retries included.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'slow for a broker that is near' },
            { at: 2.5, colour: 'red', because: 'FullSyncBrokerSlow is raised when it lasts' },
          ],
          runbook: 'fullsyncbrokerslow',
          queries: [{ expr: quantileBy(0.95, 'service', 'full_sync_producer_request_seconds'), legend: '{{service}}' }],
        },
        {
          title: 'Are sends given up?',
          description: 'Sends that were given up in the time that the board shows; the stage repeats its work.',
          kind: 'bargauge',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'red', because: 'the broker could not be reached, or refused' }],
          runbook: 'the-broker-is-down',
          queries: [{ expr: totalBy('service', 'full_sync_producer_failures_total'), legend: '{{service}}' }],
        },
        {
          title: 'How long does measuring the lag take?',
          description:
            '95th percentile of one measurement. It asks the broker for all offsets and Postgres for positions.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'broker or Postgres answers slowly' },
            { at: 1, colour: 'red', because: 'the figures are older than a second' },
          ],
          runbook: 'fullsynclagunmeasured',
          queries: [{ expr: quantileBy(0.95, '', 'full_sync_lag_look_seconds'), legend: '95 %' }],
        },
        {
          title: 'How often is the log read to tell how old records are?',
          description: 'Fetches a second for the time of the oldest waiting record; each costs the broker one batch.',
          kind: 'timeseries',
          unit: 'reqps',
          thresholds: [{ at: 50, colour: 'yellow', because: 'many groups work through old records' }],
          runbook: 'fullsynclagunmeasured',
          queries: [{ expr: 'sum(rate(full_sync_lag_log_reads_total[$__rate_interval]))', legend: 'fetches' }],
        },
      ],
    },
  ],
};
