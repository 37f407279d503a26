import { destinationFields, destinationNames } from '@full-sync/schemas';
import { ApiProblem } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import { CliError, exitCodes } from '../errors.ts';
import { fields, text, texts } from '../job.ts';
import { printJson, printNote, printResult } from '../output.ts';
import type { Settings } from '../settings.ts';
import { createProgressView } from '../show-progress.ts';
import { watchJob } from '../watch-job.ts';
import { finishJob } from './finish.ts';

export interface SyncOptions {
  readonly platforms: string;
  /** Left out: `date_range` with a date, else `full_historical`. */
  readonly mode?: string;
  readonly namespaces?: string;
  readonly destinations?: string;
  readonly from?: string;
  readonly to?: string;
  readonly batchSize?: string;
  readonly workers?: string;
  readonly rate?: string;
  readonly burst?: string;
  readonly retries?: string;
  readonly windowDays?: string;
  readonly windowDelay?: string;
  readonly watch: boolean;
  readonly json: boolean;
}

interface Context {
  readonly settings: Settings;
  readonly api: ApiClient;
}

/** Starts a sync and, unless told to detach, follows it to its end. */
export async function runSync(options: SyncOptions, { settings, api }: Context): Promise<number> {
  const { watch, json } = options;
  const jobId = await submit(options, api);
  if (!watch) return exitCodes.completed;
  if (!json) onInterrupt(`The job goes on; follow it with: npm run cli -- watch ${jobId}`);
  const job = await watchJob(api, jobId, json ? null : createProgressView(process.stderr));
  return await finishJob(job, { settings, api, json });
}

async function submit(options: SyncOptions, api: ApiClient): Promise<string> {
  const { watch, json } = options;
  try {
    const answer = await api.post('/api/full-sync/execute', requestOf(options));
    const { jobId, estimatedDuration, warnings } = fields(answer);
    if (json && !watch) printJson(answer);
    if (!json) {
      printResult(`Job ${text(jobId)} started; duration ${text(estimatedDuration)}.`);
      for (const warning of texts(warnings)) printNote(`warning: ${warning}`);
    }
    return text(jobId);
  } catch (error) {
    const running = error instanceof ApiProblem ? text(error.body['conflictingJobId']) : '';
    // One left over by an earlier start goes on by itself: that is what the user wants to see.
    if (!(error instanceof ApiProblem) || running === '' || !watch || json) throw error;
    printNote(`${error.message}\nFollowing job ${running}.`);
    return running;
  }
}

function requestOf(options: SyncOptions): object {
  const { platforms, mode, namespaces, from, to, batchSize, workers, windowDays, windowDelay } = options;
  return {
    platforms,
    syncMode: mode ?? (from === undefined && to === undefined ? 'full_historical' : 'date_range'),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...wishesOf(options),
    ...(from === undefined ? {} : { startDate: from }),
    ...(to === undefined ? {} : { endDate: to }),
    ...(batchSize === undefined
      ? {}
      : { batchSize: batchSize === 'auto' ? batchSize : wholeNumber(batchSize, '--batch-size') }),
    ...(workers === undefined ? {} : { parallelWorkers: wholeNumber(workers, '--workers') }),
    ...paceOf(options),
    ...(windowDays === undefined && windowDelay === undefined
      ? {}
      : {
          dateRange: {
            ...(windowDays === undefined ? {} : { chunkSize: wholeNumber(windowDays, '--window-days') }),
            ...(windowDelay === undefined ? {} : { delay: wholeNumber(windowDelay, '--window-delay') }),
          },
        }),
  };
}

/** The fields that ask for destinations. */
function wishesOf({ destinations }: SyncOptions): object {
  const names = (destinations ?? '').split(',').map((name) => name.trim());
  const asked = names.filter((name) => name !== '');
  const unknown = asked.find((name) => !destinationNames.some((known) => known === name));
  if (unknown !== undefined)
    throw new CliError(
      exitCodes.usage,
      `--destinations: expected a comma list of ${destinationNames.join(', ')}; got "${unknown}"`,
    );
  const fieldNames = destinationNames.filter((name) => asked.includes(name)).map((name) => destinationFields[name]);
  return Object.fromEntries(fieldNames.map((name) => [name, true]));
}

function paceOf({ rate, burst, retries }: SyncOptions): object {
  if (rate === undefined && burst === undefined && retries === undefined) return {};
  if (rate === undefined) throw new CliError(exitCodes.usage, '--burst and --retries go with --rate');
  const requestsPerSecond = Number(rate);
  if (!/^\d{1,6}(?:\.\d{1,6})?$/.test(rate) || requestsPerSecond === 0)
    throw new CliError(exitCodes.usage, `--rate: expected requests per second, such as 0.5; got "${rate}"`);
  return {
    rateLimitOverride: {
      requestsPerSecond,
      ...(burst === undefined ? {} : { burstSize: wholeNumber(burst, '--burst') }),
      ...(retries === undefined ? {} : { retryAttempts: wholeNumber(retries, '--retries') }),
    },
  };
}

function wholeNumber(value: string, option: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new CliError(exitCodes.usage, `${option}: expected a whole number; got "${value}"`);
}

/** Says how to go on when the user stops watching. */
function onInterrupt(note: string): void {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.once(signal, () => {
      // Gives the cursor back, which the bars hide.
      process.stderr.write(process.stderr.isTTY ? '\u001B[?25h\n' : '');
      printNote(note);
      process.exit(128 + number);
    });
  }
}
