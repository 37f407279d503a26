import type { ApiClient } from '../api-client.ts';
import { exitCodes } from '../errors.ts';
import { decimal, duration, list } from '../format.ts';
import { fields, hasEnded, readJob } from '../job.ts';
import type { Job } from '../job.ts';
import { printJson, printResult } from '../output.ts';
import { reportJob } from '../report.ts';
import type { Settings } from '../settings.ts';
import { createLines, createProgressView } from '../show-progress.ts';
import { watchJob } from '../watch-job.ts';
import { finishJob } from './finish.ts';

interface Context {
  readonly settings: Settings;
  readonly api: ApiClient;
}

/** Prints how a job is now. */
export async function runStatus(jobId: string, options: { readonly json: boolean }, { api }: Context): Promise<number> {
  const answer = await api.get(`/api/full-sync/status/${encodeURIComponent(jobId)}`);
  const job = readJob(answer);
  if (options.json) printJson(answer);
  else if (hasEnded(job)) printResult(reportJob(job, null));
  else createLines(printResult, () => performance.now()).update(job);
  return ['failed', 'cancelled'].includes(job.status) ? exitCodes.failed : exitCodes.completed;
}

/** Follows a job to its end. */
export async function runWatch(
  jobId: string,
  options: { readonly json: boolean },
  { settings, api }: Context,
): Promise<number> {
  const { json } = options;
  const job = await watchJob(api, jobId, json ? null : createProgressView(process.stderr));
  return await finishJob(job, { settings, api, json });
}

export interface HistoryOptions {
  readonly limit?: string;
  readonly cursor?: string;
  readonly status?: string;
  readonly mode?: string;
  readonly platform?: string;
  readonly namespace?: string;
  readonly json: boolean;
}

/** Lists the jobs of the past, newest first. */
export async function runHistory(options: HistoryOptions, { api }: Context): Promise<number> {
  const query = new URLSearchParams();
  const { limit, cursor, status, mode, platform, namespace } = options;
  for (const [name, value] of Object.entries({ limit, cursor, status, syncMode: mode, platform, namespace }))
    if (value !== undefined) query.set(name, value);
  const answer = await api.get(`/api/full-sync/history?${query.toString()}`);
  if (options.json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const { jobs, next_cursor: next } = fields(answer);
  const rows = (Array.isArray(jobs) ? jobs : []).map((job) => historyRow(readJob(job)));
  if (rows.length === 0) printResult('There are no jobs.');
  else
    printResult(
      list([['job', 'started', 'status', 'mode', 'platforms', 'namespaces', 'took', 'events', 'new'], ...rows]),
    );
  if (typeof next === 'string') printResult(`\nMore: npm run cli -- history --cursor ${next}`);
  return exitCodes.completed;
}

function historyRow(job: Job): readonly string[] {
  return [
    job.jobId,
    job.createdAt.slice(0, 19).replace('T', ' '),
    job.status,
    job.config.syncMode,
    job.config.platforms.join(','),
    job.config.namespaces.join(','),
    duration(job.durationMs),
    decimal(job.counts.events_derived),
    decimal(job.counts.events_created),
  ];
}
