import { isRecord, readId, readTime } from '@full-sync/schemas';

/** The most campaigns of a page (Lemlist fact sheet, section 7). */
const campaignPageLimit = 100;

/** The list in a body: the body itself, or what is under one of the names. */
export function listOf(body: unknown, wrappers: readonly string[]): readonly unknown[] | null {
  if (Array.isArray(body)) return body as readonly unknown[];
  if (!isRecord(body)) return null;
  for (const name of wrappers) {
    const list = body[name];
    if (Array.isArray(list)) return list as readonly unknown[];
  }
  return null;
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
