import { setTimeout as delay } from 'node:timers/promises';
import type { JobStatus } from '../api-client.ts';
import type { PlannedKill, Recovery } from './kill-schedule.ts';
import type { System } from './system.ts';

/** What a job has committed so far. */
export interface Committed {
  /** Rows in the table. */
  readonly rows: number;
  /** Records of committed chunks. */
  readonly records: number;
}

/** Something that is killed while a job runs. */
export interface Target {
  readonly name: string;
  /** Kills it if it is up and the job runs; says how to tell when another has taken its place, or null for no hit. */
  readonly strike: (jobId: string) => Promise<{ readonly isBack: () => Promise<boolean> } | null>;
  /** What of the committed work shows that it works again. */
  readonly settled: (committed: Committed) => number;
  /** Whether it has anything left to do for a job of this size. */
  readonly isNeeded: (committed: Committed, expected: Committed) => boolean;
}

export interface DisturbedJob {
  readonly jobId: string;
  readonly expected: Committed;
  readonly plan: readonly PlannedKill[];
  readonly targets: readonly Target[];
  readonly onRecovery: (recovery: Recovery) => void;
  readonly signal: AbortSignal;
}

/** A kill whose target is not yet back at work. */
interface Open {
  readonly target: Target;
  readonly share: number;
  readonly at: number;
  readonly isBack: () => Promise<boolean>;
  /** What was settled when last seen before it was back. */
  before: number;
  readyMs: number | null;
}

const lookEveryMs = 100;
/** A job that stands still for this long does not complete by itself. */
const stuckMs = 180_000;
/** After its end, whoever was just killed gets this long to be back. */
const lastBackMs = 60_000;

/**
 * Follows a job to its end and kills what the plan says when its rows get there. A target that was hit is left alone
 * until it is back at work; a kill that could not hit by the end of the job has not happened. Throws when nothing moves
 * for three minutes.
 */
export async function disturbJob(system: System, job: DisturbedJob): Promise<JobStatus> {
  const { jobId, expected, targets, signal } = job;
  const plan = [...job.plan];
  const open = new Map<string, Open>();
  let committed: Committed = { rows: 0, records: 0 };
  let movedAt = performance.now();

  const close = (one: Open, movedMs: number | null): void => {
    open.delete(one.target.name);
    const { share, readyMs } = one;
    job.onRecovery({ target: one.target.name, share, readyMs, movedMs });
  };
  const follow = async (one: Open): Promise<void> => {
    const settled = one.target.settled(committed);
    if (one.readyMs === null) {
      if (await one.isBack()) one.readyMs = performance.now() - one.at;
      else one.before = settled;
    }
    if (one.readyMs !== null && settled > one.before) close(one, performance.now() - one.at);
  };
  const killDue = async (target: Target): Promise<void> => {
    const share = committed.rows / expected.rows;
    const due = plan.findIndex((kill) => kill.target === target.name && kill.share <= share);
    if (due < 0 || open.has(target.name) || !target.isNeeded(committed, expected)) return;
    const hit = await target.strike(jobId);
    if (hit === null) return;
    plan.splice(due, 1);
    movedAt = performance.now();
    open.set(target.name, { target, share, at: movedAt, ...hit, before: target.settled(committed), readyMs: null });
  };

  for (;;) {
    signal.throwIfAborted();
    const seen = await readCommitted(system, jobId);
    if (seen !== null && (seen.rows !== committed.rows || seen.records !== committed.records)) {
      committed = seen;
      movedAt = performance.now();
    }
    await Promise.all([...open.values()].map(follow));
    for (const target of targets) await killDue(target);
    const status = await readStatus(system, jobId);
    if (status !== null && status.completed_at !== null) {
      await awaitBack([...open.values()], signal);
      for (const one of open.values()) close(one, null);
      return status;
    }
    if (performance.now() - movedAt > stuckMs) {
      throw new Error(`${jobId} stands still: ${JSON.stringify(status)}; ${JSON.stringify(committed)}`);
    }
    await delay(lookEveryMs, undefined, { signal });
  }
}

/** Whoever was killed last must come back too, whether or not there is work left to see it by. */
async function awaitBack(open: readonly Open[], signal: AbortSignal): Promise<void> {
  const endsAt = performance.now() + lastBackMs;
  for (const one of open) {
    while (one.readyMs === null) {
      if (await one.isBack()) one.readyMs = performance.now() - one.at;
      else if (performance.now() > endsAt) throw new Error(`${one.target.name} did not come back after the job's end`);
      else await delay(lookEveryMs, undefined, { signal });
    }
  }
}

/** Null while the database does not answer. */
async function readCommitted({ pool }: System, jobId: string): Promise<Committed | null> {
  try {
    const { rows } = await pool.query<Committed>(
      `select (select coalesce(sum(events_created), 0)::float8 from job_counts where job_id = $1) as rows,
         (select coalesce(sum(records_committed), 0)::float8 from streams where job_id = $1) as records`,
      [jobId],
    );
    return rows[0] ?? null;
  } catch {
    return null; // killed, or just starting; a job that stands still is noticed
  }
}

/** Null while the api does not answer. */
async function readStatus({ client }: System, jobId: string): Promise<JobStatus | null> {
  try {
    return await client.status(jobId);
  } catch {
    return null; // as above
  }
}
