import { shortHash } from './short-hash.ts';
import { brokenMessage, maxFailedReadings, maxFailuresInARow, unionReadings, unionWarning } from './walk.ts';
import type { RowMark, Step, WalkEvent } from './walk.ts';
import { splitWindow, widen } from './windows.ts';
import type { Seen, Window } from './windows.ts';

/** The most rows of a page (Smartlead fact sheet, section 6). */
const statisticsLimit = 1_000;

/** A window still to be read, with an estimate of its rows. */
interface Pending extends Window {
  readonly rows: number;
}

/** One reading of a window, from its first row. */
interface Reading {
  readonly covered: number;
  readonly total: number | null;
  /** Identity and time of the last row covered: the next page begins with it. An id alone may be that of two facts. */
  readonly last: string | null;
  /** Short hashes of the last page's rows. None of them may come again: an order that changes could hide in one match. */
  readonly page: readonly number[];
  /** False once a page did not fit the one before. */
  readonly clean: boolean;
}

/**
 * The walk over one campaign's statistics: offset pages whose order nothing is assumed of, checked against each other,
 * inside windows of send time that are halved where the pages do not fit.
 */
export interface StatisticsWalk {
  readonly window: Window;
  readonly todo: readonly Pending[];
  readonly reading: Reading;
  readonly failed: number;
  readonly failedInARow: number;
  /** How the last failed reading fell short of its total. */
  readonly short: { readonly covered: number; readonly total: number } | null;
  readonly seen: Seen | null;
  /** Which reading of a union this is, from 1; null while readings are checked. */
  readonly union: number | null;
}

const freshReading: Reading = { covered: 0, total: null, last: null, page: [], clean: true };

export function beginStatistics(window: Window): StatisticsWalk {
  return {
    window,
    todo: [],
    reading: freshReading,
    failed: 0,
    failedInARow: 0,
    short: null,
    seen: null,
    union: null,
  };
}

/** The next page's query. The bounds are exclusive upstream, so they are widened by 1 ms (fact sheet, section 6). */
export function statisticsQuery(
  { window, reading }: StatisticsWalk,
  limit: number = statisticsLimit,
): Readonly<Record<string, string | number>> {
  return {
    offset: Math.max(0, reading.covered - 1),
    limit,
    ...(window.start === null ? {} : { sent_time_start_date: sentTime(window.start - 1) }),
    ...(window.end === null ? {} : { sent_time_end_date: sentTime(window.end + 1) }),
  };
}

/** `2023-10-16 10:33:02.000Z` (fact sheet, section 6). */
function sentTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ');
}

/** Rows that the walk still expects to read. */
export function statisticsRemaining({ todo, reading }: StatisticsWalk): number {
  const ahead = Math.max(0, (reading.total ?? 0) - reading.covered);
  return todo.reduce((sum, { rows }) => sum + rows, ahead);
}

/** Takes in the page asked for by `statisticsQuery`; `total` is the page's `total_stats`, null when it has none. */
export function foldStatistics(
  walk: StatisticsWalk,
  page: { readonly rows: readonly RowMark[]; readonly total: number | null },
  limit: number = statisticsLimit,
): Step<StatisticsWalk> {
  const { reading } = walk;
  const { rows } = page;
  const further = reading.covered > 0;
  const sightings = rows.map(({ id, timeMs }) => `${id} ${timeMs ?? ''}`);
  const hashes = sightings.map(shortHash);
  const fits =
    !further || (sightings[0] === reading.last && page.total === reading.total && isNew(hashes, reading.page));
  const seen = widen(
    walk.seen,
    rows.map(({ timeMs }) => timeMs),
  );
  if (!fits && walk.union === null) return readAgain({ ...walk, seen, short: null }, []);

  const skip = further && sightings[0] === reading.last ? 1 : 0;
  const publish = rows.map((_, index) => index).slice(skip);
  const last = sightings.at(-1) ?? reading.last;
  const next: Reading = {
    covered: reading.covered + publish.length,
    total: further ? reading.total : page.total,
    last,
    page: hashes,
    clean: reading.clean && fits,
  };
  const moved = { ...walk, seen, reading: next };
  const stuck = further && (publish.length === 0 || last === reading.last);
  const { covered, total } = next;
  // A full page may have more behind it, whatever the total says; a short one only when the total says so.
  const more = !stuck && publish.length > 0 && (rows.length >= limit || (total !== null && covered < total));
  if (more) return step(moved, publish);
  if (total !== null && covered !== total) return fallShort(moved, publish, { covered, total });
  return endReading(moved, publish);
}

/** Whether no row but the first, which overlaps, was on the page before. */
function isNew(hashes: readonly number[], before: readonly number[]): boolean {
  const known = new Set(before);
  return hashes.slice(1).every((hash) => !known.has(hash));
}

function fallShort(
  walk: StatisticsWalk,
  publish: readonly number[],
  short: { readonly covered: number; readonly total: number },
): Step<StatisticsWalk> {
  if (walk.union !== null) return endReading({ ...walk, reading: { ...walk.reading, clean: false } }, publish);
  const same = walk.short !== null && walk.short.covered === short.covered && walk.short.total === short.total;
  if (!same) return readAgain({ ...walk, short }, publish);
  // Twice the same is no drift: the upstream's count is not that of its rows.
  return finishWindow(walk, publish, null, `total_stats is ${short.total} where ${short.covered} rows are`);
}

/** A reading has come to its end; that of a union may have to be repeated. */
function endReading(walk: StatisticsWalk, publish: readonly number[]): Step<StatisticsWalk> {
  if (walk.union === null || walk.reading.clean) return finishWindow(walk, publish, null, null);
  if (walk.union < unionReadings) {
    return step({ ...walk, union: walk.union + 1, reading: freshReading }, publish, 'read-again');
  }
  return finishWindow(walk, publish, 'union', unionWarning('a second of send time'));
}

function finishWindow(
  walk: StatisticsWalk,
  publish: readonly number[],
  event: WalkEvent | null,
  warning: string | null,
): Step<StatisticsWalk> {
  const [next, ...todo] = walk.todo;
  const following = next === undefined ? null : { ...beginStatistics({ start: next.start, end: next.end }), todo };
  return { kind: 'step', walk: following, publish, dropped: 0, event, warning };
}

/** The reading failed: once more, then in halves, and at the smallest window as a union. */
function readAgain(walk: StatisticsWalk, publish: readonly number[]): Step<StatisticsWalk> {
  const failed = walk.failed + 1;
  const failedInARow = walk.failedInARow + 1;
  if (failedInARow > maxFailuresInARow) return { kind: 'broken', message: brokenMessage };
  const fresh = { ...walk, failed, failedInARow, reading: freshReading };
  if (failed < maxFailedReadings) return step(fresh, publish, 'read-again');
  const halves = splitWindow(walk.window, walk.seen);
  if (halves === null) return step({ ...fresh, union: 1 }, publish, 'read-again');
  const [lower, upper] = halves;
  const rows = Math.ceil((walk.reading.total ?? 0) / 2);
  const todo = [{ ...upper, rows }, ...walk.todo];
  return step({ ...beginStatistics(lower), todo, failedInARow }, publish, 'halved');
}

function step(walk: StatisticsWalk, publish: readonly number[], event: WalkEvent | null = null): Step<StatisticsWalk> {
  return { kind: 'step', walk, publish, dropped: 0, event, warning: null };
}
