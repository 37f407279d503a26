import { path, readJson } from '@full-sync/http-client';
import { isRecord, parseJson, readCount } from '@full-sync/schemas';
import { readContinuation, statisticsContinuation } from './continuations.ts';
import { readCounts, sameCounts, sentOf } from './domain/counts.ts';
import type { Counts } from './domain/counts.ts';
import { beginStatistics, foldStatistics, statisticsQuery, statisticsRemaining } from './domain/statistics-walk.ts';
import type { StatisticsWalk } from './domain/statistics-walk.ts';
import { isOutside, nextChunk } from './domain/windows.ts';
import { readRows } from './read-rows.ts';
import type { ReadRow } from './read-rows.ts';
import { emptyPage, maxWholeBytes, toPage, windowRest } from './walk-pages.ts';
import type { OpenWalk, PageResult, WalkContext } from './walk-pages.ts';

/**
 * The walk over a campaign's sends. One that moves a cursor asks first what the source counts: before the walk, so that
 * whatever happens during it is a difference the next time. When nothing differs from the last time, there is no walk.
 */
export function openStatistics({ stream }: WalkContext): OpenWalk {
  const window = { start: stream.windowStartMs, end: stream.windowEndMs ?? stream.job.windowEndMs };
  const stored = readContinuation(statisticsContinuation, stream.continuation);
  let walk: StatisticsWalk | null = stored?.walk ?? beginStatistics(window);
  let counting = stored?.counting ?? null;
  let aheadMs = stored?.aheadMs ?? null;
  let expected = stored?.expected ?? stream.recordsExpected;
  const deadLettered = new Set(stored?.deadLettered);
  const campaign = stream.campaignId ?? '';
  // A time without a zone may be of any, so only a range that somebody asked for leaves rows out.
  const leaveOut = (row: ReadRow): boolean =>
    stream.job.range !== null && row.mark.timeMs !== null && isOutside(window, row.mark.timeMs);

  const counted = (counts: Counts | null): PageResult => {
    const known = readCounts(counting?.known);
    counting = null;
    const unchanged = counts !== null && known !== null && sameCounts(counts, known);
    if (unchanged) walk = null;
    if (window.start === null) expected = sentOf(counts) ?? expected;
    return { ...emptyPage, done: unchanged, cursor: { counts, moves: !unchanged } };
  };

  return {
    request: () =>
      counting === null
        ? { route: path`/campaigns/${campaign}/statistics`, query: statisticsQuery(walk ?? beginStatistics(window)) }
        : { route: path`/campaigns/${campaign}/analytics`, query: {} },
    read: async (body, reader) => {
      if (counting !== null) return counted(readCounts(await readJson(body, maxWholeBytes, parseJson)));
      const { rows, envelope } = await readRows(body, { field: 'data' }, reader);
      if (!envelope.found) return { kind: 'malformed', detail: 'statistics without a data array' };
      const total = isRecord(envelope.value) ? readCount(envelope.value['total_stats']) : null;
      const step = foldStatistics(walk ?? beginStatistics(window), { rows: rows.map(({ mark }) => mark), total });
      if (step.kind === 'step') walk = step.walk;
      let rest = null;
      if (walk === null && aheadMs !== null) {
        const next = nextChunk(aheadMs, window.end, stream.job.chunkDays);
        walk = beginStatistics(next.window);
        aheadMs = next.aheadMs;
        rest = windowRest(stream);
      }
      return toPage(step, rows, { deadLettered, leaveOut, done: walk === null, rest });
    },
    // Without counts the next delta reads the campaign instead of comparing.
    doWithout: () => (counting === null ? null : counted(null)),
    continuation: () => (walk === null ? null : { walk, deadLettered: [...deadLettered], aheadMs, counting, expected }),
    recordsExpected: (committed) => {
      if (walk === null) return committed;
      const seen = committed + statisticsRemaining(walk);
      if (walk.reading.total !== null && aheadMs === null) return seen;
      return expected === null ? null : Math.max(seen, expected);
    },
    shareDone: () => {
      if (walk === null) return 1;
      if (window.start === null || walk.window.start === null) return 0;
      return Math.max(0, Math.min(1, (walk.window.start - window.start) / (window.end - window.start + 1)));
    },
  };
}
