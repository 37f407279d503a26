import { takeApiPermit } from '@full-sync/database';
import type { BoundState } from '@full-sync/database';
import { parseRateLimit } from '@full-sync/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerName } from './authenticate.ts';
import type { Caller } from './authenticate.ts';
import type { ApiContext } from './context.ts';
import { ApiError } from './errors.ts';

/**
 * Makes the function that counts a request against `API_RATE_LIMIT`, per caller and group of routes, over all copies of
 * the api, and sets the headers that tell how the caller stands. It throws SYNC_004 when a bound is full.
 */
export function createLimiter({
  config,
  db,
}: Pick<ApiContext, 'config' | 'db'>): (caller: Caller, request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const limit = parseRateLimit(config.API_RATE_LIMIT);
  return async (caller, request, reply) => {
    const { scope, limited } = request.routeOptions.config;
    // What watches a server must not be kept from it by a limit, whether it has a key or not.
    if (limit === 'off' || caller.kind === 'unknown' || scope === 'probe' || limited === false) return;
    const routeGroup = routeGroupOf(request.routeOptions.url ?? '');
    const { granted, bounds } = await takeApiPermit(db.pool, { caller: callerName(caller), routeGroup, limit });
    const headers = limitHeaders(bounds, routeGroup);
    reply.headers(headers);
    if (granted) return;
    const waitSeconds = Math.max(1, ...bounds.filter(isFull).map(freeInSeconds));
    throw new ApiError(
      'SYNC_004',
      `Too many requests for ${routeGroup}: ${config.API_RATE_LIMIT} are let through. Try again in ${waitSeconds} s.`,
      { headers: { 'retry-after': String(waitSeconds) }, extra: { retry_after_seconds: waitSeconds } },
    );
  };
}

/** `/api/full-sync/history` → `full-sync`: the routes of one noun share their limit. */
export function routeGroupOf(url: string): string {
  return url.split('/').find((part) => part !== '' && part !== 'api') ?? 'root';
}

/**
 * `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) for all bounds, and the older
 * `X-RateLimit-*` for the bound that leaves least. Times are whole seconds until the next place is free.
 */
export function limitHeaders(bounds: readonly BoundState[], group: string): Readonly<Record<string, string>> {
  const name = (index: number): string => (bounds.length === 1 ? `"${group}"` : `"${group}-${index + 1}"`);
  const left = ({ count, used }: BoundState): number => Math.max(0, count - used);
  const tightest = bounds.toSorted((a, b) => left(a) - left(b) || b.freeInMs - a.freeInMs)[0];
  if (tightest === undefined) return {};
  return {
    'ratelimit-policy': bounds
      .map(({ count, spanMs }, index) => `${name(index)};q=${count};w=${Math.ceil(spanMs / 1000)}`)
      .join(', '),
    ratelimit: bounds.map((bound, index) => `${name(index)};r=${left(bound)};t=${freeInSeconds(bound)}`).join(', '),
    'x-ratelimit-limit': String(tightest.count),
    'x-ratelimit-remaining': String(left(tightest)),
    'x-ratelimit-reset': String(freeInSeconds(tightest)),
  };
}

function isFull({ count, used }: BoundState): boolean {
  return used >= count;
}

function freeInSeconds({ freeInMs }: BoundState): number {
  return Math.ceil(freeInMs / 1000);
}
