import { activitiesContinuation, readContinuation } from './continuations.ts';
import { activitiesQuery, activitiesShareDone, beginActivities, foldActivities } from './domain/activities-walk.ts';
import type { ActivitiesWalk } from './domain/activities-walk.ts';
import { isInFilter } from './domain/reach.ts';
import { nextChunk } from './domain/windows.ts';
import { readRows } from './read-rows.ts';
import type { ReadRow } from './read-rows.ts';
import { toPage, windowRest } from './walk-pages.ts';
import type { OpenWalk, WalkContext } from './walk-pages.ts';

/** The walk over the activities of an account, or of one of its campaigns. */
export function openActivities({ stream }: WalkContext): OpenWalk {
  const { campaignId, filter } = stream;
  const window = { start: stream.windowStartMs, end: stream.windowEndMs ?? stream.job.windowEndMs };
  const stored = readContinuation(activitiesContinuation, stream.continuation);
  let walk: ActivitiesWalk | null = stored?.walk ?? beginActivities(window);
  let aheadMs = stored?.aheadMs ?? null;
  const deadLettered = new Set(stored?.deadLettered);
  // Checked here, too: what a source makes of its own filters is no rule to build on. A row that cannot be read is kept.
  const leaveOut = ({ campaignId: of }: ReadRow): boolean =>
    of !== undefined && (!isInFilter(filter, of) || (campaignId !== null && of !== campaignId));
  return {
    request: () => ({
      route: '/activities',
      query: {
        ...activitiesQuery(walk ?? beginActivities(window)),
        ...(campaignId === null ? {} : { campaignId }),
      },
    }),
    read: async (body, reader) => {
      const { rows, envelope } = await readRows(body, 'top', reader);
      if (!envelope.found) return { kind: 'malformed', detail: 'activities that are no array' };
      const step = foldActivities(
        walk ?? beginActivities(window),
        rows.map(({ mark }) => mark),
      );
      if (step.kind === 'step') walk = step.walk;
      let rest = null;
      if (walk === null && aheadMs !== null) {
        const next = nextChunk(aheadMs, window.end, stream.job.chunkDays);
        walk = beginActivities(next.window);
        aheadMs = next.aheadMs;
        rest = windowRest(stream);
      }
      return toPage(step, rows, { deadLettered, leaveOut, done: walk === null, rest });
    },
    continuation: () => (walk === null ? null : { walk, deadLettered: [...deadLettered], aheadMs }),
    recordsExpected: () => null,
    shareDone: () => {
      const ahead = aheadMs === null ? [] : [{ start: aheadMs, end: window.end }];
      return activitiesShareDone(walk === null ? null : { ...walk, todo: [...walk.todo, ...ahead] }, window);
    },
  };
}
