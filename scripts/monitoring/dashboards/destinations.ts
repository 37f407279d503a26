import { quantileBy, rateBy, totalBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';
import { answers } from './destination-answers.ts';

const OF = '{destination=~"$destination"}';

export const destinations: Dashboard = {
  slug: 'destinations',
  title: 'Destinations',
  description: 'What Mixpanel, Attio and other destinations take, how far behind they are, and what they wait for.',
  variables: [
    {
      name: 'destination',
      label: 'Destination',
      metric: 'full_sync_deliveries_total',
      of: 'destination',
      choose: 'any',
    },
  ],
  rows: [
    {
      title: 'Do events arrive?',
      panels: [
        {
          title: 'How many events does each destination settle?',
          description: 'Events a second: acknowledged, not meant for it, or refused for their own fault.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'events arrive' }],
          runbook: 'fullsyncdestinationbehind',
          queries: [
            {
              expr: rateBy('destination, outcome', `full_sync_deliveries_total${OF}`),
              legend: '{{destination}}: {{outcome}}',
            },
          ],
        },
        {
          title: 'How far behind is each destination?',
          description:
            'Age of the oldest event that it has not settled, from offsets, whether or not its processes run.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 60, colour: 'yellow', because: 'FullSyncDestinationBehind is raised when it lasts for half an hour' },
            { at: 518_400, colour: 'red', because: 'six days: in another one events are deleted undelivered' },
          ],
          runbook: 'fullsyncdestinationbehind',
          queries: [
            {
              expr: 'max by (group) (full_sync_lag_seconds{group=~"$destination", group!~"keyer|loader|api"})',
              legend: '{{group}}',
            },
          ],
        },
        {
          title: 'How old are events when they arrive?',
          description: '95th percentile of the age of an event when it was acknowledged, since the keyer published it.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 60, colour: 'yellow', because: 'the destination is behind' },
            { at: 3_600, colour: 'red', because: 'an hour behind' },
          ],
          runbook: 'fullsyncdestinationbehind',
          queries: [
            {
              expr: quantileBy(
                0.95,
                'destination',
                'full_sync_delivery_age_seconds',
                '{destination=~"$destination", since="published"}',
              ),
              legend: '{{destination}}',
            },
          ],
        },
        {
          title: 'How many events were refused in this time?',
          description:
            'Events that a destination refused for their own fault in the time that the board shows; they are dead letters.',
          kind: 'bargauge',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'red', because: 'FullSyncDeliveriesRefused is raised' }],
          runbook: 'fullsyncdeliveriesrefused',
          queries: [
            {
              expr: totalBy('destination', 'full_sync_deliveries_total{destination=~"$destination", outcome="failed"}'),
              legend: '{{destination}}',
            },
          ],
        },
        {
          title: 'Does a destination want something mended?',
          description:
            'Targets that take nothing until somebody mends something, usually credentials. Their events wait.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'red', because: 'FullSyncDestinationHalted is raised when it lasts' }],
          runbook: 'fullsyncdestinationhalted',
          queries: [{ expr: `max by (destination) (full_sync_delivery_halted${OF})`, legend: '{{destination}}' }],
        },
        {
          title: 'How many events are set aside?',
          description:
            'Events of targets that take nothing, kept in Postgres so that other targets go on. 0 where all go to one target: then they wait in Kafka.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'yellow', because: 'a target takes nothing, or is being caught up with' }],
          runbook: 'fullsyncdestinationhalted',
          queries: [
            { expr: `max by (destination) (full_sync_delivery_parked_events${OF})`, legend: '{{destination}}' },
          ],
        },
        {
          title: 'Is a circuit open?',
          description: 'Circuit breaker of the worst target of each destination: while it is open nothing is sent.',
          kind: 'timeseries',
          unit: 'short',
          names: { 0: 'closed', 1: 'half open', 2: 'open' },
          thresholds: [
            { at: 1, colour: 'yellow', because: 'one request probes' },
            { at: 2, colour: 'red', because: 'most requests failed; nothing is sent' },
          ],
          runbook: 'fullsyncdestinationfailing',
          queries: [
            { expr: `max by (destination) (full_sync_delivery_breaker_state${OF})`, legend: '{{destination}}' },
          ],
        },
      ],
    },
    answers,
    {
      title: 'What else?',
      panels: [
        {
          title: 'Which records are no work?',
          description:
            'Records a second of jobs that did not ask for the destination, repeats, late ones, or unreadable ones.',
          kind: 'timeseries',
          unit: 'ops',
          stacked: true,
          thresholds: [{ at: 1, colour: 'blue', because: 'not_asked is normal; repeats come with restarts' }],
          runbook: 'fullsyncprocessrestarting',
          queries: [
            {
              expr: rateBy('destination, reason', `full_sync_delivery_dropped_records_total${OF}`),
              legend: '{{destination}}: {{reason}}',
            },
          ],
        },
        {
          title: 'How long does the ledger take?',
          description: '95th percentile of one transaction of the ledger, without which nothing is sent.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'Postgres is slow, or locks are waited for' },
            { at: 5, colour: 'red', because: 'the ledger is the bottleneck' },
          ],
          runbook: 'fullsyncflushslow',
          queries: [
            {
              expr: quantileBy(0.95, 'destination', 'full_sync_delivery_settle_seconds', OF),
              legend: '{{destination}}',
            },
          ],
        },
        {
          title: 'How many totals are still to be written?',
          description: 'People (in Attio) whose totals have changed and are not written yet; later changes go along.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1_500, colour: 'yellow', because: 'a minute of writes at 25 a second' },
            { at: 90_000, colour: 'red', because: 'an hour of writes' },
          ],
          runbook: 'fullsyncdestinationbehind',
          queries: [{ expr: `sum by (destination) (full_sync_delivery_open_totals${OF})`, legend: '{{destination}}' }],
        },
        {
          title: 'How old are events by the time of the source?',
          description:
            'Median age of an event when it was acknowledged, since it happened. It tells how late syncs are.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 3_600, colour: 'yellow', because: 'syncs are rarer than hourly' },
            { at: 86_400, colour: 'blue', because: 'history is being sent, or syncs are rarer than daily' },
          ],
          runbook: 'fullsyncdestinationbehind',
          queries: [
            {
              expr: quantileBy(
                0.5,
                'destination',
                'full_sync_delivery_age_seconds',
                '{destination=~"$destination", since="source"}',
              ),
              legend: '{{destination}}',
            },
          ],
        },
      ],
    },
  ],
};
