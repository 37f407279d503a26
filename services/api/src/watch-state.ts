import {
  countJobs,
  countOpenLetters,
  countStreams,
  readBudgetStates,
  readWatchedJobs,
  type BudgetState,
  type Database,
} from '@full-sync/database';
import { letterCodeLabel } from '@full-sync/metrics';
import type { Clock } from '@full-sync/runtime';
import { isPlatform } from '@full-sync/schemas';
import { jobFigures, jobStages } from './domain/job-figures.ts';
import { lookOnce } from './look-once.ts';
import type { ApiMetrics } from './metrics.ts';

export interface StateWatch {
  /** Looks now, unless that was done within a second; returns within a second, looked or not. To be called before a scrape. */
  readonly refresh: () => Promise<void>;
  /** Reads what the accounts allow now; the metrics show the same from then on. */
  readonly budgets: () => Promise<readonly BudgetState[]>;
}

const freshMs = 1_000;
const patienceMs = 500;
/** Dead letters are counted less often: the table may be large. */
const countLettersEveryMs = 10_000;
const watchedJobs = { limit: 20, sinceMs: 300_000 } as const;
const statuses = ['queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled'] as const;
const streamStates = ['working', 'ready', 'waiting', 'held'] as const;

/** Shows what Postgres says of jobs, walks, budgets and dead letters, when somebody asks. */
export function watchState(options: {
  readonly db: Database;
  readonly clock: Clock;
  readonly metrics: ApiMetrics;
}): StateWatch {
  const { db, clock, metrics } = options;
  let lettersCountedAtMs = -Infinity;
  const budgets = async (): Promise<readonly BudgetState[]> => {
    const states = await readBudgetStates(db.pool);
    showBudgets(metrics, states, clock.now());
    return states;
  };
  const look = async (): Promise<void> => {
    await showJobs(metrics, db);
    await showStreams(metrics, db);
    await budgets();
    if (clock.now() - lettersCountedAtMs < countLettersEveryMs) return;
    await showLetters(metrics, db);
    lettersCountedAtMs = clock.now();
  };
  return { budgets, refresh: lookOnce(look, { clock, freshMs, patienceMs }).refresh };
}

async function showJobs(metrics: ApiMetrics, db: Database): Promise<void> {
  const { counts, oldestOpenMs } = await countJobs(db.pool);
  const jobs = await readWatchedJobs(db.pool, watchedJobs);
  for (const status of statuses) metrics.jobs.set({ status }, counts[status] ?? 0);
  metrics.oldestOpen.set({}, oldestOpenMs / 1_000);
  const { jobProgress, jobEta, jobAge, jobRecords, jobStage } = metrics;
  for (const gauge of [jobProgress, jobEta, jobAge, jobRecords, jobStage]) gauge.clear();
  for (const job of jobs) {
    const figures = jobFigures(job);
    const labels = { job_id: job.jobId };
    jobProgress.set(labels, figures.progress);
    jobEta.set(labels, figures.etaSeconds);
    jobAge.set(labels, job.ageMs / 1_000);
    for (const state of ['fetched', 'processed', 'expected'] as const)
      jobRecords.set({ ...labels, state }, figures[state]);
    for (const stage of jobStages) jobStage.set({ ...labels, stage }, figures.stages[stage]);
  }
}

async function showStreams({ streams }: ApiMetrics, db: Database): Promise<void> {
  const counts = await countStreams(db.pool);
  for (const platform of ['smartlead', 'lemlist'] as const) {
    for (const state of streamStates) {
      const found = counts.find((count) => count.platform === platform && count.state === state);
      streams.set({ platform, state }, found?.streams ?? 0);
    }
  }
}

function showBudgets(metrics: ApiMetrics, states: readonly BudgetState[], nowMs: number): void {
  const { budgetRemaining, budgetLimit, budgetPaused } = metrics;
  for (const gauge of [budgetRemaining, budgetLimit, budgetPaused]) gauge.clear();
  for (const { platform, label: account, limit, remaining, pausedUntilMs } of states) {
    if (!isPlatform(platform)) continue;
    const labels = { platform, account };
    if (remaining !== null) budgetRemaining.set(labels, remaining);
    if (limit !== null) budgetLimit.set(labels, limit);
    budgetPaused.set(labels, pausedUntilMs === null ? 0 : Math.max(0, pausedUntilMs - nowMs) / 1_000);
  }
}

async function showLetters({ letters }: ApiMetrics, db: Database): Promise<void> {
  const counts = await countOpenLetters(db.pool);
  letters.clear();
  for (const { stage, code, letters: count } of counts)
    letters.add({ stage, code: letterCodeLabel(code, stage) }, count);
}
