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
    const asked = new Set(jobIds);
    const unknown = [...asked].filter((jobId) => !known.has(jobId));
    const reaches = unknown.length === 0 ? [] : await readJobReaches(db.pool, unknown);
    const open = new Set<string>();
    for (const { jobId, targets } of reaches) {
      if (targets === null) open.add(jobId);
      else known.set(jobId, targets);
    }
    // Several partitions ask at once: each keeps what it has read, whatever is forgotten meanwhile.
    const mine = new Map([...asked].map((jobId) => [jobId, known.get(jobId)]));
    if (known.size > maxKnown) known.clear();
    return (jobId, { topicId, partition, offset }) => {
      const targets = mine.get(jobId);
      // A job that never was has no events.
      if (targets === undefined) return !open.has(jobId);
      return targets.topicId !== topicId || offset >= (targets.offsets[String(partition)] ?? 0);
    };
  };
}
