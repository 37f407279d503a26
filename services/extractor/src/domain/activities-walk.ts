import { brokenMessage, maxFailedReadings, maxFailuresInARow, unionReadings, unionWarning } from './walk.ts';
import type { RowMark, Step, WalkEvent } from './walk.ts';
import { isOutside, splitWindow, widen } from './windows.ts';
import type { Seen, Window } from './windows.ts';

/** The most rows of a page (Lemlist fact sheet, section 5). */
const activitiesLimit = 100;

/** A window with an upper bound. */
interface BoundedWindow extends Window {
  readonly end: number;
}

/**
 * The walk over activities, newest first. It asks by time instead of by offset: the next page reaches up to the last
 * row's time and must hold that row, so rows that come and go above do not shift it.
 */
export interface ActivitiesWalk {
  readonly window: BoundedWindow;
  readonly todo: readonly BoundedWindow[];
  /** The upper bound of the next page. */
  readonly until: number;
  /** Rows to leave out below `until`: more than a page of them have the same time. */
  readonly offset: number;
  /** The row that the next page must hold, and those at its time that were published, each by `sightingOf`. */
  readonly edge: { readonly last: string; readonly published: readonly string[] } | null;
  readonly failed: number;
  readonly failedInARow: number;
  readonly seen: Seen | null;
  /** Which reading of a union this is, from 1, and whether its pages fitted so far; null while readings are checked. */
  readonly union: { readonly reading: number; readonly clean: boolean } | null;
}

export function beginActivities(window: BoundedWindow): ActivitiesWalk {
  return {
    window,
    todo: [],
    until: window.end,
    offset: 0,
    edge: null,
    failed: 0,
    failedInARow: 0,
    seen: null,
    union: null,
  };
}

/** The next page's query; both bounds are inclusive, and the upper must be above the lower (fact sheet, section 5). */
export function activitiesQuery(
  walk: ActivitiesWalk,
  limit: number = activitiesLimit,
): Readonly<Record<string, string | number>> {
  const { window, until, offset } = walk;
  const from = window.start === null ? null : Math.min(window.start, until - 1);
  return {
    version: 'v2',
    limit,
    offset,
    ...(from === null ? {} : { minDate: new Date(from).toISOString() }),
    maxDate: new Date(until).toISOString(),
  };
}

/** Share of the time in `whole` that the walk has covered, 0 to 1; 0 where there is no lower bound. */
export function activitiesShareDone(walk: ActivitiesWalk | null, whole: Window): number {
  if (walk === null) return 1;
  if (whole.start === null || whole.end === null) return 0;
  const ahead = [{ start: walk.window.start, end: walk.until }, ...walk.todo];
  const leftMs = ahead.reduce((sum, { start, end }) => sum + (end - (start ?? end) + 1), 0);
  return Math.min(1, Math.max(0, 1 - leftMs / (whole.end - whole.start + 1)));
}

/** Takes in the page asked for by `activitiesQuery`. */
export function foldActivities(
  walk: ActivitiesWalk,
  rows: readonly RowMark[],
  limit: number = activitiesLimit,
): Step<ActivitiesWalk> {
  const { edge } = walk;
  const inside = rows.flatMap(({ timeMs }, index) =>
    timeMs !== null && isOutside(walk.window, timeMs) ? [] : [index],
  );
  const known = new Set(edge?.published);
  const page: Page = {
    rows,
    publish: inside.filter((index) => {
      const row = rows[index];
      return row !== undefined && !known.has(sightingOf(row));
    }),
    dropped: rows.length - inside.length,
    full: rows.length >= limit,
  };
  const moved = {
    ...walk,
    seen: widen(
      walk.seen,
      inside.map((index) => rows[index]?.timeMs ?? null),
    ),
  };
  const overlap = walk.offset > 0 ? rows.slice(0, 1) : rows;
  const fits = edge === null || overlap.some((row) => sightingOf(row) === edge.last);
  if (walk.union !== null) return foldUnion(moved, walk.union, page, fits);
  if (!fits) return readAgain(moved, nothing(page));
  if (!page.full) return finishWindow(moved, page);
  if (!isNewestFirst(rows)) return halve({ ...moved, failedInARow: walk.failedInARow + 1 }, page);
  return advance(moved, page);
}

/** Tells a row seen again from another one that only bears the same id: both are passed on, and the loader judges them. */
function sightingOf({ id, timeMs }: RowMark): string {
  return `${id} ${timeMs ?? ''}`;
}

function lastOf(rows: readonly RowMark[]): string {
  const last = rows.at(-1);
  return last === undefined ? '' : sightingOf(last);
}

interface Page {
  readonly rows: readonly RowMark[];
  readonly publish: readonly number[];
  readonly dropped: number;
  readonly full: boolean;
}

/** A page that is read again is not published. */
function nothing(page: Page): Page {
  return { ...page, publish: [] };
}

function isNewestFirst(rows: readonly RowMark[]): boolean {
  let last = Infinity;
  for (const { timeMs } of rows) {
    if (timeMs === null) continue;
    if (timeMs > last) return false;
    last = timeMs;
  }
  return true;
}

/** Moves below a full page: by time where that helps, else by offset. */
function advance(walk: ActivitiesWalk, page: Page): Step<ActivitiesWalk> {
  const { rows } = page;
  const anchor = rows.findLast(({ timeMs }) => timeMs !== null);
  const time = anchor?.timeMs ?? null;
  if (walk.window.start !== null && time !== null && time < walk.window.start) return finishWindow(walk, page);
  if (anchor === undefined || time === null || time >= walk.until) {
    const last = lastOf(rows);
    const offset = walk.offset + rows.length - 1;
    return step({ ...walk, offset, edge: { last, published: [last] } }, page);
  }
  const published = rows.filter(({ timeMs }) => timeMs === null || timeMs === time).map(sightingOf);
  return step({ ...walk, until: time, offset: 0, edge: { last: sightingOf(anchor), published } }, page);
}

/** A reading that takes what comes, by offset. */
function foldUnion(
  walk: ActivitiesWalk,
  union: { readonly reading: number; readonly clean: boolean },
  page: Page,
  fits: boolean,
): Step<ActivitiesWalk> {
  const clean = union.clean && fits;
  const last = lastOf(page.rows);
  if (page.full && last !== walk.edge?.last) {
    const offset = walk.offset + page.rows.length - 1;
    return step({ ...walk, offset, edge: { last, published: [last] }, union: { ...union, clean } }, page);
  }
  if (clean) return finishWindow(walk, page);
  if (union.reading < unionReadings) {
    return step({ ...restart(walk), union: { reading: union.reading + 1, clean: true } }, page, 'read-again');
  }
  return finishWindow(walk, page, 'union', unionWarning('a second of activities'));
}

function restart(walk: ActivitiesWalk): ActivitiesWalk {
  return { ...walk, until: walk.window.end, offset: 0, edge: null };
}

/** The reading failed: once more, then in halves. */
function readAgain(walk: ActivitiesWalk, page: Page): Step<ActivitiesWalk> {
  const counted = { ...walk, failed: walk.failed + 1, failedInARow: walk.failedInARow + 1 };
  return counted.failed < maxFailedReadings ? step(restart(counted), page, 'read-again') : halve(counted, page);
}

/** Halves the window, or takes the union of three readings where it is as small as it gets. */
function halve(walk: ActivitiesWalk, page: Page): Step<ActivitiesWalk> {
  if (walk.failedInARow > maxFailuresInARow) return { kind: 'broken', message: brokenMessage };
  const halves = splitWindow(walk.window, walk.seen);
  if (halves === null)
    return step({ ...restart(walk), union: { reading: 1, clean: true } }, nothing(page), 'read-again');
  const [lower, upper] = halves;
  const begun = beginActivities({ start: upper.start, end: walk.window.end });
  const todo = [{ start: lower.start, end: lower.end ?? walk.window.end }, ...walk.todo];
  return step({ ...begun, todo, failedInARow: walk.failedInARow }, nothing(page), 'halved');
}

function finishWindow(
  walk: ActivitiesWalk,
  page: Page,
  event: WalkEvent | null = null,
  warning: string | null = null,
): Step<ActivitiesWalk> {
  const [next, ...todo] = walk.todo;
  const following = next === undefined ? null : { ...beginActivities(next), todo };
  return { kind: 'step', walk: following, publish: page.publish, dropped: page.dropped, event, warning };
}

function step(walk: ActivitiesWalk, page: Page, event: WalkEvent | null = null): Step<ActivitiesWalk> {
  return { kind: 'step', walk, publish: page.publish, dropped: page.dropped, event, warning: null };
}
