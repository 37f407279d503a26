import { randomBytes } from 'node:crypto';
import {
  createShadows,
  ensureNamespace,
  findConflict,
  insertJob,
  readLastRun,
  ResetRefusedError,
  sqlState,
} from '@full-sync/database';
import type { Client } from '@full-sync/database';
import type { Platform } from '@full-sync/schemas';
import { sourceOf, storeAccount } from './accounts.ts';
import type { Source } from './accounts.ts';
import type { ApiContext } from './context.ts';
import type { TimeRange } from './domain/date-range.ts';
import { askedDestinations, destinationWarnings } from './destination-warnings.ts';
import { estimateDuration } from './domain/estimate.ts';
import type { SyncConfig } from './domain/execute-request.ts';
import { toJobId } from './domain/job-id.ts';
import { ApiError, summaryOf } from './errors.ts';
import { paceJob, planJob } from './plan-job.ts';
import type { JobSource } from './plan-job.ts';

/** A job as it was asked for. */
export interface AskedJob {
  readonly config: SyncConfig;
  /** What the dates stand for; null in all modes but `date_range`. */
  readonly range: TimeRange | null;
  readonly warnings: readonly string[];
}

export interface SubmittedJob {
  readonly jobId: string;
  readonly warnings: readonly string[];
  readonly estimatedDuration: string;
}

/**
 * Stores a job, its namespaces and its first streams in one transaction: afterwards it runs, whatever becomes of this
 * process. `withJob` does its part in that transaction, and is called again when that is repeated.
 *
 * @throws ApiError SYNC_001 for a platform without a key, SYNC_003 when another job owns one of the targets.
 */
export async function submitJob(
  context: ApiContext,
  job: AskedJob,
  withJob: (client: Client, submitted: SubmittedJob) => Promise<void>,
): Promise<SubmittedJob> {
  const targets = targetsOf(context, job.config);
  const { db } = context;
  // A conflicting job can end between its violation and the look for its name: then there is no conflict any more.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(async (client) => {
        const submitted = await storeJob(context, client, job, targets);
        await withJob(client, submitted);
        return submitted;
      });
    } catch (error) {
      if (error instanceof ResetRefusedError) {
        const faults = [{ pointer: '/syncMode', message: `namespace_reset is not possible: ${error.message}` }];
        throw new ApiError('SYNC_001', summaryOf(faults), { faults });
      }
      if (sqlState(error) !== '23505') throw error;
      const conflict = await findConflict(db.pool, targets);
      if (conflict === null && attempt < 3) continue;
      if (conflict === null) throw error;
      throw new ApiError(
        'SYNC_003',
        `Job ${conflict.jobId} is writing ${conflict.platform} events of namespace ${conflict.namespace}; wait until it has ended.`,
        { extra: { conflictingJobId: conflict.jobId } },
      );
    }
  }
}

/** A namespace and platform that the job writes, and where its events come from. */
interface Target extends Source {
  readonly namespace: string;
  readonly platform: Platform;
}

function targetsOf(context: ApiContext, config: SyncConfig): readonly Target[] {
  const targets: Target[] = [];
  const missing = new Set<string>();
  for (const namespace of config.namespaces) {
    for (const platform of config.platforms) {
      const source = sourceOf(context, namespace, platform);
      if (typeof source === 'string') missing.add(source);
      else targets.push({ namespace, platform, ...source });
    }
  }
  if (missing.size === 0) return targets;
  const faults = [...missing].map((message) => ({ pointer: '/platforms', message }));
  throw new ApiError('SYNC_001', summaryOf(faults), { faults });
}

async function storeJob(
  context: ApiContext,
  client: Client,
  job: AskedJob,
  targets: readonly Target[],
): Promise<SubmittedJob> {
  const { config, range } = job;
  const aboutNamespaces = await ensureNamespaces(context, client, config);
  const sources = await storeSources(client, targets);
  const { paces, rates, warnings: aboutPaces } = await paceJob(client, config, sources);
  const planned = await planJob(client, { config, range }, sources);
  const lastRun = await readLastRun(client, { syncMode: config.syncMode, targets });
  const aboutDestinations = destinationWarnings(config, context.config, context.mentions);
  const warnings = [...job.warnings, ...aboutNamespaces, ...aboutPaces, ...aboutDestinations];
  const now = context.clock.now();
  const jobId = toJobId(now, randomBytes(10));
  const { chunkSize, delay = 0 } = config.dateRange ?? {};
  await insertJob(client, {
    jobId,
    syncMode: config.syncMode,
    config,
    warnings,
    parallelWorkers: config.parallelWorkers,
    batchSize: config.batchSize === 'auto' ? null : config.batchSize,
    windowEnd: new Date(now),
    targets: sources,
    range: range === null ? null : { start: new Date(range.startMs), end: new Date(range.endMs) },
    chunk: chunkSize === undefined ? null : { days: chunkSize, delayMs: delay },
    paces,
    destinations: askedDestinations(config),
  });
  if (config.syncMode === 'namespace_reset') await createShadows(client, jobId);
  const estimatedDuration = estimateDuration({ ...planned, accounts: rates, lastRun });
  return { jobId, warnings, estimatedDuration };
}

async function ensureNamespaces(
  { namespaces }: ApiContext,
  client: Client,
  config: SyncConfig,
): Promise<readonly string[]> {
  const warnings: string[] = [];
  // In one order, so that two requests wait for each other instead of deadlocking.
  for (const namespace of config.namespaces.toSorted()) {
    const { created } = await ensureNamespace(client, { namespace, platforms: config.platforms });
    if (namespace === 'default' || namespaces?.has(namespace) === true) continue;
    if (created)
      warnings.push(`namespace ${namespace} is new: it was created with the default credentials and all campaigns`);
    else if (namespaces !== null)
      warnings.push(
        `namespace ${namespace} is not in NAMESPACES_FILE: it has the default credentials and all campaigns`,
      );
  }
  return warnings;
}

/** The targets with their accounts' numbers; a key that several of them share is one account. */
async function storeSources(client: Client, targets: readonly Target[]): Promise<readonly JobSource[]> {
  const known = new Map<string, number>();
  const sources: JobSource[] = [];
  for (const { namespace, platform, account, filter } of targets) {
    const hash = account.keyHash.toString('hex');
    const accountId = known.get(hash) ?? (await storeAccount(client, account));
    known.set(hash, accountId);
    sources.push({ namespace, platform, accountId, filter });
  }
  return sources;
}
