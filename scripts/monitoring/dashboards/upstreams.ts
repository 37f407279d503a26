import { rateBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';
import { answers } from './upstream-answers.ts';
import { extractor } from './upstream-extractor.ts';

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
    answers,
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
    extractor,
  ],
};
