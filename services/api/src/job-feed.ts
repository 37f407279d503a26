import { Readable } from 'node:stream';
import { readChangedJobs } from '@full-sync/database';
import type { Database, JobRow } from '@full-sync/database';
import type { Clock, Logger } from '@full-sync/runtime';
import { isUnreachable } from './answer-errors.ts';
import { formatEvent, formatRetry, heartbeat } from './domain/server-sent-event.ts';
import { showJob } from './show-job.ts';

/** Tells any number of clients how jobs change, from the jobs' rows: every copy of the api tells the same. */
export interface JobFeed {
  /** The events of `job` from now on, as text; `seen` = the id of the last one the client has, null for none. */
  readonly follow: (job: JobRow, seen: number | null) => Readable;
  /** Ends all streams; the clients connect again, to another copy or to the next start of this one. */
  readonly stop: () => void;
}

interface Follower {
  readonly stream: Readable;
  seen: number | null;
  wrote: number;
  /** False while the client has not read what it was sent: then it gets the state of when it reads again. */
  ready: boolean;
}

interface FollowedJob {
  latest: JobRow;
  readonly followers: Set<Follower>;
}

const lookEveryMs = 250;
const lookAgainMs = 1_000;
const heartbeatEveryMs = 10_000;
const reconnectAfterMs = 2_000;
/** What a client may be behind, a few states; one that is further behind is told only the state of when it reads again. */
const bufferBytes = 16_384;

export function createJobFeed(parts: {
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}): JobFeed {
  const { db, clock, logger } = parts;
  const jobs = new Map<string, FollowedJob>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let failing = false;

  const schedule = (afterMs: number): void => {
    if (jobs.size === 0 || looking || timer !== undefined) return;
    timer = setTimeout(() => void look(), afterMs);
  };

  const tell = (job: JobRow, follower: Follower): void => {
    if (!follower.ready || follower.stream.destroyed) return;
    const { stream } = follower;
    const ended = job.completedAt !== null;
    if (follower.seen === null || job.revision > follower.seen) {
      const { jobId, status, progress, summary } = showJob(job, clock.now(), {});
      follower.seen = job.revision;
      follower.wrote = performance.now();
      follower.ready = stream.push(formatEvent({ id: job.revision, data: { jobId, status, progress, summary } }));
    } else if (performance.now() - follower.wrote >= heartbeatEveryMs) {
      follower.wrote = performance.now();
      follower.ready = stream.push(heartbeat);
    }
    if (ended) end(job.jobId, follower);
  };

  const end = (jobId: string, follower: Follower): void => {
    forget(jobId, follower);
    if (!follower.stream.readableEnded) follower.stream.push(null);
  };

  const forget = (jobId: string, follower: Follower): void => {
    const job = jobs.get(jobId);
    job?.followers.delete(follower);
    if (job?.followers.size === 0) jobs.delete(jobId);
    if (jobs.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  };

  const look = async (): Promise<void> => {
    let nextMs = lookEveryMs;
    timer = undefined;
    looking = true;
    try {
      const known = new Map(Array.from(jobs, ([jobId, { latest }]) => [jobId, latest.revision]));
      for (const job of await readChangedJobs(db.pool, known)) {
        const followed = jobs.get(job.jobId);
        if (followed !== undefined) followed.latest = job;
      }
      failing = false;
    } catch (error) {
      if (!isUnreachable(error)) {
        logger.error({ err: error }, 'jobs could not be read for their followers');
        stop();
        return;
      }
      if (!failing) logger.warn({ err: error }, 'followers of jobs wait for the database');
      failing = true;
      nextMs = lookAgainMs;
    } finally {
      looking = false;
    }
    for (const { latest, followers } of jobs.values()) for (const follower of followers) tell(latest, follower);
    schedule(nextMs);
  };

  const stop = (): void => {
    for (const [jobId, { followers }] of jobs) for (const follower of followers) end(jobId, follower);
  };

  return {
    follow: (job, seen) => {
      const stream = new Readable({
        highWaterMark: bufferBytes,
        read: () => {
          follower.ready = true;
        },
      });
      // An id from the future was not given by this job: the client is told where the job is.
      const known = seen !== null && seen <= job.revision ? seen : null;
      const follower: Follower = { stream, seen: known, wrote: performance.now(), ready: true };
      const followed = jobs.get(job.jobId) ?? { latest: job, followers: new Set() };
      if (followed.latest.revision < job.revision) followed.latest = job;
      followed.followers.add(follower);
      jobs.set(job.jobId, followed);
      stream.once('close', () => {
        forget(job.jobId, follower);
      });
      stream.push(formatRetry(reconnectAfterMs));
      tell(followed.latest, follower);
      schedule(lookEveryMs);
      return stream;
    },
    stop,
  };
}
