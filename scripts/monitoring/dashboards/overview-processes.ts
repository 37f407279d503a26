import type { Row } from '../model.ts';

export const processes: Row = {
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
      description: '99th percentile of the delay of timers, as heartbeats feel it. Long synchronous work shows here.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 0.2, colour: 'yellow', because: 'answers of the process are felt to be slow' },
        { at: 1, colour: 'red', because: 'heartbeats come late and the group rebalances' },
      ],
      runbook: 'fullsyncrebalancing',
      queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{service=~"$service"}', legend: '{{service}} {{instance}}' }],
    },
    {
      title: 'How much memory do processes take?',
      description: 'Resident memory. One that is well takes up to 200 MiB; the container of compose ends at 768 MiB.',
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
      queries: [{ expr: 'full_sync_loop_silence_seconds{service=~"$service"}', legend: '{{service}} {{instance}}' }],
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
      description: 'Different versions or commits among all processes. During a roll-out two are as they should be.',
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
};
