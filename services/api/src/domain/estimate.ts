/** What earlier readings tell of the campaigns that a job is to read into a namespace. */
export interface KnownTotals {
  readonly campaigns: number;
  /** Pages of sends that they fill, one at least each. */
  readonly pages: number;
  /** Activities of the last whole reading; null where there was none. */
  readonly records: number | null;
  /** True when a delta of the namespace has somewhere to start from. */
  readonly started: boolean;
}

/** Rows that a page brings beside the one it shares with the page before. */
export const rowsPerPage = { smartlead: 999, lemlist: 99 } as const;

const dayMs = 86_400_000;
/** Windows that a walk over an account's activities is cut into. */
const activityWindows = 20;

export interface PlannedTarget {
  readonly platform: string;
  readonly accountId: number;
  readonly known: KnownTotals;
  /** Campaigns that the namespace names one by one; null = it does not. */
  readonly campaignsNamed: number | null;
}

export interface PlannedJob {
  readonly syncMode: string;
  readonly range: { readonly startMs: number; readonly endMs: number } | null;
  /** Days per window; null = one window. */
  readonly chunkDays: number | null;
}

/** The requests that a target needs at least, by the totals that the upstream gave before; null where it gave none. */
export function plannedRequests(target: PlannedTarget, job: PlannedJob): number | null {
  const { known, platform } = target;
  const isDelta = job.syncMode === 'delta_since_last' && known.started;
  const days = job.range === null ? null : Math.max(1, Math.ceil((job.range.endMs - job.range.startMs + 1) / dayMs));
  const windows = days === null || job.chunkDays === null ? 1 : Math.ceil(days / job.chunkDays);
  if (platform === 'smartlead') {
    if (known.campaigns === 0) return null;
    if (days !== null) return 1 + known.campaigns * windows;
    // A delta asks for the changed leads, and each campaign for its counts; a full sync for the counts and all pages.
    return isDelta ? 2 + known.campaigns : 1 + known.campaigns + known.pages;
  }
  const walks = target.campaignsNamed;
  if (days !== null) return 1 + (walks ?? 1) * (job.chunkDays === null && walks === null ? windowsOf(days) : windows);
  if (isDelta) return 1 + (walks ?? 2);
  if (known.records === null) return null;
  // One window more for whatever is older than the oldest campaign.
  const count = walks ?? activityWindows + 1;
  return 1 + count * Math.max(1, Math.ceil(known.records / count / rowsPerPage.lemlist));
}

function windowsOf(days: number): number {
  return Math.min(activityWindows, days);
}

export interface AccountRate {
  readonly accountId: number;
  readonly platform: string;
  /** Infinity when limits are off. */
  readonly requestsPerSecond: number;
  /** Jobs that have not ended and share the account, this one left out. */
  readonly otherJobs: number;
}

export interface EstimateInput {
  readonly targets: readonly PlannedTarget[];
  readonly job: PlannedJob;
  readonly accounts: readonly AccountRate[];
  /** The last completed job with the same mode and targets. */
  readonly lastRun: { readonly durationMs: number; readonly records: number } | null;
}

/**
 * How long a job takes, for people: the requests that it needs by the upstream's totals against what the accounts allow, the
 * slowest account deciding. Before there are totals, or with limits off, as long as the last such job; else what the limits let
 * through.
 */
export function estimateDuration({ targets, job, accounts, lastRun }: EstimateInput): string {
  const plans = accounts.map((account) => {
    const own = targets.filter(({ accountId }) => accountId === account.accountId);
    const requests = own.map((target) => plannedRequests(target, job));
    const known = requests.filter((count) => count !== null);
    const total = known.reduce((sum, count) => sum + count, 0);
    return { account, requests: known.length === requests.length ? total : null };
  });
  const isLimited = accounts.some(({ requestsPerSecond }) => requestsPerSecond < Infinity);
  if (isLimited && plans.every(({ requests }) => requests !== null)) {
    const durations = plans.map(({ account, requests }) => {
      // Jobs that share an account are served in turn.
      return ((requests ?? 0) * (1 + account.otherJobs) * 1_000) / account.requestsPerSecond;
    });
    const parts = plans.map(({ account, requests }) => `${account.platform} ${requests} requests${rateText(account)}`);
    return `about ${durationText(Math.max(...durations))} (${parts.join(', ')})`;
  }
  if (lastRun !== null)
    return `about ${durationText(lastRun.durationMs)}, as long as the last such sync (${lastRun.records} records)`;
  return `unknown until the campaigns are listed; ${accounts.map(throughputText).join(', ')}`;
}

function rateText({ requestsPerSecond }: AccountRate): string {
  return requestsPerSecond === Infinity ? '' : ` at ${roundRate(requestsPerSecond * 60)} a minute`;
}

function throughputText({ platform, requestsPerSecond }: AccountRate): string {
  if (requestsPerSecond === Infinity) return `${platform} without a request limit`;
  const rows = platform === 'smartlead' ? 1_000 : 100;
  return `${platform} at most ${Math.floor(roundRate(requestsPerSecond * 60) * rows)} records a minute`;
}

function roundRate(rate: number): number {
  return Number(rate.toPrecision(3));
}

/** A duration for people: seconds below a minute and a half, else minutes or hours. */
export function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
