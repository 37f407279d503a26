/** What a user may want of a job. */
export type JobWish = 'cancel' | 'pause' | 'resume';

export interface JobState {
  readonly status: string;
  /** How it will end, when it is ending already. */
  readonly ending: 'failed' | 'cancelled' | null;
  readonly started: boolean;
  /** True when it was resumed before: a repeated wish is told from a wrong one. */
  readonly resumed: boolean;
}

export type WishOutcome =
  | {
      readonly kind: 'change';
      readonly status: 'queued' | 'in_progress' | 'paused';
      readonly ending: 'cancelled' | null;
    }
  /** The job is so already. */
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * What a wish makes of a job. Repeating a wish that was granted is granted; what the job's state does not allow is
 * refused with the reason. A cancelled job runs on, without reading anything, until all that it published is loaded.
 */
export function decideWish(wish: JobWish, job: JobState): WishOutcome {
  const { status, ending } = job;
  if (wish === 'cancel') {
    if (status === 'cancelled' || ending === 'cancelled') return { kind: 'granted' };
    if (hasEnded(status)) return refuse(`it is ${status}`);
    if (ending !== null) return refuse('it is ending as failed');
    return { kind: 'change', status: 'in_progress', ending: 'cancelled' };
  }
  if (hasEnded(status)) return refuse(`it is ${status}`);
  if (ending !== null) return refuse(ending === 'cancelled' ? 'it is being cancelled' : 'it is ending as failed');
  if (wish === 'pause') {
    return status === 'paused' ? { kind: 'granted' } : { kind: 'change', status: 'paused', ending: null };
  }
  if (status === 'paused') return { kind: 'change', status: job.started ? 'in_progress' : 'queued', ending: null };
  return job.resumed ? { kind: 'granted' } : refuse('it is not paused');
}

function refuse(why: string): WishOutcome {
  return { kind: 'refused', why };
}

function hasEnded(status: string): boolean {
  return ['completed', 'failed', 'cancelled'].includes(status);
}
