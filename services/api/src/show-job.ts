import type { JobRow } from '@full-sync/database';
import type { ShownDestinations } from './show-destinations.ts';

export interface ShownJob {
  readonly jobId: string;
  readonly status: string;
  readonly progress: Readonly<Record<string, unknown>>;
  readonly summary: Readonly<Record<string, unknown>>;
  readonly destinations: ShownDestinations;
  readonly error: unknown;
  readonly config: unknown;
  readonly warnings: unknown;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly duration_ms: number;
}

const countNames = [
  'total_processed',
  'records_fetched',
  'records_accepted',
  'rejected',
  'events_derived',
  'events_created',
  'duplicates',
  'collisions',
  'dead_lettered',
  'users_processed',
  'errors',
] as const;

const stageOrder = [
  'discovering',
  'processing_smartlead_activities',
  'processing_lemlist_activities',
  'keying',
  'loading',
  'finalizing',
];

/**
 * A job as the API shows it, from its row and what destinations have done: every copy of the api answers the same. Numbers are 0 before there is
 * data. The summary of a job that has not ended holds what is committed so far.
 */
export function showJob(job: JobRow, nowMs: number, destinations: ShownDestinations): ShownJob {
  const durationMs = durationOf(job, nowMs);
  return {
    jobId: job.jobId,
    status: job.status,
    progress: showProgress(job),
    summary: showSummary(job, durationMs),
    destinations,
    error: job.error ?? null,
    config: job.config,
    warnings: job.warnings,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.completedAt?.toISOString() ?? null,
    duration_ms: durationMs,
  };
}

/** Of a job that has ended the one of its summary, which its webhook told, too: Dates have cut it to milliseconds. */
function durationOf(job: JobRow, nowMs: number): number {
  const told = job.completedAt === null ? 0 : numberOf(fieldsOf(job.summary)['duration_ms']);
  const endMs = job.completedAt?.getTime() ?? nowMs;
  return Math.max(1, told > 0 ? told : Math.round(endMs - job.createdAt.getTime()));
}

function showProgress(job: JobRow): Readonly<Record<string, unknown>> {
  const stored = fieldsOf(job.progress);
  const stage = stored['current_stage'];
  return {
    percentage: numberOf(stored['percentage']),
    processed_items: numberOf(stored['processed_items']),
    total_items: numberOf(stored['total_items']),
    // Of a job that is not running the stage is its status.
    current_stage: job.status === 'in_progress' ? runningStage(job, stage) : job.status,
    eta_minutes: numberOf(stored['eta_minutes']),
    stages: inOrder(fieldsOf(stored['stages']), stageOrder),
    waiting_for: waitingFor(job, stored['waiting_for']),
  };
}

/** What is known of the job right now counts before what the last look at it stored. */
function runningStage(job: JobRow, stage: unknown): string {
  if (job.ending !== null) return 'finalizing';
  if (typeof stage === 'string' && stageOrder.includes(stage)) return stage;
  // Resumed or claimed since that look: it goes on with the first stage that has something left.
  const stages = fieldsOf(fieldsOf(job.progress)['stages']);
  const left = stageOrder.find((name) => {
    const { done, total } = fieldsOf(stages[name]);
    return numberOf(done) < numberOf(total);
  });
  return left ?? 'discovering';
}

function waitingFor(job: JobRow, stored: unknown): string | null {
  if (typeof stored === 'string') return stored;
  return job.pausedAt === null ? null : `resume: paused since ${job.pausedAt.toISOString()}`;
}

function showSummary(job: JobRow, durationMs: number): Readonly<Record<string, unknown>> {
  const stored = fieldsOf(job.summary);
  return {
    ...Object.fromEntries(countNames.map((name) => [name, numberOf(stored[name])])),
    replayed: job.lettersReplayed,
    duration_ms: durationMs,
    by_platform: inOrder(fieldsOf(stored['by_platform']), platformsOf(job.config)),
  };
}

/** Postgres sorts the names in a document; people want them as they asked for them. */
function inOrder(
  entries: Readonly<Record<string, unknown>>,
  order: readonly string[],
): Readonly<Record<string, unknown>> {
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.fromEntries(Object.entries(entries).toSorted(([a], [b]) => rank(a) - rank(b)));
}

function platformsOf(config: unknown): readonly string[] {
  const platforms = fieldsOf(config)['platforms'];
  return Array.isArray(platforms) ? platforms.map(String) : [];
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
