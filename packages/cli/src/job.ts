/** A job as the API answers it, read without trusting that it is one. */
export interface Job {
  readonly jobId: string;
  readonly status: string;
  readonly progress: {
    readonly percentage: number;
    readonly processedItems: number;
    readonly totalItems: number;
    readonly stage: string;
    readonly etaMinutes: number;
    readonly waitingFor: string | null;
    readonly stages: readonly Stage[];
  };
  readonly counts: Counts;
  readonly byPlatform: readonly (readonly [string, Counts])[];
  /** What destinations have done of its events by now, by name. */
  readonly destinations: readonly (readonly [string, DestinationCounts])[];
  readonly durationMs: number;
  readonly error: { readonly code: string; readonly message: string; readonly details: readonly string[] } | null;
  readonly config: {
    readonly syncMode: string;
    readonly platforms: readonly string[];
    readonly namespaces: readonly string[];
  };
  readonly warnings: readonly string[];
  readonly createdAt: string;
  /** The answer as it came, for `--json`. */
  readonly raw: unknown;
}

export interface Stage {
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

export const countNames = [
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

export type Counts = Readonly<Record<(typeof countNames)[number], number>>;

export const destinationCountNames = ['sent', 'skipped', 'failed', 'waiting'] as const;

export type DestinationCounts = Readonly<Record<(typeof destinationCountNames)[number], number>>;

const stageOrder = [
  'discovering',
  'processing_smartlead_activities',
  'processing_lemlist_activities',
  'keying',
  'loading',
  'finalizing',
];

/** Reads a job from an answer of the API; what is missing becomes 0 or empty. */
export function readJob(answer: unknown): Job {
  const job = fields(answer);
  const progress = fields(job['progress']);
  const summary = fields(job['summary']);
  const config = fields(job['config']);
  const error = job['error'] === null || job['error'] === undefined ? null : fields(job['error']);
  const stages = Object.entries(fields(progress['stages'])).map(([name, stage]) => {
    const { done, total } = fields(stage);
    return { name, done: number(done), total: number(total) };
  });
  return {
    jobId: text(job['jobId']),
    status: text(job['status']),
    progress: {
      percentage: number(progress['percentage']),
      processedItems: number(progress['processed_items']),
      totalItems: number(progress['total_items']),
      stage: text(progress['current_stage']),
      etaMinutes: number(progress['eta_minutes']),
      waitingFor: typeof progress['waiting_for'] === 'string' ? progress['waiting_for'] : null,
      stages: stages.toSorted((a, b) => stageOrder.indexOf(a.name) - stageOrder.indexOf(b.name)),
    },
    counts: readCounts(summary),
    byPlatform: Object.entries(fields(summary['by_platform'])).map(([name, counts]) => [name, readCounts(counts)]),
    destinations: Object.entries(fields(job['destinations'])).map(([name, counts]) => [name, readDestination(counts)]),
    durationMs: number(job['duration_ms']),
    error:
      error === null
        ? null
        : { code: text(error['code']), message: text(error['message']), details: texts(error['details']) },
    config: {
      syncMode: text(config['syncMode']),
      platforms: texts(config['platforms']),
      namespaces: texts(config['namespaces']),
    },
    warnings: texts(job['warnings']),
    createdAt: text(job['created_at']),
    raw: answer,
  };
}

/** True for a job that changes no more. */
export function hasEnded(job: Job): boolean {
  return ['completed', 'failed', 'cancelled'].includes(job.status);
}

function readCounts(value: unknown): Counts {
  const counts = fields(value);
  const read = (name: (typeof countNames)[number]): number => number(counts[name]);
  return {
    records_fetched: read('records_fetched'),
    records_accepted: read('records_accepted'),
    rejected: read('rejected'),
    events_derived: read('events_derived'),
    events_created: read('events_created'),
    duplicates: read('duplicates'),
    collisions: read('collisions'),
    dead_lettered: read('dead_lettered'),
    users_processed: read('users_processed'),
    errors: read('errors'),
  };
}

function readDestination(value: unknown): DestinationCounts {
  const { sent, skipped, failed, waiting } = fields(value);
  return { sent: number(sent), skipped: number(skipped), failed: number(failed), waiting: number(waiting) };
}

/** The members of a JSON object; none for anything else. */
export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
