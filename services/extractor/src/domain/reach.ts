import type { Window } from './windows.ts';

/** Which campaigns of an account belong to a namespace; ids as text. */
export interface CampaignFilter {
  /** Only these; null = all. */
  readonly campaigns: readonly string[] | null;
  readonly exclude: readonly string[];
}

/** How far a walk of an earlier job got. */
export interface Cursor {
  readonly readUpToMs: number;
  /** What the source counted before that walk, as it was stored. */
  readonly counts: unknown;
  readonly backdatedAtMs: number | null;
  readonly filter: CampaignFilter | null;
}

/** What a job asks of the walks of one namespace and platform. */
export interface JobScope {
  readonly syncMode: string;
  readonly windowEndMs: number;
  /** The closed interval that was asked for; null in all modes but `date_range`. */
  readonly range: { readonly startMs: number; readonly endMs: number } | null;
  /** Days per window; null = one window. */
  readonly chunkDays: number | null;
  readonly filter: CampaignFilter | null;
}

/** What a delta looks back for, ms. */
export interface LookBack {
  /** Before the cursor: what the source shows late, and clocks that differ. */
  readonly overlapMs: number;
  /** Age of sends whose opens, clicks, replies and bounces are still looked for. */
  readonly lookbackMs: number;
  /** How much older than its recording an activity may be dated. */
  readonly backdatedMs: number;
}

/** The time that a walk covers. */
export interface Reach {
  /** Null when there is nothing to read. */
  readonly window: (Window & { readonly end: number }) | null;
  /** Where its cursor moves in the end; null = nowhere. */
  readonly readsUpToMs: number | null;
  readonly backdated: boolean;
}

/** Whether a campaign (null: none) belongs to a namespace: a list of campaigns leaves activities without one out. */
export function isInFilter(filter: CampaignFilter | null, campaignId: string | null): boolean {
  if (filter === null) return true;
  if (campaignId === null) return filter.campaigns === null;
  return !filter.exclude.includes(campaignId) && (filter.campaigns === null || filter.campaigns.includes(campaignId));
}

/** Whether everything that `now` lets through was let through by `before`, too: only then a cursor speaks for it. */
export function isCovered(before: CampaignFilter | null, now: CampaignFilter | null): boolean {
  if (before === null) return true;
  const named = now?.campaigns ?? null;
  if (named !== null) return named.every((id) => !isInFilter(now, id) || isInFilter(before, id));
  return before.campaigns === null && before.exclude.every((id) => now?.exclude.includes(id) === true);
}

const whole = (scope: JobScope): Reach => ({
  window: { start: null, end: scope.windowEndMs },
  readsUpToMs: scope.windowEndMs,
  backdated: false,
});

/** The reach of a range: never beyond the instant of the job, so that it holds still while it is read. */
function rangeOf(range: NonNullable<JobScope['range']>, windowEndMs: number): Reach {
  const end = Math.min(range.endMs, windowEndMs);
  return { window: range.startMs > end ? null : { start: range.startMs, end }, readsUpToMs: null, backdated: false };
}

/**
 * What of a Smartlead campaign is to be read. A delta goes back from the cursor by as much as a send may be old when it is
 * still opened, clicked, replied to or bounced: these change the row of the send.
 */
export function statisticsReach(scope: JobScope, cursor: Cursor | null, lookBack: LookBack): Reach {
  if (scope.range !== null) return rangeOf(scope.range, scope.windowEndMs);
  if (scope.syncMode !== 'delta_since_last' || cursor === null) return whole(scope);
  const start = cursor.readUpToMs - Math.max(lookBack.overlapMs, lookBack.lookbackMs);
  return { window: { start, end: scope.windowEndMs }, readsUpToMs: scope.windowEndMs, backdated: false };
}

/**
 * What of a Lemlist account, or of one of its campaigns, is to be read. A delta goes back by the overlap, and once a day
 * (UTC) by as much as an activity may be dated before its recording, from the last time that it did so.
 */
export function activitiesReach(scope: JobScope, cursor: Cursor | null, lookBack: LookBack): Reach {
  if (scope.range !== null) return rangeOf(scope.range, scope.windowEndMs);
  if (scope.syncMode !== 'delta_since_last' || cursor === null || !isCovered(cursor.filter, scope.filter))
    return whole(scope);
  const { readUpToMs, backdatedAtMs } = cursor;
  const backdated = backdatedAtMs === null || dayOf(backdatedAtMs) < dayOf(scope.windowEndMs);
  const recent = readUpToMs - lookBack.overlapMs;
  const start = backdated ? Math.min(recent, (backdatedAtMs ?? readUpToMs) - lookBack.backdatedMs) : recent;
  return { window: { start, end: scope.windowEndMs }, readsUpToMs: scope.windowEndMs, backdated };
}

function dayOf(ms: number): number {
  return Math.floor(ms / 86_400_000);
}
