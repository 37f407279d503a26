import { quantileBy, rateBy, totalBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';
import { howFar } from './pipeline-lag.ts';
import { howFast } from './pipeline-speed.ts';
import { whoReads } from './pipeline-readers.ts';

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
    howFar,
    howFast,
    whoReads,
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
