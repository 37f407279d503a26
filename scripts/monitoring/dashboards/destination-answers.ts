import { increaseBy, quantileBy, rateBy, shareOf } from '../expressions.ts';
import type { Row } from '../model.ts';

const OF = '{destination=~"$destination"}';

export const answers: Row = {
  title: 'What do they answer?',
  panels: [
    {
      title: 'What do the destinations answer?',
      description: 'Requests a second by HTTP status; none = no answer came. Empty while nothing is sent.',
      kind: 'timeseries',
      unit: 'reqps',
      thresholds: [{ at: 25, colour: 'blue', because: 'as much as Attio lets one workspace write' }],
      runbook: 'fullsyncdestinationfailing',
      queries: [
        {
          expr: `${rateBy('destination, status', `full_sync_delivery_requests_total${OF}`)} > 0`,
          legend: '{{destination}} {{status}}',
        },
      ],
    },
    {
      title: 'What share of the requests fails?',
      description:
        'Requests that brought nothing and were not just told to wait, of all; 0 while nothing is sent. They are made again.',
      kind: 'timeseries',
      unit: 'percentunit',
      thresholds: [
        { at: 0.05, colour: 'yellow', because: 'more than the odd failure' },
        { at: 0.2, colour: 'red', because: 'FullSyncDestinationFailing is raised when it lasts' },
      ],
      runbook: 'fullsyncdestinationfailing',
      queries: [
        {
          expr: shareOf(
            rateBy(
              'destination',
              'full_sync_delivery_retries_total{destination=~"$destination", reason!~"throttled|circuit_open"}',
            ),
            rateBy('destination', `full_sync_delivery_requests_total${OF}`),
          ),
          legend: '{{destination}}',
        },
      ],
    },
    {
      title: 'How long do the destinations take to answer?',
      description: 'Median and 95th percentile of one request, answered or not.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 2.5, colour: 'yellow', because: 'slow; lag grows where events come faster' },
        { at: 10, colour: 'red', because: 'requests begin to time out' },
      ],
      runbook: 'fullsyncdestinationfailing',
      queries: [
        {
          expr: quantileBy(0.5, 'destination', 'full_sync_delivery_request_seconds', OF),
          legend: '{{destination}} median',
        },
        {
          expr: quantileBy(0.95, 'destination', 'full_sync_delivery_request_seconds', OF),
          legend: '{{destination}} 95 %',
        },
      ],
    },
    {
      title: 'Why are batches sent again?',
      description: 'Batches in the span of a point of which nothing is known to be accepted, by reason.',
      kind: 'timeseries',
      unit: 'short',
      thresholds: [
        { at: 1, colour: 'yellow', because: 'the destination or the way there fails; what it has is not doubled' },
        { at: 50, colour: 'red', because: 'nearly nothing arrives' },
      ],
      runbook: 'fullsyncdestinationfailing',
      queries: [
        {
          expr: increaseBy('destination, reason', `full_sync_delivery_retries_total${OF}`),
          legend: '{{destination}}: {{reason}}',
        },
      ],
    },
    {
      title: 'What do the destinations wait for?',
      description:
        'Seconds of waiting a second, added up over batches: our own rate, theirs, a failure, credentials, or another copy.',
      kind: 'timeseries',
      unit: 'short',
      stacked: true,
      thresholds: [{ at: 1, colour: 'blue', because: 'as much as one batch waits all of the time' }],
      runbook: 'fullsyncdestinationbehind',
      queries: [
        {
          expr: rateBy('destination, reason', `full_sync_delivery_waiting_seconds_total${OF}`),
          legend: '{{destination}}: {{reason}}',
        },
      ],
    },
    {
      title: 'How many events does a batch hold?',
      description: 'Median of the events of one batch handed to a destination.',
      kind: 'timeseries',
      unit: 'short',
      below: 'blue',
      thresholds: [{ at: 100, colour: 'green', because: 'the requests are worth it' }],
      runbook: 'fullsyncdestinationbehind',
      queries: [
        {
          expr: quantileBy(0.5, 'destination', 'full_sync_delivery_batch_events', OF),
          legend: '{{destination}}',
        },
      ],
    },
    {
      title: 'Why are batches closed?',
      description: 'Batches a second: full by events or bytes, by age, or because nothing more was there.',
      kind: 'timeseries',
      unit: 'ops',
      stacked: true,
      thresholds: [{ at: 10, colour: 'blue', because: 'many small batches' }],
      runbook: 'fullsyncdestinationbehind',
      queries: [
        {
          expr: rateBy('destination, reason', `full_sync_delivery_batches_total${OF}`),
          legend: '{{destination}}: {{reason}}',
        },
      ],
    },
  ],
};
