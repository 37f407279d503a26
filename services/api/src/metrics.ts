import { Counter, Gauge, Histogram } from '@full-sync/runtime';
import type { Registry } from '@full-sync/runtime';

/** The api's own metrics; a closed list. */
export interface ApiMetrics {
  readonly openJobs: Gauge;
  readonly jobsEnded: Counter;
  readonly deadLettersStored: Counter;
  readonly lettersReplayed: Counter;
  readonly webhookAttempts: Counter;
  readonly followSeconds: Histogram;
  readonly requestSeconds: Histogram;
}

export function createApiMetrics(registry: Registry): ApiMetrics {
  const registers = [registry];
  return {
    openJobs: new Gauge({
      name: 'full_sync_jobs_open',
      help: 'Jobs that have not ended (jobs). High for long: look at waiting_for in their status.',
      registers,
    }),
    jobsEnded: new Counter({
      name: 'full_sync_jobs_ended_total',
      help: 'Jobs ended by this process (jobs), by status. Failed ones say why in their status.',
      labelNames: ['status'],
      registers,
    }),
    deadLettersStored: new Counter({
      name: 'full_sync_dead_letters_stored_total',
      help: 'Dead letters stored for the first time (letters). Rising: read code and detail in table dead_letters.',
      registers,
    }),
    lettersReplayed: new Counter({
      name: 'full_sync_dead_letters_replayed_total',
      help: 'Records of dead letters published again (records). What became of them: status in table dead_letters.',
      registers,
    }),
    webhookAttempts: new Counter({
      name: 'full_sync_webhook_attempts_total',
      help: 'Attempts to send a completion webhook (attempts), by outcome: delivered, retry, failed (given up). For the last two see: cli webhooks deliveries.',
      labelNames: ['outcome'],
      registers,
    }),
    followSeconds: new Histogram({
      name: 'full_sync_follow_seconds',
      help: 'Time of one look at all open jobs (s). High: broker or database answers slowly.',
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'full_sync_api_request_seconds',
      help: 'Time to answer a request (s), by route, method and status class.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
  };
}
