import { batchSizes, farAnswerSeconds, stageSeconds } from '../buckets.ts';
import { httpStatus, platform } from '../labels.ts';
import { counter, gauge, histogram } from '../model.ts';

export const upstreamOutcome = [
  'ok',
  'throttled',
  'gone',
  'circuit-open',
  'network',
  'timeout',
  'status',
  'html',
  'not-json',
  'empty',
  'truncated',
  'UPSTREAM_BAD_REQUEST',
  'UPSTREAM_UNAUTHORIZED',
  'UPSTREAM_PLAN',
  'UPSTREAM_FORBIDDEN',
  'UPSTREAM_WRONG_PATH',
  'UPSTREAM_REDIRECT',
  'UPSTREAM_TOO_LARGE',
  'UPSTREAM_REFUSED',
  'other',
] as const;

const services = ['extractor'] as const;

/** The extractor and its upstreams. */
export const extractorMetrics = {
  requests: counter({
    name: 'full_sync_upstream_requests_total',
    unit: 'requests',
    services,
    labels: { platform, status: httpStatus },
    meaning: 'Requests to an upstream by HTTP status; none = no answer came.',
    whenHigh:
      '429: somebody else uses the key, or the rate limit is set too high. 401, 402, 403: the key or the plan. 5xx, none: the upstream or the way there.',
  }),
  outcomes: counter({
    name: 'full_sync_upstream_outcomes_total',
    unit: 'requests',
    services,
    labels: { platform, outcome: upstreamOutcome },
    meaning: 'Requests to an upstream by what was made of the answer; circuit-open ones were not sent.',
    whenHigh: 'Other than ok: waiting_for and error in the table streams have the words of the upstream.',
  }),
  requestSeconds: histogram({
    name: 'full_sync_upstream_request_seconds',
    unit: 'seconds',
    services,
    labels: { platform },
    buckets: farAnswerSeconds,
    meaning: 'Time from the call to the headers of the answer.',
    whenHigh: 'The upstream is slow, and permits stay out longer: the rate falls below what the limit allows.',
  }),
  waiting: counter({
    name: 'full_sync_upstream_waiting_seconds_total',
    unit: 'seconds',
    services,
    labels: { platform, reason: ['rate_limit', 'job_pace', 'downstream', 'memory', 'no_work'] },
    meaning:
      'Time in which nothing more was claimed for an account, by reason; added up over accounts and copies: 1 a second = one account in one copy waits all the time. no_work also holds streams that wait after a failure (full_sync_streams).',
    whenHigh:
      'rate_limit: the upstream’s limit is the bottleneck. downstream: keyer or loader is. memory: large pages; job_pace: the job was given a pace.',
  }),
  breaker: gauge({
    name: 'full_sync_upstream_breaker_state',
    unit: 'state',
    services,
    labels: { platform },
    meaning:
      'Circuit breaker of the worst account: 0 closed, 1 half open (one request probes), 2 open (nothing is sent).',
    whenHigh:
      'Most requests to the host failed. It closes by itself; until then see full_sync_upstream_outcomes_total.',
  }),
  records: counter({
    name: 'full_sync_extractor_records_total',
    unit: 'records',
    services,
    labels: { platform, outcome: ['published', 'dead_lettered', 'dropped'] },
    meaning: 'Records read: published and acknowledged, too large or too deep, or outside of the window asked for.',
    whenHigh:
      'dropped: the upstream ignores its own filters. dead_lettered: see full_sync_dead_letters_published_total.',
  }),
  chunks: counter({
    name: 'full_sync_extractor_chunks_total',
    unit: 'batches',
    services,
    labels: { platform, outcome: ['committed', 'page-failed', 'stale', 'unused'] },
    meaning: 'Chunks (bounded pieces of a walk) by what became of them; unused = its permit was not needed in time.',
    whenHigh:
      'stale: leases run out, because the process or the database stalls. unused: the process is too busy for its rate.',
  }),
  chunkRecords: histogram({
    name: 'full_sync_extractor_chunk_records',
    unit: 'records',
    services,
    labels: { platform },
    buckets: batchSizes,
    meaning: 'Records of one committed chunk.',
    whenHigh: 'Low with many requests: the walks end after small pages, as deltas do.',
  }),
  chunkSeconds: histogram({
    name: 'full_sync_extractor_chunk_seconds',
    unit: 'seconds',
    services,
    labels: { platform },
    buckets: stageSeconds,
    meaning: 'Time of one chunk, from its claim to its commit; the wait for its slot included.',
    whenHigh:
      'Compare with full_sync_upstream_request_seconds and full_sync_producer_request_seconds: the rest is Postgres.',
  }),
  windows: counter({
    name: 'full_sync_extractor_window_events_total',
    unit: 'count',
    services,
    labels: { platform, event: ['read-again', 'halved', 'union'] },
    meaning: 'Windows read again, halved, or taken as the union of readings, because their pages did not fit together.',
    whenHigh: 'The source changes while it is read; sync at a quieter hour, or in smaller windows.',
  }),
  chunksInFlight: gauge({
    name: 'full_sync_extractor_chunks_in_flight',
    unit: 'batches',
    services,
    labels: { platform },
    meaning: 'Chunks being worked on.',
    whenHigh:
      'As many as the jobs’ parallelWorkers allow while little is published: see full_sync_extractor_chunk_seconds.',
  }),
  heldBytes: gauge({
    name: 'full_sync_extractor_held_bytes',
    unit: 'bytes',
    services,
    labels: {},
    meaning: 'Bytes of records held or reserved by chunks; bounded at 32 MiB, but for a single larger page.',
    whenHigh: 'At the bound: pages are large or the broker is slow; claims wait (reason memory).',
  }),
  downstreamLag: gauge({
    name: 'full_sync_extractor_downstream_lag_seconds',
    unit: 'seconds',
    services,
    labels: { stage: ['keyer', 'loader'] },
    meaning:
      'Age of the oldest record not yet keyed or loaded, as the extractor sees it when it decides whether to go on.',
    whenHigh: 'Over 30 s extraction pauses: look at keyer and loader; full_sync_lag_seconds tells the partition.',
  }),
  heldBack: gauge({
    name: 'full_sync_extractor_held_back',
    unit: 'state',
    services,
    labels: {},
    meaning: '1 while extraction pauses because the stages behind it lag or the broker does not answer, else 0.',
    whenHigh: 'See full_sync_extractor_downstream_lag_seconds.',
  }),
} as const;
