import { setTimeout as delay } from 'node:timers/promises';
import { ApiUnreachable } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { hasEnded, readJob } from './job.ts';
import type { Job } from './job.ts';
import type { ProgressView } from './show-progress.ts';

const pollMs = 300;
/** How long an API that starts again may be silent in the middle of a job. */
const patienceMs = 30_000;

/**
 * Follows a job to its end, showing it all the way. An API that goes away for a while is waited for: the job does not
 * depend on it.
 *
 * @throws ApiUnreachable when it stays away, ApiProblem for a job that does not exist.
 */
export async function watchJob(api: ApiClient, jobId: string, view: ProgressView | null): Promise<Job> {
  let answeredAtMs = performance.now();
  try {
    for (;;) {
      try {
        const job = readJob(await api.get(`/api/full-sync/status/${encodeURIComponent(jobId)}`));
        answeredAtMs = performance.now();
        view?.update(job);
        if (hasEnded(job)) return job;
      } catch (error) {
        if (!isPassing(error) || performance.now() - answeredAtMs > patienceMs) throw error;
      }
      await delay(pollMs);
    }
  } finally {
    view?.stop();
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof ApiUnreachable || (error instanceof Error && 'code' in error && error.code === 'DB_001');
}
