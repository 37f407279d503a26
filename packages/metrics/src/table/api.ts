import { answerSeconds } from '../buckets.ts';
import { account, letterCode, platform, stage } from '../labels.ts';
import { counter, gauge, histogram } from '../model.ts';
import type { OpenLabel } from '../model.ts';

const services = ['api'] as const;
const status = ['queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled'] as const;
const jobId = {
  of: 'jobs that have not ended, or did in the last 5 minutes; the 20 youngest',
  like: '[A-Za-z0-9_-]{1,64}',
  atMost: 20,
} as const satisfies OpenLabel;

/** Jobs, budgets and dead letters, from Postgres. */
export const apiMetrics = {
  jobs: gauge({
    name: 'full_sync_jobs',
    unit: 'jobs',
    services,
    labels: { status },
    meaning: 'Jobs by their status now.',
    whenHigh: 'queued or in_progress for long: waiting_for in their status. failed rises: their error says why.',
  }),
  oldestOpen: gauge({
    name: 'full_sync_oldest_open_job_seconds',
    unit: 'seconds',
    services,
    labels: {},
    meaning: 'Age of the oldest job that has not ended and is not paused; 0 when there is none.',
    whenHigh: 'Its status says in waiting_for what it waits for.',
  }),
  jobsEnded: counter({
    name: 'full_sync_jobs_ended_total',
    unit: 'jobs',
    services,
    labels: { status: ['completed', 'failed', 'cancelled'] },
    meaning: 'Jobs that this process ended.',
    whenHigh: 'failed: cli status JOB has the error.',
  }),
  jobSeconds: histogram({
    name: 'full_sync_job_duration_seconds',
    unit: 'seconds',
    services,
    labels: { status: ['completed', 'failed', 'cancelled'] },
    buckets: [1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400],
    meaning: 'Time from the request to the end of a job.',
    whenHigh:
      'Compare full_sync_upstream_waiting_seconds_total and full_sync_lag_seconds: the upstream’s limit, or a stage.',
  }),
  etaError: histogram({
    name: 'full_sync_job_eta_error_ratio',
    unit: 'ratio',
    services,
    labels: { direction: ['too_short', 'too_long'] },
    buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5],
    meaning:
      'How wrong eta_minutes was half-way through a job of at least 10 s, as a share of the time that was really left then: 1 = twice as long or nothing at all.',
    whenHigh: 'The upstream’s totals are wrong, or its rate changed on the way.',
  }),
  jobProgress: gauge({
    name: 'full_sync_job_progress_ratio',
    unit: 'ratio',
    services,
    labels: { job_id: jobId },
    meaning: 'Progress of a job, 0 to 1; 1 only when all of it is committed.',
    whenHigh: 'It does not rise: waiting_for in the job’s status.',
  }),
  jobEta: gauge({
    name: 'full_sync_job_eta_seconds',
    unit: 'seconds',
    services,
    labels: { job_id: jobId },
    meaning: 'Time to the end of a job, as its status shows it in minutes.',
    whenHigh: 'The slower of the rate limit and the stages decides; see the boards of both.',
  }),
  jobAge: gauge({
    name: 'full_sync_job_age_seconds',
    unit: 'seconds',
    services,
    labels: { job_id: jobId },
    meaning: 'Time since the job was asked for, or that it took.',
    whenHigh: 'See full_sync_job_stage_done_ratio for the stage that holds it up.',
  }),
  jobRecords: gauge({
    name: 'full_sync_job_records',
    unit: 'records',
    services,
    labels: { job_id: jobId, state: ['fetched', 'processed', 'expected'] },
    meaning: 'Records of a job: committed by the extractor, settled in Postgres, and what it expects in all.',
    whenHigh: 'fetched far above processed: keyer or loader is behind.',
  }),
  jobStage: gauge({
    name: 'full_sync_job_stage_done_ratio',
    unit: 'ratio',
    services,
    labels: {
      job_id: jobId,
      stage: [
        'discovering',
        'processing_smartlead_activities',
        'processing_lemlist_activities',
        'keying',
        'loading',
        'finalizing',
      ],
    },
    meaning: 'How much of each of its stages a job has done, 0 to 1; stages with nothing to do are 0.',
    whenHigh: 'The first stage below 1 that does not rise is the bottleneck.',
  }),
  streams: gauge({
    name: 'full_sync_streams',
    unit: 'count',
    services,
    labels: { platform, state: ['working', 'ready', 'waiting', 'held'] },
    meaning:
      'Walks of open jobs that are not done: in work, ready to be claimed, waiting (after a failure or by a pause between windows), or held because their job is paused.',
    whenHigh:
      'ready while none is working: no extractor runs, or it is held back. waiting: waiting_for in the table streams.',
  }),
  budgetRemaining: gauge({
    name: 'full_sync_upstream_budget_remaining_requests',
    unit: 'requests',
    services,
    labels: { platform, account },
    meaning:
      'Requests that the account allows now, by the permits that are out; of several spans the one with the least left. Not shown where limits are off.',
    whenHigh: 'At 0 all the time: the rate limit is the bottleneck, as it should be in a large sync.',
  }),
  budgetLimit: gauge({
    name: 'full_sync_upstream_budget_limit_requests',
    unit: 'requests',
    services,
    labels: { platform, account },
    meaning:
      'Requests that the account allows in the span of full_sync_upstream_budget_remaining_requests, lowered by what was learned from refusals.',
    whenHigh: 'Below what is configured: 429s lowered it (somebody else uses the key); it rises again by itself.',
  }),
  budgetPaused: gauge({
    name: 'full_sync_upstream_budget_paused_seconds',
    unit: 'seconds',
    services,
    labels: { platform, account },
    meaning: 'Time until the account may be asked again after a refusal; 0 = now.',
    whenHigh: 'The upstream asked for it (Retry-After): somebody else uses the key, or the limit is set too high.',
  }),
  lettersStored: counter({
    name: 'full_sync_dead_letters_stored_total',
    unit: 'records',
    services,
    labels: { stage, code: letterCode },
    meaning: 'Dead letters that this process stored for the first time.',
    whenHigh: 'cli dead-letters list shows the records and what is wrong; mend the cause, then replay them.',
  }),
  letters: gauge({
    name: 'full_sync_dead_letters',
    unit: 'records',
    services,
    labels: { stage, code: letterCode },
    meaning: 'Dead letters that are stored and not replayed, now.',
    whenHigh: 'As full_sync_dead_letters_stored_total.',
  }),
  lettersReplayed: counter({
    name: 'full_sync_dead_letters_replayed_total',
    unit: 'records',
    services,
    labels: {},
    meaning: 'Records of dead letters published again. What became of them: status in the table dead_letters.',
    whenHigh: 'Somebody replays; superseded ones failed again.',
  }),
  webhooks: counter({
    name: 'full_sync_webhook_attempts_total',
    unit: 'requests',
    services,
    labels: { outcome: ['delivered', 'retry', 'failed'] },
    meaning: 'Attempts to send a completion webhook; failed = given up.',
    whenHigh: 'retry, failed: cli webhooks deliveries shows what the receiver answered.',
  }),
  followSeconds: histogram({
    name: 'full_sync_follow_seconds',
    unit: 'seconds',
    services,
    labels: {},
    buckets: answerSeconds,
    meaning: 'Time of one look at all open jobs.',
    whenHigh: 'Broker or Postgres answers slowly, and progress is shown late.',
  }),
  requestSeconds: histogram({
    name: 'full_sync_api_request_seconds',
    unit: 'seconds',
    services,
    labels: {
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'],
      route: {
        of: 'the pattern of the route as in the OpenAPI document, or none',
        like: '/[!-~]*|none|\\*',
        atMost: 80,
      },
      status: ['1xx', '2xx', '3xx', '4xx', '5xx'],
    },
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    meaning: 'Time to answer a request.',
    whenHigh: 'Slow: Postgres; 5xx: the log has the error with the request’s id.',
  }),
} as const;
