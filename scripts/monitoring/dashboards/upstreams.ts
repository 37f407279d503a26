import { increaseBy, quantileBy, rateBy, shareOf } from '../expressions.ts';
import type { Dashboard } from '../model.ts';

const OF = '{platform=~"$platform"}';
const OF_ACCOUNT = '{platform=~"$platform", account=~"$account"}';

export const upstreams: Dashboard = {
  slug: 'upstreams',
  title: 'Upstreams and rate budgets',
  description:
    'What Smartlead and Lemlist answer, what is left of each account’s budget, and what the extraction waits for.',
  variables: [
    { name: 'platform', label: 'Platform', metric: 'full_sync_upstream_breaker_state', of: 'platform', choose: 'any' },
    {
      name: 'account',
      label: 'Account',
      metric: 'full_sync_upstream_budget_limit_requests',
      of: 'account',
      choose: 'any',
    },
  ],
  rows: [
    {
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
          description:
            'Requests that brought nothing and were not just told to wait, of all; 0 while nothing is asked.',
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
          description:
            'Requests by what was made of them, other than ok, in the span of one point. Empty: all were well.',
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
    },
    {
      title: 'What do the budgets allow?',
      panels: [
        {
          title: 'How much of its budget does each account use?',
          description: 'Requests that are out, as a share of what the account allows in its span.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [
            { at: 0.95, colour: 'blue', because: 'the rate limit is the bottleneck, as it should be in a large sync' },
          ],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: `1 - max by (platform, account) (full_sync_upstream_budget_remaining_requests${OF_ACCOUNT}) / max by (platform, account) (full_sync_upstream_budget_limit_requests${OF_ACCOUNT})`,
              legend: '{{account}}',
            },
          ],
        },
        {
          title: 'How many requests are left?',
          description: 'Requests that each account allows now, by the permits that are out, over all copies and jobs.',
          kind: 'timeseries',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'a request may be sent at once' }],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: `max by (platform, account) (full_sync_upstream_budget_remaining_requests${OF_ACCOUNT})`,
              legend: '{{account}}',
            },
          ],
        },
        {
          title: 'How many requests does each account allow?',
          description: 'Requests in the span that binds, lowered by what refusals taught; it rises again by itself.',
          kind: 'timeseries',
          unit: 'short',
          below: 'red',
          thresholds: [{ at: 2, colour: 'green', because: 'below, refusals have taken the whole budget away' }],
          runbook: 'fullsyncupstreamthrottled',
          queries: [
            {
              expr: `max by (platform, account) (full_sync_upstream_budget_limit_requests${OF_ACCOUNT})`,
              legend: '{{account}}',
            },
          ],
        },
        {
          title: 'Which accounts are paused?',
          description: 'Time until each account may be asked again, as the upstream asked for after a refusal.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'it is waited for' },
            { at: 300, colour: 'red', because: 'minutes: somebody else uses the key up' },
          ],
          runbook: 'fullsyncupstreamthrottled',
          queries: [
            {
              expr: `max by (platform, account) (full_sync_upstream_budget_paused_seconds${OF_ACCOUNT})`,
              legend: '{{account}}',
            },
          ],
        },
        {
          title: 'What do the accounts wait for?',
          description:
            'Seconds of waiting a second, over accounts and copies: for the limit, a job’s own pace, the stages behind, memory, or work.',
          kind: 'timeseries',
          unit: 'short',
          stacked: true,
          thresholds: [{ at: 1, colour: 'blue', because: 'as much as one account waits all of the time' }],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: rateBy('platform, reason', `full_sync_upstream_waiting_seconds_total${OF}`),
              legend: '{{platform}}: {{reason}}',
            },
          ],
        },
        {
          title: 'What do the walks do?',
          description:
            'Walks of open jobs that are not done, by platform: in work, ready, waiting for their time, or held.',
          kind: 'timeseries',
          unit: 'short',
          stacked: true,
          thresholds: [{ at: 1_000, colour: 'blue', because: 'many campaigns or windows are still to be read' }],
          runbook: 'fullsyncnobodyextracts',
          queries: [{ expr: `max by (platform, state) (full_sync_streams${OF})`, legend: '{{platform}}: {{state}}' }],
        },
      ],
    },
    {
      title: 'What does the extractor do?',
      panels: [
        {
          title: 'How many records are read?',
          description:
            'Records a second: published, dead-lettered (too large or too deep), or outside of the window asked for.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'records are read' }],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: rateBy('platform, outcome', `full_sync_extractor_records_total${OF}`),
              legend: '{{platform}}: {{outcome}}',
            },
          ],
        },
        {
          title: 'What becomes of chunks?',
          description:
            'Chunks a second: committed, failed with their page, stale (the lease ran out), or with a permit that was not needed.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 0.01, colour: 'green', because: 'chunks come out so; “stale” ones are read again' }],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: rateBy('platform, outcome', `full_sync_extractor_chunks_total${OF}`),
              legend: '{{platform}}: {{outcome}}',
            },
          ],
        },
        {
          title: 'How long does a chunk take?',
          description: '95th percentile from its claim to its commit, the wait for its slot included.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 10, colour: 'yellow', because: 'pages are large, or the upstream is slow' },
            { at: 60, colour: 'red', because: 'leases may run out' },
          ],
          runbook: 'a-job-waits',
          queries: [
            { expr: quantileBy(0.95, 'platform', 'full_sync_extractor_chunk_seconds', OF), legend: '{{platform}}' },
          ],
        },
        {
          title: 'How many records does a chunk bring?',
          description: 'Median of the records of a committed chunk. Small ones spend the budget on little.',
          kind: 'timeseries',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 50, colour: 'green', because: 'a request brings what it is worth' }],
          runbook: 'a-job-waits',
          queries: [
            { expr: quantileBy(0.5, 'platform', 'full_sync_extractor_chunk_records', OF), legend: '{{platform}}' },
          ],
        },
        {
          title: 'Does the source change while it is read?',
          description:
            'Windows read again, halved, or taken as a union in the span of a point, because their pages did not fit together.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'a window was read more than once' },
            { at: 20, colour: 'red', because: 'much of the budget goes into reading again: sync at a quieter hour' },
          ],
          runbook: 'a-job-waits',
          queries: [
            {
              expr: increaseBy('platform, event', `full_sync_extractor_window_events_total${OF}`),
              legend: '{{platform}}: {{event}}',
            },
          ],
        },
        {
          title: 'How many chunks are in work?',
          description: 'Chunks being worked on; each job has at most parallelWorkers of an account.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [{ at: 32, colour: 'yellow', because: 'more than one job may have: several share the accounts' }],
          runbook: 'a-job-waits',
          queries: [{ expr: `sum by (platform) (full_sync_extractor_chunks_in_flight${OF})`, legend: '{{platform}}' }],
        },
        {
          title: 'How many bytes are held?',
          description:
            'Bytes of records held or reserved by chunks of each copy; bounded at 32 MiB but for a single larger page.',
          kind: 'timeseries',
          unit: 'bytes',
          thresholds: [
            { at: 25_165_824, colour: 'yellow', because: 'pages are large or the broker is slow' },
            { at: 33_554_432, colour: 'red', because: 'at the bound: claims wait (reason memory)' },
          ],
          runbook: 'a-job-waits',
          queries: [{ expr: 'full_sync_extractor_held_bytes', legend: '{{instance}}' }],
        },
        {
          title: 'Is the extraction held back?',
          description: 'Whether any copy pauses because the stages behind it lag, or the broker does not answer.',
          kind: 'timeseries',
          unit: 'bool',
          names: { 0: 'no', 1: 'yes' },
          thresholds: [{ at: 1, colour: 'yellow', because: 'nothing is read until keyer and loader have caught up' }],
          runbook: 'fullsyncextractionheldback',
          queries: [{ expr: 'max(full_sync_extractor_held_back)', legend: 'held back' }],
        },
        {
          title: 'How far behind does the extractor see the stages?',
          description:
            'Age of the oldest record not yet keyed or loaded, by which the extractor decides whether to go on.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [{ at: 30, colour: 'yellow', because: 'extraction pauses' }],
          runbook: 'fullsyncextractionheldback',
          queries: [{ expr: 'max by (stage) (full_sync_extractor_downstream_lag_seconds)', legend: '{{stage}}' }],
        },
      ],
    },
  ],
};
