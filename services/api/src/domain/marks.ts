import type { PlatformExtraction } from './extraction.ts';
import { sum } from './facts.ts';
import type { AccountBudget, JobProgressFacts } from './facts.ts';

/** When a number last moved while there was work to move it, ms since 1970 by the database's clock. */
export interface Mark {
  readonly value: number;
  readonly since: number;
}

/**
 * What the follower remembers between two looks. It is kept in the job's row, so that every copy of the api says the
 * same, over restarts, too.
 */
export interface Marks {
  readonly extraction: Mark;
  readonly keying: Mark;
  readonly loading: Mark;
  /** Records settled at `at`, and the smoothed rate up to then. */
  readonly rate: { readonly value: number; readonly at: number; readonly perSecond: number };
}

const stalledAfterMs = 15_000;
const rateIntervalMs = 1_000;
/** The share of a new measurement in the smoothed rate. */
const smoothing = 0.2;

export function readMarks(progress: unknown): Marks | null {
  if (!isObject(progress) || !isObject(progress['marks'])) return null;
  const { extraction, keying, loading, rate } = progress['marks'];
  if (!isMark(extraction) || !isMark(keying) || !isMark(loading) || !isRate(rate)) return null;
  return { extraction, keying, loading, rate };
}

export function updateMarks(
  before: Marks | null,
  now: {
    readonly facts: JobProgressFacts;
    readonly platforms: readonly PlatformExtraction[];
    readonly processed: number;
    readonly keyed: number;
    readonly keyingLeft: number;
  },
): Marks {
  const { facts, platforms, processed, keyed, keyingLeft } = now;
  const at = facts.observedAtMs;
  const steps = sum(
    facts.walks,
    (walk) => walk.chunksCommitted + walk.walks - walk.walksPending - walk.discoveriesPending,
  );
  const committed = sum(platforms, (platform) => platform.committed);
  const reading = !facts.extracted && facts.status !== 'paused' && sum(facts.walks, (walk) => walk.liveLeases) === 0;
  const loadingLeft = facts.loadTargets === null ? Math.max(0, keyed - processed) : positionsLeft(facts);
  return {
    extraction: moved(before?.extraction, { value: steps, at, work: reading }),
    keying: moved(before?.keying, { value: committed - keyingLeft, at, work: keyingLeft > 0 }),
    loading: moved(before?.loading, { value: processed + positionsSum(facts), at, work: loadingLeft > 0 }),
    rate: rateOf(before?.rate, processed, at),
  };
}

/** Events below the load targets that the loader has not committed. */
function positionsLeft(facts: Pick<JobProgressFacts, 'loadTargets' | 'eventPositions'>): number {
  return sum(Object.entries(facts.loadTargets ?? {}), ([partition, target]) =>
    Math.max(0, target - (facts.eventPositions[partition] ?? 0)),
  );
}

function positionsSum(facts: JobProgressFacts): number {
  return sum(Object.values(facts.eventPositions), (offset) => offset);
}

function moved(
  before: Mark | undefined,
  now: { readonly value: number; readonly at: number; readonly work: boolean },
): Mark {
  if (before === undefined || before.value !== now.value || !now.work) return { value: now.value, since: now.at };
  return before;
}

function rateOf(before: Marks['rate'] | undefined, value: number, at: number): Marks['rate'] {
  if (before === undefined) return { value, at, perSecond: 0 };
  const elapsedMs = at - before.at;
  if (elapsedMs < rateIntervalMs) return before;
  const measured = (Math.max(0, value - before.value) / elapsedMs) * 1000;
  const perSecond = before.perSecond === 0 ? measured : before.perSecond + smoothing * (measured - before.perSecond);
  return { value, at, perSecond };
}

/** What a job waits for, and since when; null while it moves. The furthest stage that has work and does not move is named. */
export function waitingFor(facts: JobProgressFacts, marks: Marks): string | null {
  const stalled = (mark: Mark): boolean => facts.observedAtMs - mark.since >= stalledAfterMs;
  const since = (mark: Mark): string => new Date(mark.since).toISOString();
  if (stalled(marks.loading)) return `loader: no progress since ${since(marks.loading)}`;
  if (stalled(marks.keying)) return `keyer: no progress since ${since(marks.keying)}`;
  if (facts.extracted || facts.status === 'paused') return null;
  const walks = facts.walks.filter(hasWork).map((walk) => ({ ...walk, ...accountOf(walk.accountId, facts) }));
  const overdue = (sinceMs: number): boolean => facts.observedAtMs - sinceMs >= stalledAfterMs;
  // What a walk said when it was left says nothing of an extractor that did not come back to it in time.
  const missed = walks.some((walk) => overdue(Math.max(walk.notBeforeMs, walk.limitedUntilMs, walk.lastServedMs)));
  if (missed && stalled(marks.extraction)) return `extractor: no progress since ${since(marks.extraction)}`;
  const told = facts.walks.find((walk) => walk.waitingFor !== null && walk.liveLeases === 0);
  if (told !== undefined) return `${told.platform}: ${told.waitingFor ?? ''}`;
  if (!stalled(marks.extraction)) return null;
  const limited = walks.find((walk) => !overdue(walk.limitedUntilMs) && overdue(walk.notBeforeMs));
  if (limited !== undefined) return `${limited.platform}: rate limit`;
  const nextMs = Math.min(...walks.map((walk) => walk.notBeforeMs));
  if (nextMs > facts.observedAtMs && Number.isFinite(nextMs))
    return `extractor: next attempt at ${new Date(nextMs).toISOString()}`;
  return `extractor: no progress since ${since(marks.extraction)}`;
}

/** Until when the limits of an account explain that nothing was read, and when the job was last served there. */
function accountOf(accountId: number, facts: JobProgressFacts): Pick<AccountBudget, 'limitedUntilMs' | 'lastServedMs'> {
  const found = facts.accounts.find((candidate) => candidate.accountId === accountId);
  return { limitedUntilMs: found?.limitedUntilMs ?? 0, lastServedMs: found?.lastServedMs ?? 0 };
}

function hasWork(walk: { readonly walksPending: number; readonly discoveriesPending: number }): boolean {
  return walk.walksPending + walk.discoveriesPending > 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isMark(value: unknown): value is Mark {
  return isObject(value) && typeof value['value'] === 'number' && typeof value['since'] === 'number';
}

function isRate(value: unknown): value is Marks['rate'] {
  return (
    isObject(value) &&
    typeof value['value'] === 'number' &&
    typeof value['at'] === 'number' &&
    typeof value['perSecond'] === 'number'
  );
}
