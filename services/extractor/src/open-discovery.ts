import { readJson, readJsonRows } from '@full-sync/http-client';
import { isRecord, parseJson, readId } from '@full-sync/schemas';
import { changesContinuation, listingContinuation, readContinuation } from './continuations.ts';
import { campaignQuery, firstCampaignPage, foldCampaigns } from './domain/campaigns.ts';
import { beginChanges, changesLimit, changesQuery, changesRestMs, foldChanges } from './domain/changes.ts';
import type { ChangesListing } from './domain/changes.ts';
import { needsOldest, planActivities } from './domain/plan-activities.ts';
import { planStatistics } from './domain/plan-statistics.ts';
import { isCovered } from './domain/reach.ts';
import type { JobScope } from './domain/reach.ts';
import { parseRow } from './read-rows.ts';
import { textWithoutBodies } from './skip-bodies.ts';
import { emptyPage, maxWholeBytes, scopeOf } from './walk-pages.ts';
import type { OpenWalk, PageResult, WalkContext } from './walk-pages.ts';

/** Most bytes of a lead with all its emails; one above it is skipped, and the list then proves nothing. */
const maxLeadBytes = 33_554_432;

/**
 * Lists a Smartlead account's campaigns and plans their walks. A delta first asks the account-wide list where something
 * was sent or replied; without that list every campaign is read again.
 */
export function openCampaignList({ stream, cursors, lookBack, limited }: WalkContext): OpenWalk {
  const scope = scopeOf(stream);
  const stored = readContinuation(changesContinuation, stream.continuation);
  let changes = stored?.changes ?? firstChanges(scope, cursors.get(''), lookBack.overlapMs);
  let asking = stored?.asking ?? changes !== null;
  let done = false;

  const readChanges = async (body: AsyncIterable<Uint8Array>, listing: ChangesListing): Promise<PageResult> => {
    const page = await readChangesPage(body);
    if (page === null) return { kind: 'malformed', detail: 'the list of changed leads has no data array' };
    const folded = foldChanges(listing, page);
    changes = folded.listing;
    asking = !folded.last;
    const rest = asking && limited ? { ms: changesRestMs, waitingFor: 'the list of changed leads' } : null;
    return { ...emptyPage, rest };
  };
  return {
    request: () =>
      asking && changes !== null
        ? { route: '/campaigns/all-leads-activities', query: changesQuery(changes), ownLimit: true }
        : { route: '/campaigns/', query: {} },
    read: async (body) => {
      if (asking && changes !== null) return await readChanges(body, changes);
      const changed = changes?.complete === true ? new Set(changes.campaigns) : null;
      const list = await readJson(body, maxWholeBytes, parseJson);
      const planned = planStatistics(list, scope, { cursors, changed }, lookBack);
      if (planned === null) return { kind: 'malformed', detail: 'the list of campaigns is no array' };
      done = true;
      const warning = planned.warnings.length === 0 ? null : planned.warnings.join('; ');
      return { ...emptyPage, newStreams: planned.streams, done, warning };
    },
    doWithout: (detail) => {
      if (!asking || changes === null) return null;
      asking = false;
      changes = { ...changes, complete: false };
      return {
        ...emptyPage,
        warning: `the account does not list changed leads (${detail}): the sends of the look-back were read of every campaign`,
      };
    },
    continuation: () => (done || changes === null ? null : { changes, asking }),
    recordsExpected: () => null,
    shareDone: () => (done ? 1 : 0),
  };
}

function firstChanges(
  scope: JobScope,
  account: ReturnType<WalkContext['cursors']['get']>,
  overlapMs: number,
): ChangesListing | null {
  if (scope.syncMode !== 'delta_since_last' || account === undefined) return null;
  return isCovered(account.filter, scope.filter)
    ? beginChanges(account.readUpToMs - overlapMs, scope.windowEndMs)
    : null;
}

/** The campaign of each row of a page, and whether there are more; null when it is no such page. */
async function readChangesPage(
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly campaigns: readonly (string | null)[]; readonly hasMore: boolean } | null> {
  const campaigns: (string | null)[] = [];
  const rows = readJsonRows(body, {
    array: { field: 'data' },
    maxRowBytes: maxLeadBytes,
    onOversized: () => campaigns.push(null),
  });
  for await (const row of rows) {
    const lead = parseRow(textWithoutBodies(row));
    campaigns.push(isRecord(lead) ? readId(lead['campaign_id']) : null);
  }
  const { found, value } = rows.envelope;
  if (!found || !isRecord(value)) return null;
  const pagination = isRecord(value['pagination']) ? value['pagination'] : {};
  const said = value['hasMore'] ?? pagination['has_more'];
  return { campaigns, hasMore: typeof said === 'boolean' ? said : campaigns.length >= changesLimit };
}

/** Lists a Lemlist account's campaigns, as far as the plan of its activities needs them. */
export function openCampaignListing({ stream, cursors, lookBack }: WalkContext): OpenWalk {
  const scope = scopeOf(stream);
  let listing = readContinuation(listingContinuation, stream.continuation) ?? firstCampaignPage;
  let done = false;
  return {
    request: () => ({ route: '/campaigns', query: campaignQuery(listing) }),
    read: async (body) => {
      const folded = foldCampaigns(listing, await readJson(body, maxWholeBytes, parseJson));
      if (folded === null) return { kind: 'malformed', detail: 'the list of campaigns is no array' };
      listing = folded.listing;
      done = folded.last || !needsOldest(scope, cursors, lookBack);
      const newStreams = done ? planActivities(listing.oldestMs, scope, cursors, lookBack) : [];
      return { ...emptyPage, newStreams, done };
    },
    continuation: () => listing,
    recordsExpected: () => null,
    shareDone: () => (done ? 1 : 0),
  };
}
