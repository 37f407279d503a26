import { beginActivities } from './activities-walk.ts';
import type { PlannedStream } from './planned-stream.ts';
import { activitiesReach, isInFilter } from './reach.ts';
import type { Cursor, JobScope, LookBack, Reach } from './reach.ts';
import { cutRange, firstChunk } from './windows.ts';
import type { Chunk, Window } from './windows.ts';

/** Enough windows for all workers, few enough that one is worth a walk. */
const activityWindows = 20;

/**
 * The activity walks of a job: one per campaign where the namespace names its campaigns, so that the source sends no
 * others; else over the account, in windows that workers can share. Cursors are by campaign, '' for the account.
 */
export function planActivities(
  oldestMs: number | null,
  scope: JobScope,
  cursors: ReadonlyMap<string, Cursor>,
  lookBack: LookBack,
): readonly PlannedStream[] {
  const named = scope.filter?.campaigns ?? null;
  const targets = named === null ? [null] : named.filter((id) => isInFilter(scope.filter, id));
  return [...new Set(targets)].flatMap((campaignId) => {
    const reach = activitiesReach(scope, cursors.get(campaignId ?? '') ?? null, lookBack);
    if (reach.window === null) return [];
    const chunks = chunksOf(reach.window, campaignId !== null, oldestMs, scope.chunkDays);
    return chunks.map((chunk) => toStream(campaignId, chunk, reach));
  });
}

/** Whether the plan needs to know how old the account is. */
export function needsOldest(scope: JobScope, cursors: ReadonlyMap<string, Cursor>, lookBack: LookBack): boolean {
  // Of named campaigns each walk is one window, or begins with the oldest of all where windows are asked for.
  if ((scope.filter?.campaigns ?? null) !== null) return scope.range === null && scope.chunkDays !== null;
  return activitiesReach(scope, cursors.get('') ?? null, lookBack).window?.start === null;
}

type Bounded = Window & { readonly end: number };
type Planned = Chunk & { readonly whole: Bounded };

function chunksOf(
  window: Bounded,
  ofOneCampaign: boolean,
  oldestMs: number | null,
  chunkDays: number | null,
): readonly Planned[] {
  if (ofOneCampaign || chunkDays !== null) return [{ ...firstChunk(window, chunkDays, oldestMs), whole: window }];
  const { start, end } = window;
  if (start !== null) return boundedChunks(start, end);
  // An open window for whatever is older than the oldest campaign.
  const openEnd = oldestMs === null || oldestMs > end ? end : oldestMs - 1;
  const open = { start: null, end: openEnd };
  return [{ window: open, whole: open, aheadMs: null }, ...(openEnd < end ? boundedChunks(openEnd + 1, end) : [])];
}

function boundedChunks(start: number, end: number): readonly Planned[] {
  return cutRange(start, end, activityWindows).map((window) => ({ window, whole: window, aheadMs: null }));
}

function toStream(
  campaignId: string | null,
  { window, aheadMs, whole }: Planned,
  { readsUpToMs, backdated }: Reach,
): PlannedStream {
  return {
    kind: 'activities',
    campaignId,
    campaignName: null,
    windowStartMs: whole.start,
    windowEndMs: whole.end,
    continuation: { walk: beginActivities(window), deadLettered: [], aheadMs },
    recordsExpected: null,
    readsUpToMs,
    backdated,
  };
}
