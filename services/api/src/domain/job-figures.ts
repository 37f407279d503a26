/** What dashboards show of one job; shares from 0 to 1. */
export interface JobFigures {
  readonly progress: number;
  readonly etaSeconds: number;
  readonly fetched: number;
  readonly processed: number;
  readonly expected: number;
  readonly stages: Readonly<Record<JobStage, number>>;
}

export const jobStages = [
  'discovering',
  'processing_smartlead_activities',
  'processing_lemlist_activities',
  'keying',
  'loading',
  'finalizing',
] as const;

export type JobStage = (typeof jobStages)[number];

/** Reads what a job's row says of its progress; what is missing is 0. */
export function jobFigures(job: {
  readonly status: string;
  readonly progress: unknown;
  readonly summary: unknown;
}): JobFigures {
  const progress = fieldsOf(job.progress);
  const summary = fieldsOf(job.summary);
  const stages = fieldsOf(progress['stages']);
  const isDone = job.status === 'completed';
  const shares = jobStages.map((stage) => {
    const { done, total } = fieldsOf(stages[stage]);
    const share = numberOf(total) > 0 ? Math.min(1, numberOf(done) / numberOf(total)) : 0;
    return [stage, isDone && stage === 'finalizing' ? 1 : share] as const;
  });
  return {
    progress: numberOf(progress['percentage']) / 100,
    etaSeconds: isDone ? 0 : numberOf(progress['eta_minutes']) * 60,
    fetched: numberOf(summary['records_fetched']),
    processed: numberOf(progress['processed_items']),
    expected: numberOf(progress['total_items']),
    stages: Object.fromEntries(shares) as Record<JobStage, number>,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
