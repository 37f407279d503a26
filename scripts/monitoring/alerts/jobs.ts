import type { Alert } from '../model.ts';

/** Alerts on what users asked for. */
export const jobs: readonly Alert[] = [
  {
    name: 'FullSyncJobsFailing',
    left: 'sum(increase(full_sync_jobs_ended_total{status="failed"}[15m]))',
    op: '>',
    right: 0,
    for: '1m',
    severity: 'ticket',
    summary: 'A job has failed',
    description: 'What it had stored stays. Its status says why it failed and which walks did.',
    proof: {
      fires: { 'full_sync_jobs_ended_total{status="failed"}': '0 0 1x30' },
      quiet: { 'full_sync_jobs_ended_total{status="failed"}': '3x30' },
      labels: {},
      afterMinutes: 3,
    },
  },
  {
    name: 'FullSyncWebhooksFailing',
    left: 'sum(increase(full_sync_webhook_attempts_total{outcome="failed"}[1h]))',
    op: '>',
    right: 0,
    for: '1m',
    severity: 'ticket',
    summary: 'A completion webhook was given up',
    description: 'Whoever waits for it does not learn that a job has ended. The job itself is not affected.',
    proof: {
      fires: { 'full_sync_webhook_attempts_total{outcome="failed"}': '0 0 1x90' },
      quiet: { 'full_sync_webhook_attempts_total{outcome="failed"}': '3x90' },
      labels: {},
      afterMinutes: 3,
    },
  },
  {
    name: 'FullSyncApiFailing',
    left: '(sum(rate(full_sync_api_request_seconds_count{status="5xx"}[2m])) or vector(0)) / clamp_min(sum(rate(full_sync_api_request_seconds_count[2m])), 0.01)',
    op: '>',
    right: 0.05,
    for: '5m',
    severity: 'page',
    summary: 'The API answers more than one request in twenty with an error of its own',
    description: 'Users cannot start or follow jobs; those that run go on.',
    proof: {
      fires: {
        'full_sync_api_request_seconds_count{status="5xx"}': '0+6x30',
        'full_sync_api_request_seconds_count{status="2xx"}': '0+60x30',
      },
      quiet: {
        'full_sync_api_request_seconds_count{status="5xx"}': '0+3x30',
        'full_sync_api_request_seconds_count{status="2xx"}': '0+60x30',
      },
      labels: {},
      afterMinutes: 6,
    },
  },
];
