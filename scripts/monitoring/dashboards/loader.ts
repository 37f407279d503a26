import { increaseBy, quantileBy, rateBy, shareOf } from '../expressions.ts';
import type { Dashboard } from '../model.ts';

export const loader: Dashboard = {
  slug: 'loader',
  title: 'Loader and Postgres',
  description:
    'What becomes of events in Postgres, how long their transactions take, and who waits for connections and locks.',
  variables: [
    { name: 'platform', label: 'Platform', metric: 'full_sync_loader_events_total', of: 'platform', choose: 'any' },
    { name: 'service', label: 'Service', metric: 'full_sync_database_connections', of: 'service', choose: 'any' },
  ],
  rows: [
    {
      title: 'What becomes of events?',
      panels: [
        {
          title: 'What becomes of events?',
          description:
            'Events a second: a row was created, the fact was there, its key belongs to another fact, or Postgres refuses it.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'events are settled' }],
          runbook: 'lag-grows',
          queries: [
            {
              expr: rateBy('outcome', 'full_sync_loader_events_total{platform=~"$platform"}'),
              legend: '{{outcome}}',
            },
          ],
        },
        {
          title: 'What share of the events collides?',
          description:
            'Events whose key belongs to another fact, of all. The first one stays; the other is set aside in event_collisions.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [
            {
              at: 0.001,
              colour: 'yellow',
              because: 'ids of the source are used twice, or facts change under their ids',
            },
            { at: 0.01, colour: 'red', because: 'FullSyncCollisions is raised' },
          ],
          runbook: 'fullsynccollisions',
          queries: [
            {
              expr: shareOf(
                rateBy('platform', 'full_sync_loader_events_total{platform=~"$platform", outcome="collision"}'),
                rateBy('platform', 'full_sync_loader_events_total{platform=~"$platform"}'),
              ),
              legend: '{{platform}}',
            },
          ],
        },
        {
          title: 'Which records are no new events?',
          description:
            'Records in the span of a point: redelivered by Kafka, published again by a keyer, late ones of ended jobs, or unreadable.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'processes were restarted; nothing is doubled' },
            { at: 100_000, colour: 'orange', because: 'much is done twice: processes restart often' },
          ],
          runbook: 'fullsyncprocessrestarting',
          queries: [{ expr: increaseBy('reason', 'full_sync_loader_dropped_records_total'), legend: '{{reason}}' }],
        },
      ],
    },
    {
      title: 'How long does it take?',
      panels: [
        {
          title: 'How long until a batch is committed?',
          description:
            'Median and 95th percentile from the arrival of a batch to its commit, waits for locks included.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'longer than a full batch takes when all is well' },
            { at: 5, colour: 'red', because: 'FullSyncFlushSlow is raised when it lasts' },
          ],
          runbook: 'fullsyncflushslow',
          queries: [
            { expr: quantileBy(0.5, 'path', 'full_sync_loader_flush_seconds'), legend: '{{path}} median' },
            { expr: quantileBy(0.95, 'path', 'full_sync_loader_flush_seconds'), legend: '{{path}} 95 %' },
          ],
        },
        {
          title: 'How long does a COPY take?',
          description: '95th percentile of one COPY: direct into the table, or staged into a temporary one.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'indexes, triggers or the storage are slow' },
            { at: 2.5, colour: 'red', because: 'most of what a batch may take' },
          ],
          runbook: 'fullsyncflushslow',
          queries: [{ expr: quantileBy(0.95, 'path', 'full_sync_loader_copy_seconds'), legend: '{{path}}' }],
        },
        {
          title: 'What share of the batches holds duplicates?',
          description: 'Batches that went by way of a temporary table, of all: those of syncs that are repeated.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [{ at: 0.5, colour: 'blue', because: 'most of what is read is known: a repeated sync' }],
          runbook: 'lag-grows',
          queries: [
            {
              expr: shareOf(
                'sum(rate(full_sync_loader_flush_seconds_count{path="staged"}[$__rate_interval]))',
                'sum(rate(full_sync_loader_flush_seconds_count[$__rate_interval]))',
              ),
              legend: 'staged',
            },
          ],
        },
        {
          title: 'How many events does a transaction hold?',
          description: 'Median of the events of one transaction. Small ones pay for the commit with little.',
          kind: 'timeseries',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 500, colour: 'green', because: 'the commit is worth it' }],
          runbook: 'lag-grows',
          queries: [{ expr: quantileBy(0.5, '', 'full_sync_loader_batch_events'), legend: 'median' }],
        },
        {
          title: 'Do batches have to begin again?',
          description:
            'Transactions of the loader begun again in the span of a point, for locks or conflicts of others.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'somebody holds locks of the pipeline' },
            { at: 20, colour: 'red', because: 'the loader makes little way' },
          ],
          runbook: 'fullsyncflushslow',
          queries: [
            { expr: 'sum(increase(full_sync_loader_flush_retries_total[$__rate_interval]))', legend: 'retries' },
          ],
        },
        {
          title: 'How old are events when they are committed?',
          description: 'Median and 95th percentile of the age since the keyer published them: the loader’s own part.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 10, colour: 'yellow', because: 'more than a few batches wait' },
            { at: 60, colour: 'red', because: 'the loader is behind' },
          ],
          runbook: 'fullsyncflushslow',
          queries: [
            {
              expr: quantileBy(0.5, '', 'full_sync_loader_event_age_seconds', '{since="published"}'),
              legend: 'median',
            },
            {
              expr: quantileBy(0.95, '', 'full_sync_loader_event_age_seconds', '{since="published"}'),
              legend: '95 %',
            },
          ],
        },
      ],
    },
    {
      title: 'How is Postgres?',
      panels: [
        {
          title: 'How many connections are busy?',
          description:
            'Connections of each service’s pools that are lent out; a process has at most DATABASE_POOL_MAX of them.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [{ at: 10, colour: 'yellow', because: 'all that one process has by default' }],
          runbook: 'fullsyncconnectionsusedup',
          queries: [
            {
              expr: 'sum by (service, state) (full_sync_database_connections{service=~"$service"})',
              legend: '{{service}} {{state}}',
            },
          ],
        },
        {
          title: 'Does anybody wait for a connection?',
          description: 'Callers that wait for a connection of their pool now.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'all connections of the process are busy' },
            { at: 20, colour: 'red', because: 'statements are slow, or wait for locks' },
          ],
          runbook: 'fullsyncconnectionsusedup',
          queries: [
            {
              expr: 'sum by (service) (full_sync_database_waiting_requests{service=~"$service"})',
              legend: '{{service}}',
            },
          ],
        },
        {
          title: 'Why do transactions begin again?',
          description: 'Transactions begun anew in the span of a point, for what is nobody’s fault, by reason.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'two of them got in each other’s way' },
            { at: 50, colour: 'red', because: 'locks of an open session are in the way' },
          ],
          runbook: 'fullsyncflushslow',
          queries: [
            {
              expr: increaseBy('service, reason', 'full_sync_database_transaction_retries_total{service=~"$service"}'),
              legend: '{{service}}: {{reason}}',
            },
          ],
        },
      ],
    },
  ],
};
