import { listOpenJobs } from '@full-sync/database';
import { FullSyncError } from '@full-sync/runtime';
import type { Clock, Health } from '@full-sync/runtime';
import { isUnreachable } from './answer-errors.ts';
import { followJob } from './follow-job.ts';
import type { FollowDeps } from './follow-job.ts';
import { lookAtOffsets } from './follow-offsets.ts';

const intervalMs = 250;
/** Topic ids take a connection of their own to read; between transitions they are only a check. */
const checkTopicsEveryMs = 5_000;
const retryAfterMs = 1_000;
/** How long the broker may refuse before this process gives up and is started anew. */
const patienceMs = 60_000;

/**
 * Follows all open jobs until `signal` is aborted. A database that does not answer is waited for, since the API's
 * answers say so; other failures end the process when they last.
 */
export async function followJobs(
  deps: FollowDeps & { readonly clock: Clock; readonly health: Health },
  signal: AbortSignal,
): Promise<void> {
  const { clock, health, logger } = deps;
  let checkedAtMs = 0;
  let failingSinceMs: number | null = null;
  while (!signal.aborted) {
    try {
      const checkTopics = failingSinceMs !== null || clock.now() - checkedAtMs >= checkTopicsEveryMs;
      if (await followAll(deps, checkTopics)) checkedAtMs = clock.now();
      failingSinceMs = null;
    } catch (error) {
      if (failingSinceMs === null) logger.warn({ err: error }, 'jobs cannot be followed now');
      failingSinceMs ??= clock.now();
      if (!isUnreachable(error) && clock.now() - failingSinceMs > patienceMs)
        throw new FullSyncError('FOLLOW_FAILED', 'Jobs could not be followed for a minute.', { cause: error });
      await clock.sleep(retryAfterMs, signal);
    }
    health.beat('follower');
    await clock.sleep(intervalMs, signal);
  }
}

/** One look at every open job; true when their topics were checked. */
async function followAll(deps: FollowDeps, checkTopics: boolean): Promise<boolean> {
  const jobIds = await listOpenJobs(deps.db.pool);
  if (jobIds.length === 0) return false;
  const stopTimer = deps.metrics.followSeconds.startTimer({});
  const look = lookAtOffsets(deps.offsets);
  for (const jobId of jobIds) await followJob(deps, jobId, look, checkTopics);
  stopTimer();
  return checkTopics;
}
