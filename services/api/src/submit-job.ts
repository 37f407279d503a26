import { randomBytes } from 'node:crypto';
import { ensureNamespace, findConflict, insertJob, readLastRun, sqlState } from '@full-sync/database';
import type { Client, JobTarget } from '@full-sync/database';
import type { Clock } from '@full-sync/runtime';
import type { Platform } from '@full-sync/schemas';
import { configuredAccount, keyVariable, storeAccount } from './accounts.ts';
import type { UpstreamAccount } from './accounts.ts';
import type { ApiContext } from './context.ts';
import { estimateDuration } from './domain/estimate.ts';
import type { SyncConfig } from './domain/execute-request.ts';
import { toJobId } from './domain/job-id.ts';
import { ApiError, summaryOf } from './errors.ts';

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
  config: SyncConfig,
  warnings: readonly string[],
  withJob: (client: Client, job: SubmittedJob) => Promise<void>,
): Promise<SubmittedJob> {
  const accounts = accountsFor(context, config.platforms);
  const targets = config.namespaces.flatMap((namespace) =>
    config.platforms.map((platform) => ({ namespace, platform })),
  );
  const lastRun = await readLastRun(context.db.pool, { syncMode: config.syncMode, targets });
  const estimatedDuration = estimateDuration({ lastRun, limits: [...accounts.values()] });
  // A conflicting job can end between its violation and the look for its name: then there is no conflict any more.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await context.db.transaction(async (client) => {
        const stored = await storeJob(client, context.clock, { config, warnings, accounts, targets });
        const submitted = { ...stored, estimatedDuration };
        await withJob(client, submitted);
        return submitted;
      });
    } catch (error) {
      if (sqlState(error) !== '23505') throw error;
      const conflict = await findConflict(context.db.pool, targets);
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

function accountsFor(context: ApiContext, platforms: readonly Platform[]): ReadonlyMap<Platform, UpstreamAccount> {
  const accounts = new Map<Platform, UpstreamAccount>();
  const missing: Platform[] = [];
  for (const platform of platforms) {
    const account = configuredAccount(context.config, platform);
    if (account === null) missing.push(platform);
    else accounts.set(platform, account);
  }
  if (missing.length > 0) {
    const faults = missing.map((platform) => ({
      pointer: '/platforms',
      message: `${platform} cannot be read: ${keyVariable(platform)} is not set on the server`,
    }));
    throw new ApiError('SYNC_001', summaryOf(faults), { faults });
  }
  return accounts;
}

async function storeJob(
  client: Client,
  clock: Clock,
  job: {
    readonly config: SyncConfig;
    readonly warnings: readonly string[];
    readonly accounts: ReadonlyMap<Platform, UpstreamAccount>;
    readonly targets: readonly { readonly namespace: string; readonly platform: Platform }[];
  },
): Promise<{ readonly jobId: string; readonly warnings: readonly string[] }> {
  const { config } = job;
  const warnings = [...job.warnings];
  // In one order, so that two requests wait for each other instead of deadlocking.
  for (const namespace of config.namespaces.toSorted()) {
    const { created } = await ensureNamespace(client, { namespace, platforms: config.platforms });
    if (created && namespace !== 'default')
      warnings.push(`namespace ${namespace} is new: it was created with the default credentials and all campaigns`);
  }
  const accountIds = new Map<Platform, number>();
  for (const [platform, account] of job.accounts) accountIds.set(platform, await storeAccount(client, account));
  const targets = job.targets.map((target): JobTarget => {
    const accountId = accountIds.get(target.platform);
    if (accountId === undefined) throw new Error(`no account was stored for ${target.platform}`);
    return { ...target, accountId };
  });
  const now = clock.now();
  const jobId = toJobId(now, randomBytes(10));
  await insertJob(client, {
    jobId,
    syncMode: config.syncMode,
    config,
    warnings,
    parallelWorkers: config.parallelWorkers,
    batchSize: config.batchSize === 'auto' ? null : config.batchSize,
    windowEnd: new Date(now),
    targets,
  });
  return { jobId, warnings };
}
