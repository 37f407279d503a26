import { readJobReaches } from '@full-sync/database';
import type { Database, JobReach } from '@full-sync/database';

export interface EventPlace {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
}

/** Tells late events: those of jobs that had all their events keyed before. */
export type IsLate = (jobId: string, at: EventPlace) => boolean;

const maxKnown = 10_000;

/**
 * Reads how far the events of jobs reach. A destination may lag hours behind a job's end, so its status says nothing: late
 * is what lies beyond the end of the topic at the moment when keying had passed all that the job's chunks published.
 * Whatever comes after that is of a chunk that another has fetched again.
 */
export function createJobReaches(db: Database): (jobIds: Iterable<string>) => Promise<IsLate> {
  /** Written once, so these never change. */
  const known = new Map<string, NonNullable<JobReach['targets']>>();
  return async (jobIds) => {
    const unknown = [...new Set(jobIds)].filter((jobId) => !known.has(jobId));
    const open = new Set<string>();
    if (known.size > maxKnown) known.clear();
    const reaches = unknown.length === 0 ? [] : await readJobReaches(db.pool, unknown);
    for (const { jobId, targets } of reaches) {
      if (targets === null) open.add(jobId);
      else known.set(jobId, targets);
    }
    return (jobId, { topicId, partition, offset }) => {
      const targets = known.get(jobId);
      // A job that never was has no events.
      if (targets === undefined) return !open.has(jobId);
      return targets.topicId !== topicId || offset >= (targets.offsets[String(partition)] ?? 0);
    };
  };
}
