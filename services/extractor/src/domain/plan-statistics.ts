import { isRecord, readId, readText, readTime } from '@full-sync/schemas';
import { listOf } from './campaigns.ts';
import { readCounts, sentOf } from './counts.ts';
import type { Counts } from './counts.ts';
import type { PlannedStream } from './planned-stream.ts';
import { isInFilter, statisticsReach } from './reach.ts';
import type { Cursor, JobScope, LookBack } from './reach.ts';
import { beginStatistics } from './statistics-walk.ts';
import { firstChunk } from './windows.ts';

/** What earlier jobs know of an account's campaigns. */
export interface KnownCampaigns {
  readonly cursors: ReadonlyMap<string, Cursor>;
  /** The campaigns with a send or a reply since the last job; null = nobody knows. */
  readonly changed: ReadonlySet<string> | null;
}

export interface StatisticsPlan {
  readonly streams: readonly PlannedStream[];
  readonly warnings: readonly string[];
}

/** Campaigns that a warning names. */
const namedAtMost = 10;

/**
 * One statistics walk per campaign in `GET /campaigns/` (Smartlead fact sheet, section 5) that belongs to the namespace,
 * as far back as the job's mode says; null when the body is no list.
 */
export function planStatistics(
  body: unknown,
  scope: JobScope,
  known: KnownCampaigns,
  lookBack: LookBack,
): StatisticsPlan | null {
  const list = listOf(body, ['campaigns']);
  if (list === null) return null;
  const streams: PlannedStream[] = [];
  const listed = new Set<string>();
  let unreadable = 0;
  for (const campaign of list) {
    const campaignId = isRecord(campaign) ? readId(campaign['id']) : null;
    if (campaignId === null || !isRecord(campaign)) {
      unreadable += 1;
      continue;
    }
    if (listed.has(campaignId)) continue;
    listed.add(campaignId);
    if (!isInFilter(scope.filter, campaignId)) continue;
    const stream = planCampaign({ ...campaign, id: campaignId }, scope, known, lookBack);
    if (stream !== null) streams.push(stream);
  }
  const unlisted = (scope.filter?.campaigns ?? []).filter((id) => !listed.has(id) && isInFilter(scope.filter, id));
  return {
    streams,
    warnings: [
      ...(unreadable === 0 ? [] : [`${unreadable} campaigns without an id were left out`]),
      ...(unlisted.length === 0 ? [] : [`the account lists no campaign ${shown(unlisted)}`]),
    ],
  };
}

function shown(ids: readonly string[]): string {
  const named = ids.slice(0, namedAtMost).join(', ');
  return ids.length > namedAtMost ? `${named} and ${ids.length - namedAtMost} more` : named;
}

function planCampaign(
  campaign: Readonly<Record<string, unknown>> & { readonly id: string },
  scope: JobScope,
  known: KnownCampaigns,
  lookBack: LookBack,
): PlannedStream | null {
  const cursor = known.cursors.get(campaign.id) ?? null;
  const counts = readCounts(cursor?.counts);
  const { window, readsUpToMs, backdated } = statisticsReach(scope, cursor, lookBack);
  if (window === null) return null;
  const comparing = window.start !== null && readsUpToMs !== null;
  const isChanged = known.changed?.has(campaign.id) ?? comparing;
  // A draft has sent nothing.
  if (comparing && !isChanged && campaign['status'] === 'DRAFTED' && sentOf(counts) === 0) return null;
  const created = readTime(campaign['created_at']);
  const chunk = firstChunk(window, scope.chunkDays, typeof created === 'number' ? created : null);
  // What is read anyway needs no counting now; without stored counts the next delta counts and reads it.
  const counting = readsUpToMs === null || isChanged ? null : { known: comparing ? counts : null };
  return {
    kind: 'statistics',
    campaignId: campaign.id,
    campaignName: readText(campaign['name']),
    windowStartMs: window.start,
    windowEndMs: window.end,
    continuation: {
      walk: beginStatistics(chunk.window),
      deadLettered: [],
      aheadMs: chunk.aheadMs,
      counting: counting satisfies { readonly known: Counts | null } | null,
    },
    recordsExpected: window.start === null ? sentOf(counts) : null,
    readsUpToMs,
    backdated,
  };
}
