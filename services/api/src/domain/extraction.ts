import { rowsPerPage } from './estimate.ts';
import { sum } from './facts.ts';
import type { AccountBudget, JobProgressFacts, WalkTotals } from './facts.ts';

/** How far the walks of one platform are. */
export interface PlatformExtraction {
  readonly platform: string;
  readonly discovered: boolean;
  readonly finished: boolean;
  readonly committed: number;
  /** Records that the walks are thought to hold, never below what is committed. */
  readonly total: number;
  /** 0 to 1. */
  readonly share: number;
  /** What its share weighs beside that of other platforms. */
  readonly weight: number;
}

/**
 * The state of a platform's walks. Walks of unknown size are taken to be like the known ones; each walk weighs one
 * record more than it holds, so that empty campaigns count as work, too.
 */
export function platformExtraction(platform: string, facts: Pick<JobProgressFacts, 'walks'>): PlatformExtraction {
  const walks = facts.walks.filter((walk) => walk.platform === platform);
  const discoveriesPending = sum(walks, (walk) => walk.discoveriesPending);
  const count = sum(walks, (walk) => walk.walks);
  const pending = sum(walks, (walk) => walk.walksPending);
  const unknown = sum(walks, (walk) => walk.walksUnknown);
  const known = sum(walks, (walk) => walk.recordsKnown);
  const committed = sum(walks, (walk) => walk.recordsCommitted);
  const average = count > unknown ? known / (count - unknown) : 0;
  const total = Math.max(committed, Math.round(known + unknown * average));
  const discovered = walks.length > 0 && discoveriesPending === 0;
  const finished = discovered && pending === 0;
  const read = count === 0 ? 0 : Math.min(1, (committed + count - pending) / (total + count));
  // While campaigns are still being listed, what was found of them says little about the whole.
  const share = finished ? 1 : discovered ? read : read * 0.3;
  return { platform, discovered, finished, committed, total, share, weight: total + count + 1 };
}

/** The share of the whole extraction, 0 to 1; platforms count alike until all of them are discovered. */
export function extractionShare(platforms: readonly PlatformExtraction[]): number {
  if (platforms.length === 0) return 1;
  if (platforms.every((platform) => platform.finished)) return 1;
  const discovered = platforms.every((platform) => platform.discovered);
  const weightOf = (platform: PlatformExtraction): number => (discovered ? platform.weight : 1);
  return sum(platforms, (platform) => platform.share * weightOf(platform)) / sum(platforms, weightOf);
}

/** Requests that an account's walks still need by the upstream's totals; a walk of unknown size is like the known ones. */
function requestsLeft(walk: WalkTotals): number {
  const sized = walk.walks - walk.walksUnknown;
  const average = sized > 0 ? walk.recordsKnown / sized : 0;
  const perUnknown = Math.max(
    1,
    Math.ceil(average / (walk.platform === 'smartlead' ? rowsPerPage.smartlead : rowsPerPage.lemlist)),
  );
  return walk.discoveriesPending + walk.requestsKnown + walk.walksUnknown * perUnknown;
}

/** The most requests per ms that an account gives a job in the long run; Infinity when nothing bounds them. */
function requestsPerMs(account: AccountBudget): number {
  const rates = (account.configuredLimit ?? []).map(
    // What headers say is of the first span, as in the claim's own arithmetic.
    ({ count, spanMs }, index) =>
      (Math.min(count, (index === 0 ? account.learnedCount : null) ?? count) * account.throttle) / spanMs,
  );
  // Jobs that share an account are served in turn.
  const shared = Math.min(...rates) / Math.max(1, account.jobs);
  return Math.max(Math.min(shared, (account.requestsPerSecond ?? Infinity) / 1_000), 1e-9);
}

/** How long the limits alone hold the extraction up from now, ms: the slowest account decides. 0 with limits off. */
export function limitedForMs(facts: Pick<JobProgressFacts, 'walks' | 'accounts' | 'observedAtMs'>): number {
  return Math.max(
    0,
    ...facts.walks.map((walk) => {
      const account = facts.accounts.find((candidate) => candidate.accountId === walk.accountId);
      const left = requestsLeft(walk);
      if (account === undefined || left === 0) return 0;
      const pauseMs = Math.max(0, account.pausedUntilMs - facts.observedAtMs);
      return pauseMs + left / requestsPerMs(account);
    }),
  );
}
