import { isRecord, readId, readText, readTime } from '@full-sync/schemas';
import { cutRange } from './windows.ts';

/** A walk that a discovery found. */
export interface PlannedStream {
  readonly kind: 'statistics' | 'activities';
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  readonly windowStartMs: number | null;
  readonly windowEndMs: number | null;
}

/** The most campaigns of a page (Lemlist fact sheet, section 7). */
const campaignPageLimit = 100;
/** Enough windows for all workers, few enough that one is worth a walk. */
const activityWindows = 20;

function listOf(body: unknown, wrappers: readonly string[]): readonly unknown[] | null {
  if (Array.isArray(body)) return body as readonly unknown[];
  if (!isRecord(body)) return null;
  for (const name of wrappers) {
    const list = body[name];
    if (Array.isArray(list)) return list as readonly unknown[];
  }
  return null;
}

/**
 * One statistics walk per campaign in `GET /campaigns/` (Smartlead fact sheet, section 5), up to `windowEndMs`; null when
 * the body is no list. Entries without an id are counted.
 */
export function planStatistics(
  body: unknown,
  windowEndMs: number | null,
): { readonly streams: readonly PlannedStream[]; readonly unreadable: number } | null {
  const list = listOf(body, ['campaigns']);
  if (list === null) return null;
  const streams: PlannedStream[] = [];
  const known = new Set<string>();
  let unreadable = 0;
  for (const campaign of list) {
    const campaignId = isRecord(campaign) ? readId(campaign['id']) : null;
    if (campaignId === null) unreadable += 1;
    if (campaignId === null || known.has(campaignId)) continue;
    known.add(campaignId);
    const campaignName = isRecord(campaign) ? readText(campaign['name']) : null;
    streams.push({ kind: 'statistics', campaignId, campaignName, windowStartMs: null, windowEndMs });
  }
  return { streams, unreadable };
}

/** How far the list of campaigns has been read. */
export interface CampaignListing {
  readonly page: number;
  /** When the oldest campaign so far was made. */
  readonly oldestMs: number | null;
  /** The first campaign of the last page: a page that begins with it again is no progress. */
  readonly first: string | null;
}

export const firstCampaignPage: CampaignListing = { page: 1, oldestMs: null, first: null };

/** The query of a page (Lemlist fact sheet, section 7). */
export function campaignQuery({ page }: CampaignListing): Readonly<Record<string, string | number>> {
  return { version: 'v2', limit: campaignPageLimit, page, sortBy: 'createdAt', sortOrder: 'asc' };
}

/**
 * Takes in a page of campaigns, in any of the envelopes met; null when it holds no list. The last page says so, is short,
 * or is the one before it again.
 */
export function foldCampaigns(
  listing: CampaignListing,
  body: unknown,
): { readonly listing: CampaignListing; readonly last: boolean } | null {
  const list = listOf(body, ['campaigns', 'data', 'results']);
  if (list === null) return null;
  let oldestMs = listing.oldestMs;
  for (const campaign of list) {
    const createdMs = isRecord(campaign) ? readTime(campaign['createdAt']) : 'missing';
    if (typeof createdMs === 'number') oldestMs = Math.min(oldestMs ?? createdMs, createdMs);
  }
  const first = isRecord(list[0]) ? readId(list[0]['_id']) : null;
  const pagination = isRecord(body) && isRecord(body['pagination']) ? body['pagination'] : {};
  const { currentPage, totalPage } = pagination;
  const saysLast = typeof currentPage === 'number' && typeof totalPage === 'number' && currentPage >= totalPage;
  const last = saysLast || list.length < campaignPageLimit || first === null || first === listing.first;
  return { listing: { page: listing.page + 1, oldestMs, first }, last };
}

/**
 * Activity walks over all time up to `windowEndMs`: equal windows from the oldest campaign on, so that workers can share
 * them, and an open one for whatever is older.
 */
export function planActivities(oldestMs: number | null, windowEndMs: number): readonly PlannedStream[] {
  const openEnd = oldestMs === null || oldestMs > windowEndMs ? windowEndMs : oldestMs - 1;
  const windows = [
    { start: null, end: openEnd },
    ...(openEnd < windowEndMs ? cutRange(openEnd + 1, windowEndMs, activityWindows) : []),
  ];
  return windows.map(({ start, end }) => ({
    kind: 'activities',
    campaignId: null,
    campaignName: null,
    windowStartMs: start,
    windowEndMs: end,
  }));
}
