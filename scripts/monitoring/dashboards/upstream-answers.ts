import { increaseBy, quantileBy, rateBy, shareOf } from '../expressions.ts';
import type { Row } from '../model.ts';

const OF = '{platform=~"$platform"}';

export const answers: Row = {
  title: 'What do they answer?',
  panels: [
    {
      title: 'What do the upstreams answer?',
      description: 'Requests a second by HTTP status; none = no answer came. Empty while nothing is asked.',
      kind: 'timeseries',
      unit: 'reqps',
      thresholds: [{ at: 10, colour: 'blue', because: 'as much as Lemlist allows one account' }],
      runbook: 'fullsyncupstreamfailing',
      queries: [
        {
          expr: `${rateBy('platform, status', `full_sync_upstream_requests_total${OF}`)} > 0`,
          legend: '{{platform}} {{status}}',
        },
      ],
    },
    {
      title: 'What share of the requests fails?',
      description: 'Requests that brought nothing and were not just told to wait, of all; 0 while nothing is asked.',
      kind: 'timeseries',
      unit: 'percentunit',
      thresholds: [
        { at: 0.05, colour: 'yellow', because: 'more than the odd failure' },
        { at: 0.2, colour: 'red', because: 'FullSyncUpstreamFailing is raised when it lasts' },
      ],
      runbook: 'fullsyncupstreamfailing',
      queries: [
        {
          expr: shareOf(
            rateBy(
              'platform',
              'full_sync_upstream_outcomes_total{platform=~"$platform", outcome!~"ok|gone|throttled"}',
            ),
            rateBy('platform', `full_sync_upstream_outcomes_total${OF}`),
          ),
          legend: '{{platform}}',
        },
      ],
    },
    {
      title: 'What share of the requests is refused for their rate?',
      description:
        'Answers 429, of all. Our own budget keeps below the limit: refusals come from somebody else’s use of the key.',
      kind: 'timeseries',
      unit: 'percentunit',
      thresholds: [
        { at: 0.01, colour: 'yellow', because: 'the budget of the account shrinks' },
        { at: 0.05, colour: 'red', because: 'FullSyncUpstreamThrottled is raised when it lasts' },
      ],
      runbook: 'fullsyncupstreamthrottled',
      queries: [
        {
          expr: shareOf(
            rateBy('platform', 'full_sync_upstream_outcomes_total{platform=~"$platform", outcome="throttled"}'),
            rateBy('platform', `full_sync_upstream_outcomes_total${OF}`),
          ),
          legend: '{{platform}}',
        },
      ],
    },
    {
      title: 'What came instead of an answer?',
      description: 'Requests by what was made of them, other than ok, in the span of one point. Empty: all were well.',
      kind: 'timeseries',
      unit: 'short',
      thresholds: [
        { at: 1, colour: 'yellow', because: 'a request came to nothing and is tried again, or fails its walk' },
        { at: 100, colour: 'red', because: 'nearly nothing is read' },
      ],
      runbook: 'fullsyncupstreamfailing',
      queries: [
        {
          expr: `${increaseBy('platform, outcome', 'full_sync_upstream_outcomes_total{platform=~"$platform", outcome!="ok"}')} > 0`,
          legend: '{{platform}} {{outcome}}',
        },
      ],
    },
    {
      title: 'How long do the upstreams take to answer?',
      description:
        'Median and 95th percentile of the time to the headers of the answer. Slow answers keep permits out.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 2.5, colour: 'yellow', because: 'the rate falls below what the limit allows' },
        { at: 10, colour: 'red', because: 'requests begin to time out (30 s)' },
      ],
      runbook: 'fullsyncupstreamfailing',
      queries: [
        {
          expr: quantileBy(0.5, 'platform', 'full_sync_upstream_request_seconds', OF),
          legend: '{{platform}} median',
        },
        {
          expr: quantileBy(0.95, 'platform', 'full_sync_upstream_request_seconds', OF),
          legend: '{{platform}} 95 %',
        },
      ],
    },
    {
      title: 'Is a circuit open?',
      description: 'Circuit breaker of the worst account of each platform: while it is open nothing is sent.',
      kind: 'timeseries',
      unit: 'short',
      names: { 0: 'closed', 1: 'half open', 2: 'open' },
      thresholds: [
        { at: 1, colour: 'yellow', because: 'one request probes' },
        { at: 2, colour: 'red', because: 'most requests failed; nothing is sent' },
      ],
      runbook: 'fullsynccircuitopen',
      queries: [{ expr: `max by (platform) (full_sync_upstream_breaker_state${OF})`, legend: '{{platform}}' }],
    },
  ],
};
