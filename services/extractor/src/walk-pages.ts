import type { ClaimedStream, NewStream } from '@full-sync/database';
import type { OutgoingRecord } from '@full-sync/kafka';
import type { Cursor, JobScope, LookBack } from './domain/reach.ts';
import type { Step, WalkEvent } from './domain/walk.ts';
import { isFit } from './read-rows.ts';
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
      /** The next page is not asked for before this long. */
      readonly rest: Rest | null;
      /** What is learned for the walk's cursor. */
      readonly cursor: CursorNews | null;
    }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'broken'; readonly message: string };

export interface Rest {
  readonly ms: number;
  /** For people. */
  readonly waitingFor: string;
}

export interface CursorNews {
  /** What the source counts before the walk; null where it does not say. */
  readonly counts: object | null;
  /** False when there is nothing to read: the cursor stays where it is. */
  readonly moves: boolean;
}

/** A stream's walk in memory: where its next page is, and what is stored of it. Moves with every page read. */
export interface OpenWalk {
  readonly request: () => {
    readonly route: string;
    readonly query: Readonly<Record<string, string | number>>;
    /** True where the endpoint has a limit of its own: its refusals say nothing of the account's. */
    readonly ownLimit?: boolean;
  };
  readonly read: (body: AsyncIterable<Uint8Array>, reader: RowReader) => Promise<PageResult>;
  /** The page that stands in for a request that was refused for good; null when the walk cannot do without. */
  readonly doWithout?: (detail: string) => PageResult | null;
  readonly continuation: () => unknown;
  /** `committed` = records of the stream so far, those of this chunk included. */
  readonly recordsExpected: (committed: number) => number | null;
  readonly shareDone: () => number;
}

/** What a walk is opened with. */
export interface WalkContext {
  readonly stream: ClaimedStream;
  readonly lookBack: LookBack;
  /** By campaign, '' for the account; of a discovery only. */
  readonly cursors: ReadonlyMap<string, Cursor>;
  /** False where limits are off. */
  readonly limited: boolean;
}

export const emptyPage = {
  kind: 'page',
  records: [],
  unfit: [],
  newStreams: [],
  done: false,
  dropped: 0,
  event: null,
  warning: null,
  rest: null,
  cursor: null,
} as const satisfies PageResult;

/** Most bytes of an answer that is read whole. */
export const maxWholeBytes = 33_554_432;

/** The scope of a stream's job. */
export function scopeOf({ job, filter }: ClaimedStream): JobScope {
  const { syncMode, windowEndMs, range, chunkDays } = job;
  return { syncMode, windowEndMs, range, chunkDays, filter };
}

/** The pause between two windows of a walk, where the job asked for one. */
export function windowRest({ job }: ClaimedStream): Rest | null {
  return job.chunkDelayMs > 0 ? { ms: job.chunkDelayMs, waitingFor: 'its next window' } : null;
}

/** What a page of rows comes to, after the walk has judged it and `leaveOut` has gone over what is new. */
export function toPage(
  step: Step<unknown>,
  rows: readonly ReadRow[],
  walk: {
    /** SHA-256 of what was dead-lettered before; added to. */
    readonly deadLettered: Set<string>;
    readonly leaveOut: (row: ReadRow) => boolean;
    readonly done: boolean;
    readonly rest: Rest | null;
  },
): PageResult {
  if (step.kind === 'broken') return step;
  const records: OutgoingRecord[] = [];
  const unfit: UnfitRecord[] = [];
  let { dropped } = step;
  for (const index of step.publish) {
    const row = rows[index];
    if (row === undefined) continue;
    if (walk.leaveOut(row)) {
      dropped += 1;
    } else if (isFit(row.content)) {
      records.push(row.content);
    } else {
      const sha256 = row.content.sha256.toString('hex');
      if (!walk.deadLettered.has(sha256)) unfit.push(row.content);
      walk.deadLettered.add(sha256);
    }
  }
  const { event, warning } = step;
  const { done, rest } = walk;
  return { ...emptyPage, records, unfit, done, dropped, event, warning, rest: done ? null : rest };
}
