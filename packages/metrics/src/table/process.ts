import { counter, gauge } from '../model.ts';

/** What every process shows of itself. */
export const processMetrics = {
  build: gauge({
    name: 'full_sync_build_info',
    unit: 'state',
    services: 'every',
    labels: {
      version: { of: 'the version in package.json', like: '[0-9]+\\.[0-9]+\\.[0-9]+.*', atMost: 1 },
      revision: {
        of: 'BUILD_REVISION: the commit it was built from, or unknown',
        like: '[0-9a-f]{7,40}|unknown',
        atMost: 1,
      },
    },
    meaning: '1, with the version and the commit of the program as labels.',
    whenHigh: 'Two versions at once for long: a roll-out got stuck; start the old copies anew.',
  }),
  ready: gauge({
    name: 'full_sync_ready',
    unit: 'state',
    services: 'every',
    labels: {},
    meaning: '1 when work given to the process is taken up now (as /readyz), else 0.',
    whenHigh: '0 for minutes: /readyz says the reason.',
  }),
  silence: gauge({
    name: 'full_sync_loop_silence_seconds',
    unit: 'seconds',
    services: 'every',
    labels: {},
    meaning:
      'Time since the most silent of the supervised loops turned; 0 where none is supervised. From 30 s on /livez fails.',
    whenHigh: '/livez names the loop; it waits for the broker, the database, or for one batch that does not end.',
  }),
  drain: gauge({
    name: 'full_sync_drain_seconds',
    unit: 'seconds',
    services: 'every',
    labels: {},
    meaning:
      'Time since the process was told to end; 0 while it is not. What is released last is the metrics server, so the whole drain can be seen; the line "drained" in the log has the total.',
    whenHigh: 'At 25 s it exits without having drained. The log line "drain deadline passed" names what it waited for.',
  }),
  cpu: counter({
    name: 'process_cpu_seconds_total',
    unit: 'seconds',
    services: 'every',
    labels: {},
    meaning: 'Processor time of the process, user and system.',
    whenHigh: 'Near 1 a second: one thread is full. Start another copy of the service.',
  }),
  start: gauge({
    name: 'process_start_time_seconds',
    unit: 'timestamp',
    services: 'every',
    labels: {},
    meaning: 'When the process began, seconds since 1970.',
    whenHigh: 'It changes again and again: the process dies and is started anew; its last log lines say why.',
  }),
  memory: gauge({
    name: 'process_resident_memory_bytes',
    unit: 'bytes',
    services: 'every',
    labels: {},
    meaning: 'Memory that the system has given to the process.',
    whenHigh: 'Near its limit: lower the load of the copy (bytes in flight, batch sizes), or raise the limit.',
  }),
  files: gauge({
    name: 'process_open_fds',
    unit: 'count',
    services: 'every',
    labels: {},
    meaning: 'Files and connections that are open.',
    whenHigh: 'Rising for hours: connections leak; see process_max_fds for where it ends.',
  }),
  filesMax: gauge({
    name: 'process_max_fds',
    unit: 'count',
    services: 'every',
    labels: {},
    meaning: 'Files and connections that may be open at once; 0 where the system does not say.',
    whenHigh: 'It is a limit; raise it (ulimit -n) when process_open_fds comes near.',
  }),
  heapUsed: gauge({
    name: 'nodejs_heap_size_used_bytes',
    unit: 'bytes',
    services: 'every',
    labels: {},
    meaning: 'Heap of JavaScript objects in use.',
    whenHigh: 'It does not come back after a load: something is held on to; take a heap snapshot.',
  }),
  heapTotal: gauge({
    name: 'nodejs_heap_size_total_bytes',
    unit: 'bytes',
    services: 'every',
    labels: {},
    meaning: 'Heap that Node has reserved.',
    whenHigh: 'See nodejs_heap_size_used_bytes.',
  }),
  external: gauge({
    name: 'nodejs_external_memory_bytes',
    unit: 'bytes',
    services: 'every',
    labels: {},
    meaning: 'Memory outside of the heap: buffers of records and bodies.',
    whenHigh: 'Many bytes are in flight; in the extractor see full_sync_extractor_held_bytes.',
  }),
  loopBusy: counter({
    name: 'nodejs_eventloop_busy_seconds_total',
    unit: 'seconds',
    services: 'every',
    labels: {},
    meaning: 'Time in which the event loop did something; its rate is the utilisation, 1 = always busy.',
    whenHigh: 'Near 1 a second: one thread is full. Start another copy of the service.',
  }),
  loopDelay: gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    unit: 'seconds',
    services: 'every',
    labels: {},
    meaning: 'How late the event loop was, 99th percentile of what was measured since the last look.',
    whenHigh: 'Over 1 s: heartbeats come late, and the group rebalances. Something long runs in one piece.',
  }),
} as const;

/** Of every process that is connected to Postgres. */
export const databaseMetrics = {
  connections: gauge({
    name: 'full_sync_database_connections',
    unit: 'count',
    services: ['api', 'extractor', 'loader', 'destination'],
    labels: { state: ['busy', 'idle'] },
    meaning: 'Connections of the pool to Postgres, lent out or not.',
    whenHigh: 'All busy (DATABASE_POOL_MAX) for long: Postgres is slow, or locks are waited for; see pg_stat_activity.',
  }),
  waiting: gauge({
    name: 'full_sync_database_waiting_requests',
    unit: 'requests',
    services: ['api', 'extractor', 'loader', 'destination'],
    labels: {},
    meaning: 'Callers that wait for a connection of the pool now.',
    whenHigh: 'Above 0 for long: as full_sync_database_connections; raise DATABASE_POOL_MAX if Postgres is idle.',
  }),
  transactionRetries: counter({
    name: 'full_sync_database_transaction_retries_total',
    unit: 'count',
    services: ['api', 'extractor', 'loader', 'destination'],
    labels: { reason: ['serialization', 'deadlock', 'lock_timeout'] },
    meaning: 'Transactions begun anew for something that is nobody’s fault (SQLSTATE 40001, 40P01, 55P03).',
    whenHigh: 'lock_timeout: somebody holds locks of the pipeline, such as an open session; see pg_locks.',
  }),
} as const;
