import { rateBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';
import { processes } from './overview-processes.ts';

export const overview: Dashboard = {
  slug: 'overview',
  title: 'Overview',
  description: 'Is it healthy, and where is the bottleneck? What every process is doing; where to look next.',
  variables: [{ name: 'service', label: 'Service', metric: 'full_sync_build_info', of: 'service', choose: 'listed' }],
  rows: [
    {
      title: 'Is it healthy?',
      panels: [
        {
          title: 'How many processes do not answer?',
          description:
            'Processes that Prometheus is told to scrape beside ours that answered in this time, and whose last scrape failed; of all services, whatever is chosen above.',
          kind: 'stat',
          unit: 'short',
          width: 4,
          thresholds: [{ at: 1, colour: 'red', because: 'a part of the pipeline stands still, unless it has copies' }],
          runbook: 'fullsyncprocessdown',
          queries: [
            {
              expr: 'sum((up == bool 0) and on (job) group by (job) (max_over_time(full_sync_build_info[$__range])))',
              legend: 'processes',
            },
          ],
        },
        {
          title: 'How many processes are not ready?',
          description: 'Processes that answer, but say (as in /readyz) that work given to them is not taken up now.',
          kind: 'stat',
          unit: 'short',
          width: 4,
          thresholds: [
            { at: 1, colour: 'yellow', because: 'something that a process needs is missing; /readyz says what' },
          ],
          runbook: 'fullsyncnotready',
          queries: [{ expr: 'sum(full_sync_ready{service=~"$service"} == bool 0)', legend: 'processes' }],
        },
        {
          title: 'How old is the oldest record that waits?',
          description:
            'Over the stages of the pipeline, by the records’ own time, from offsets: true for dead stages as well.',
          kind: 'stat',
          unit: 's',
          width: 4,
          thresholds: [
            { at: 30, colour: 'yellow', because: 'extraction pauses until the stages have caught up' },
            { at: 60, colour: 'red', because: 'FullSyncLagHigh is raised when it lasts' },
          ],
          runbook: 'fullsynclaghigh',
          queries: [{ expr: 'max(full_sync_lag_seconds{group=~"keyer|loader|api"})', legend: 'oldest' }],
        },
        {
          title: 'How many jobs are under way?',
          description: 'Jobs that have begun and have not ended; they share the budgets of the accounts.',
          kind: 'stat',
          unit: 'short',
          width: 4,
          thresholds: [{ at: 10, colour: 'yellow', because: 'each gets a tenth of an account’s budget, or less' }],
          runbook: 'a-job-waits',
          queries: [{ expr: 'max(full_sync_jobs{status="in_progress"})', legend: 'jobs' }],
        },
        {
          title: 'How many jobs have failed in this time?',
          description: 'Jobs that ended as failed in the time that the board shows; their status says why.',
          kind: 'stat',
          unit: 'short',
          width: 4,
          thresholds: [{ at: 1, colour: 'red', because: 'somebody misses data: see the error in its status' }],
          runbook: 'fullsyncjobsfailing',
          queries: [{ expr: 'sum(increase(full_sync_jobs_ended_total{status="failed"}[$__range]))', legend: 'jobs' }],
        },
        {
          title: 'How many alerts fire?',
          description: 'Alerts of the rules that came with this board, and any others of this Prometheus.',
          kind: 'stat',
          unit: 'short',
          width: 4,
          thresholds: [{ at: 1, colour: 'red', because: 'each has a section in the runbook' }],
          runbook: 'first-look',
          queries: [{ expr: 'count(ALERTS{alertstate="firing"}) or vector(0)', legend: 'alerts' }],
        },
      ],
    },
    {
      title: 'Where is the bottleneck?',
      panels: [
        {
          title: 'Which stage lags behind?',
          description: 'Age of the oldest record that a group has not settled, whether or not its processes run.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 30, colour: 'yellow', because: 'extraction pauses until keyer and loader have caught up' },
            { at: 60, colour: 'red', because: 'an alert is raised when it lasts' },
          ],
          runbook: 'lag-grows',
          queries: [{ expr: 'max by (group) (full_sync_lag_seconds)', legend: '{{group}}' }],
        },
        {
          title: 'How fast does each stage work?',
          description:
            'Raw records published, raw records keyed and events loaded a second, mean of a minute. While there is lag, the slowest is the bottleneck.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [
            { at: 1, colour: 'green', because: 'records flow; below, there is nothing to do or nothing is done' },
          ],
          runbook: 'lag-grows',
          queries: [{ expr: 'max by (stage) (full_sync_throughput_records_per_second)', legend: '{{stage}}' }],
        },
        {
          title: 'What does the extraction wait for?',
          description:
            'Seconds of waiting a second, added up over accounts and copies: 1 = one account in one copy waits all the time. rate_limit is as it should be in a large sync.',
          kind: 'timeseries',
          unit: 'short',
          stacked: true,
          thresholds: [{ at: 1, colour: 'blue', because: 'as much as one account waits all of the time' }],
          runbook: 'a-job-waits',
          queries: [{ expr: rateBy('reason', 'full_sync_upstream_waiting_seconds_total'), legend: '{{reason}}' }],
        },
      ],
    },
    processes,
  ],
};
