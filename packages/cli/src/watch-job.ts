import { setTimeout as delay } from 'node:timers/promises';
import { ApiUnreachable, NoEvents } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { hasEnded, readJob } from './job.ts';
import type { Job } from './job.ts';
import type { ProgressView } from './show-progress.ts';

const pollMs = 300;
/** How long an API that starts again may be silent in the middle of a job. */
const patienceMs = 30_000;

/**
 * Follows a job to its end, showing it all the way: by server-sent events, or where there are none by asking over and
 * over. An API that goes away for a while is waited for: the job does not depend on it.
 *
 * @throws ApiUnreachable when it stays away, ApiProblem for a job that does not exist.
 */
export async function watchJob(api: ApiClient, jobId: string, view: ProgressView | null): Promise<Job> {
  const id = encodeURIComponent(jobId);
  let failingSinceMs: number | null = null;
  let lastEventId: string | null = '';
  try {
    for (;;) {
      try {
        if (lastEventId !== null) {
          for await (const event of api.events(`/api/full-sync/${id}/events`, lastEventId)) {
            failingSinceMs = null;
            lastEventId = event.id;
            view?.update(readJob(event.data));
          }
        }
        const job = readJob(await api.get(`/api/full-sync/status/${id}`));
        failingSinceMs = null;
        view?.update(job);
        if (hasEnded(job)) return job;
      } catch (error) {
        if (error instanceof NoEvents) {
          lastEventId = null;
          continue;
        }
        failingSinceMs ??= performance.now();
        if (!isPassing(error) || performance.now() - failingSinceMs > patienceMs) throw error;
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
