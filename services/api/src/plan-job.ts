import { readAccounts, readKnownTotals } from '@full-sync/database';
import type { CampaignFilter, JobPace, Queryable } from '@full-sync/database';
import type { Platform } from '@full-sync/schemas';
import type { TimeRange } from './domain/date-range.ts';
import { rowsPerPage } from './domain/estimate.ts';
import type { AccountRate, PlannedJob, PlannedTarget } from './domain/estimate.ts';
import type { SyncConfig } from './domain/execute-request.ts';
import { overrideOf, paceOf, ratePerSecond } from './domain/pace.ts';

/** A target of a job with its account's number. */
export interface JobSource {
  readonly namespace: string;
  readonly platform: Platform;
  readonly accountId: number;
  readonly filter: CampaignFilter | null;
}

/** The job's own pace on each of its accounts, and what comes of it there. */
export async function paceJob(
  queryable: Queryable,
  config: SyncConfig,
  sources: readonly JobSource[],
): Promise<{
  readonly paces: readonly JobPace[];
  readonly rates: readonly AccountRate[];
  readonly warnings: readonly string[];
}> {
  const platformOf = new Map(sources.map(({ accountId, platform }) => [accountId, platform]));
  const warnings = new Set<string>();
  const paces: JobPace[] = [];
  const rates: AccountRate[] = [];
  for (const outlook of await readAccounts(queryable, [...platformOf.keys()])) {
    const { accountId, openJobs } = outlook;
    const account = { ...outlook, platform: platformOf.get(accountId) ?? '' };
    const override = overrideOf(config.rateLimitOverride, account.platform);
    const asked = override === null ? null : paceOf(override, account);
    for (const warning of asked?.warnings ?? []) warnings.add(warning);
    if (asked !== null) paces.push({ accountId, ...asked.pace });
    const requestsPerSecond = Math.min(ratePerSecond(account), asked?.pace.requestsPerSecond ?? Infinity);
    rates.push({ accountId, platform: account.platform, requestsPerSecond, otherJobs: openJobs });
  }
  return { paces, rates: rates.toSorted((a, b) => a.accountId - b.accountId), warnings: [...warnings] };
}

/** What the job's targets need, by what earlier readings have counted. */
export async function planJob(
  queryable: Queryable,
  { config, range }: { readonly config: SyncConfig; readonly range: TimeRange | null },
  sources: readonly JobSource[],
): Promise<{ readonly targets: readonly PlannedTarget[]; readonly job: PlannedJob }> {
  const targets: PlannedTarget[] = [];
  for (const { namespace, platform, accountId, filter } of sources) {
    const of = { namespace, accountId, filter, rowsPerPage: rowsPerPage[platform] };
    const known = await readKnownTotals(queryable, of);
    targets.push({ platform, accountId, known, campaignsNamed: filter?.campaigns?.length ?? null });
  }
  return { targets, job: { syncMode: config.syncMode, range, chunkDays: config.dateRange?.chunkSize ?? null } };
}
