import type { ClaimedStream, NewStream } from '@full-sync/database';
import { path, readJson } from '@full-sync/http-client';
import { parseJson } from '@full-sync/schemas';
import type { OutgoingRecord } from '@full-sync/kafka';
import {
  activitiesContinuation,
  listingContinuation,
  readContinuation,
  statisticsContinuation,
} from './continuations.ts';
import { activitiesQuery, activitiesShareDone, beginActivities, foldActivities } from './domain/activities-walk.ts';
import type { ActivitiesWalk } from './domain/activities-walk.ts';
import { campaignQuery, firstCampaignPage, foldCampaigns, planActivities, planStatistics } from './domain/campaigns.ts';
import { readCount, isRecord } from '@full-sync/schemas';
import { beginStatistics, foldStatistics, statisticsQuery, statisticsRemaining } from './domain/statistics-walk.ts';
import type { StatisticsWalk } from './domain/statistics-walk.ts';
import type { Step, WalkEvent } from './domain/walk.ts';
import { isOutside } from './domain/windows.ts';
import { isFit, readRows } from './read-rows.ts';
import type { ReadRow, RowReader, UnfitRecord } from './read-rows.ts';

/** What a page brought. */
export type PageResult =
  | {
      readonly kind: 'page';
      readonly records: readonly OutgoingRecord[];
      readonly unfit: readonly UnfitRecord[];
      readonly newStreams: readonly NewStream[];
      readonly done: boolean;
      readonly dropped: number;
      readonly event: WalkEvent | null;
      readonly warning: string | null;
    }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'broken'; readonly message: string };

/** A stream's walk in memory: where its next page is, and what is stored of it. Moves with every page read. */
export interface OpenWalk {
  readonly request: () => { readonly route: string; readonly query: Readonly<Record<string, string | number>> };
  readonly read: (body: AsyncIterable<Uint8Array>, reader: RowReader) => Promise<PageResult>;
  readonly continuation: () => unknown;
  /** `committed` = records of the stream so far, those of this chunk included. */
  readonly recordsExpected: (committed: number) => number | null;
  readonly shareDone: () => number;
}

/** Most bytes of a list of campaigns, which is read whole. */
const maxListBytes = 33_554_432;

/** Opens the walk of a claimed stream where its last committed chunk left it. */
export function openWalk(stream: ClaimedStream): OpenWalk {
  switch (stream.kind) {
    case 'discover':
      return stream.platform === 'smartlead' ? openCampaignList(stream) : openCampaignListing(stream);
    case 'statistics':
      return openStatistics(stream);
    case 'activities':
      return openActivities(stream);
    default:
      throw new Error(`a stream of the unknown kind ${stream.kind}`);
  }
}

const emptyPage = {
  kind: 'page',
  records: [],
  unfit: [],
  newStreams: [],
  done: true,
  dropped: 0,
  event: null,
} as const;

function openCampaignList(stream: ClaimedStream): OpenWalk {
  let done = false;
  return {
    request: () => ({ route: '/campaigns/', query: {} }),
    read: async (body) => {
      const planned = planStatistics(await readJson(body, maxListBytes, parseJson), stream.job.windowEndMs);
      if (planned === null) return { kind: 'malformed', detail: 'the list of campaigns is no array' };
      done = true;
      const warning = planned.unreadable === 0 ? null : `${planned.unreadable} campaigns without an id were left out`;
      return { ...emptyPage, newStreams: planned.streams, warning };
    },
    continuation: () => null,
    recordsExpected: () => null,
    shareDone: () => (done ? 1 : 0),
  };
}

function openCampaignListing(stream: ClaimedStream): OpenWalk {
  let listing = readContinuation(listingContinuation, stream.continuation) ?? firstCampaignPage;
  let done = false;
  return {
    request: () => ({ route: '/campaigns', query: campaignQuery(listing) }),
    read: async (body) => {
      const folded = foldCampaigns(listing, await readJson(body, maxListBytes, parseJson));
      if (folded === null) return { kind: 'malformed', detail: 'the list of campaigns is no array' };
      listing = folded.listing;
      done = folded.last;
      const newStreams = done ? planActivities(listing.oldestMs, stream.job.windowEndMs) : [];
      return { ...emptyPage, newStreams, done, warning: null };
    },
    continuation: () => listing,
    recordsExpected: () => null,
    shareDone: () => (done ? 1 : 0),
  };
}

function openStatistics(stream: ClaimedStream): OpenWalk {
  const window = { start: stream.windowStartMs, end: stream.windowEndMs };
  const stored = readContinuation(statisticsContinuation, stream.continuation);
  let walk: StatisticsWalk | null = stored?.walk ?? beginStatistics(window);
  const deadLettered = new Set(stored?.deadLettered);
  // A time without a zone may be of any, so only a range that somebody asked for leaves rows out.
  const leaveOut = (row: ReadRow): boolean =>
    window.start !== null && window.end !== null && row.mark.timeMs !== null && isOutside(window, row.mark.timeMs);
  return {
    request: () => ({
      route: path`/campaigns/${stream.campaignId ?? ''}/statistics`,
      query: statisticsQuery(walk ?? beginStatistics(window)),
    }),
    read: async (body, reader) => {
      const { rows, envelope } = await readRows(body, { field: 'data' }, reader);
      if (!envelope.found) return { kind: 'malformed', detail: 'statistics without a data array' };
      const total = isRecord(envelope.value) ? readCount(envelope.value['total_stats']) : null;
      const step = foldStatistics(walk ?? beginStatistics(window), { rows: rows.map(({ mark }) => mark), total });
      if (step.kind === 'step') walk = step.walk;
      return toPage(step, rows, deadLettered, leaveOut);
    },
    continuation: () => (walk === null ? null : { walk, deadLettered: [...deadLettered] }),
    recordsExpected: (committed) => committed + (walk === null ? 0 : statisticsRemaining(walk)),
    shareDone: () => (walk === null ? 1 : 0),
  };
}

function openActivities(stream: ClaimedStream): OpenWalk {
  const window = { start: stream.windowStartMs, end: stream.windowEndMs ?? stream.job.windowEndMs };
  const stored = readContinuation(activitiesContinuation, stream.continuation);
  let walk: ActivitiesWalk | null = stored?.walk ?? beginActivities(window);
  const deadLettered = new Set(stored?.deadLettered);
  return {
    request: () => ({ route: '/activities', query: activitiesQuery(walk ?? beginActivities(window)) }),
    read: async (body, reader) => {
      const { rows, envelope } = await readRows(body, 'top', reader);
      if (!envelope.found) return { kind: 'malformed', detail: 'activities that are no array' };
      const step = foldActivities(
        walk ?? beginActivities(window),
        rows.map(({ mark }) => mark),
      );
      if (step.kind === 'step') walk = step.walk;
      return toPage(step, rows, deadLettered, () => false);
    },
    continuation: () => (walk === null ? null : { walk, deadLettered: [...deadLettered] }),
    recordsExpected: () => null,
    shareDone: () => activitiesShareDone(walk, window),
  };
}

function toPage(
  step: Step<unknown>,
  rows: readonly ReadRow[],
  deadLettered: Set<string>,
  leaveOut: (row: ReadRow) => boolean,
): PageResult {
  if (step.kind === 'broken') return step;
  const records: OutgoingRecord[] = [];
  const unfit: UnfitRecord[] = [];
  let { dropped } = step;
  for (const index of step.publish) {
    const row = rows[index];
    if (row === undefined) continue;
    if (leaveOut(row)) {
      dropped += 1;
    } else if (isFit(row.content)) {
      records.push(row.content);
    } else {
      const sha256 = row.content.sha256.toString('hex');
      if (!deadLettered.has(sha256)) unfit.push(row.content);
      deadLettered.add(sha256);
    }
  }
  const { event, warning } = step;
  return { kind: 'page', records, unfit, newStreams: [], done: step.walk === null, dropped, event, warning };
}
