import type { Queryable } from './database.ts';

/** How a caller stands under one bound of a limit. */
export interface BoundState {
  readonly count: number;
  readonly spanMs: number;
  readonly used: number;
  /** Until the oldest of the places taken is free again, ms; 0 when none is taken. */
  readonly freeInMs: number;
}

/**
 * Takes one place of `limit` for a caller in a group of routes, under all its bounds or none: at most `count` requests
 * in any span of `spanMs`, over all copies of the api. `bounds` are in the order of `limit`, after the taking.
 */
export async function takeApiPermit(
  queryable: Queryable,
  request: {
    readonly caller: string;
    readonly routeGroup: string;
    readonly limit: readonly { readonly count: number; readonly spanMs: number }[];
  },
): Promise<{ readonly granted: boolean; readonly bounds: readonly BoundState[] }> {
  const { caller, routeGroup, limit } = request;
  const { rows } = await queryable.query<{ granted: boolean; used: string; free_in_ms: number }>({
    name: 'take-api-permit',
    text: 'select granted, used, free_in_ms from take_api_permit($1, $2, $3, $4) order by bound',
    values: [caller, routeGroup, limit.map(({ count }) => count), limit.map(({ spanMs }) => spanMs)],
  });
  return {
    granted: rows.every((row) => row.granted),
    bounds: limit.map((bound, index) => {
      const row = rows[index];
      return { ...bound, used: Number(row?.used ?? 0), freeInMs: row?.free_in_ms ?? 0 };
    }),
  };
}

/** Forgets the places of callers that have not come again since. */
export async function sweepApiPermits(queryable: Queryable): Promise<void> {
  await queryable.query(
    'delete from api_rate_slots where (slot + 61) * span_ms / 60.0 <= extract(epoch from clock_timestamp()) * 1000',
  );
}
