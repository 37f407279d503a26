import { rateBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';

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
    {
      title: 'How are the processes?',
      panels: [
        {
          title: 'Which processes start again and again?',
          description: 'Starts of each process in the time that the board shows, the first one left out.',
          kind: 'bargauge',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'it ended once, or was rolled out' },
            { at: 3, colour: 'red', because: 'it ends again and again; its last fatal line says why' },
          ],
          runbook: 'fullsyncprocessrestarting',
          queries: [
            {
              expr: 'changes(process_start_time_seconds{service=~"$service"}[$__range])',
              legend: '{{service}} {{instance}}',
            },
          ],
        },
        {
          title: 'Is the thread of a process full?',
          description: 'Share of the time in which the event loop does something. A process cannot do more than 100 %.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [
            { at: 0.7, colour: 'yellow', because: 'little is left for a peak' },
            { at: 0.9, colour: 'red', because: 'it is the bottleneck: start another copy of the service' },
          ],
          runbook: 'lag-grows',
          queries: [
            {
              expr: 'rate(nodejs_eventloop_busy_seconds_total{service=~"$service"}[$__rate_interval])',
              legend: '{{service}} {{instance}}',
            },
          ],
        },
        {
          title: 'How late are the event loops?',
          description:
            '99th percentile of the delay of timers, as heartbeats feel it. Long synchronous work shows here.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 0.2, colour: 'yellow', because: 'answers of the process are felt to be slow' },
            { at: 1, colour: 'red', because: 'heartbeats come late and the group rebalances' },
          ],
          runbook: 'fullsyncrebalancing',
          queries: [
            { expr: 'nodejs_eventloop_lag_p99_seconds{service=~"$service"}', legend: '{{service}} {{instance}}' },
          ],
        },
        {
          title: 'How much memory do processes take?',
          description:
            'Resident memory. One that is well takes up to 200 MiB; the container of compose ends at 768 MiB.',
          kind: 'timeseries',
          unit: 'bytes',
          thresholds: [
            { at: 419_430_400, colour: 'yellow', because: 'twice of what a process takes that is well' },
            { at: 734_003_200, colour: 'red', because: 'the container is about to be ended for it' },
          ],
          runbook: 'fullsyncprocessrestarting',
          queries: [{ expr: 'process_resident_memory_bytes{service=~"$service"}', legend: '{{service}} {{instance}}' }],
        },
        {
          title: 'How much of the processor do processes take?',
          description:
            'Processor seconds a second: 1 = one core. Garbage collection and encoding run beside the one thread.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'more than its one thread: much garbage is collected' },
            { at: 1.9, colour: 'red', because: 'the limit of a container of compose, 2, holds it back' },
          ],
          runbook: 'lag-grows',
          queries: [
            {
              expr: 'rate(process_cpu_seconds_total{service=~"$service"}[$__rate_interval])',
              legend: '{{service}} {{instance}}',
            },
          ],
        },
        {
          title: 'How much of its heap does each process use?',
          description: 'JavaScript objects in use as a share of the heap that Node has reserved so far.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [{ at: 0.97, colour: 'yellow', because: 'if it stays there, something is held on to' }],
          runbook: 'fullsyncprocessrestarting',
          queries: [
            {
              expr: 'nodejs_heap_size_used_bytes{service=~"$service"} / nodejs_heap_size_total_bytes',
              legend: '{{service}} {{instance}}',
            },
          ],
        },
        {
          title: 'How many of their files may processes still open?',
          description: 'Open files and connections as a share of what the system allows the process.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [
            { at: 0.5, colour: 'yellow', because: 'connections leak, if it rises for hours' },
            { at: 0.9, colour: 'red', because: 'connections are about to fail' },
          ],
          runbook: 'fullsyncprocessrestarting',
          queries: [
            {
              expr: 'process_open_fds{service=~"$service"} / (process_max_fds > 0)',
              legend: '{{service}} {{instance}}',
            },
          ],
        },
        {
          title: 'Does a loop stand still?',
          description:
            'Time since the most silent of a process’s loops turned. It waits for the broker, Postgres, or one batch.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 10, colour: 'yellow', because: 'longer than any ordinary batch' },
            { at: 30, colour: 'red', because: '/livez fails, and an orchestrator starts the process anew' },
          ],
          runbook: 'fullsyncnotready',
          queries: [
            { expr: 'full_sync_loop_silence_seconds{service=~"$service"}', legend: '{{service}} {{instance}}' },
          ],
        },
        {
          title: 'Does a process take long to drain?',
          description: 'Time since a process was told to end; 0 while it is not. Within 25 s it has to be done.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 15, colour: 'yellow', because: 'one batch or request holds it up' },
            { at: 25, colour: 'red', because: 'it exits without having drained, which is safe but repeats work' },
          ],
          runbook: 'fullsyncprocessrestarting',
          queries: [{ expr: 'full_sync_drain_seconds{service=~"$service"}', legend: '{{service}} {{instance}}' }],
        },
        {
          title: 'How many versions run at once?',
          description:
            'Different versions or commits among all processes. During a roll-out two are as they should be.',
          kind: 'stat',
          unit: 'short',
          thresholds: [{ at: 2, colour: 'yellow', because: 'a roll-out is under way, or got stuck' }],
          runbook: 'first-look',
          queries: [{ expr: 'count(count by (version, revision) (full_sync_build_info))', legend: 'versions' }],
        },
        {
          title: 'Which version does each process run?',
          description: 'Version and commit of every process that answers; the value is the number of its copies.',
          kind: 'table',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'so many copies of the service run this version' }],
          runbook: 'first-look',
          queries: [
            { expr: 'count by (service, version, revision) (full_sync_build_info)', legend: '{{service}} {{version}}' },
          ],
        },
      ],
    },
  ],
};
