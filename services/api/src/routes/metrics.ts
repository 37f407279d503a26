import type { BudgetState } from '@full-sync/database';
import { parseRateLimit } from '@full-sync/runtime';
import { platforms } from '@full-sync/schemas';
import type { Platform } from '@full-sync/schemas';
import Type from 'typebox';
import type { ApiConfig } from '../config.ts';
import type { ApiContext } from '../context.ts';
import { addUpLags, noLags, throughputOf } from '../domain/lag.ts';
import type { ApiServer } from '../api-server.ts';
import { problems } from './shapes.ts';

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const count = (description: string) => Type.Integer({ minimum: 0, description });
const rate = (description: string) => Type.Number({ minimum: 0, description });

const budget = {
  limit: nullable(count('Requests in any span; null: no limit.')),
  span_ms: nullable(count('The span.')),
  remaining: nullable(count('How many of them are left now.')),
  reset_at: nullable(Type.String({ format: 'date-time', description: 'When all of them are; null: now.' })),
  paused_until: nullable(Type.String({ format: 'date-time', description: 'Nothing is asked until then.' })),
};

const metricsShape = Type.Object({
  memory: Type.Object(
    {
      heapUsed: count('Bytes, as all of these; of this api process.'),
      heapTotal: count('The heap.'),
      rss: count('What the system has given the process.'),
      external: count('Outside the heap.'),
      arrayBuffers: count('Part of external.'),
    },
    { description: 'Of this api process.' },
  ),
  uptime_seconds: rate('Since this api process began.'),
  rate_limits: Type.Object(
    Object.fromEntries(
      platforms.map((platform) => [
        platform,
        Type.Object({
          ...budget,
          accounts: Type.Array(Type.Object({ account: Type.String(), ...budget })),
        }),
      ]),
    ),
    { description: 'Per platform, the account with the least left; all of them under accounts.' },
  ),
  lag: Type.Record(
    Type.String(),
    Type.Object({
      records: count('Records that wait, over all topics.'),
      seconds: rate('Age of the oldest of them.'),
      topics: Type.Record(Type.String(), Type.Object({ records: count('Waiting.'), seconds: rate('The oldest.') })),
    }),
    { description: 'Per group: keyer, loader, api (dead letters), destinations, and other readers of the events.' },
  ),
  throughput: Type.Object({
    records_published_per_second: rate('Raw records from upstream, acknowledged by the broker.'),
    records_keyed_per_second: rate('Raw records turned into events.'),
    events_loaded_per_second: rate('Events settled in Postgres.'),
    window_seconds: rate('What these are the mean of.'),
  }),
  measured_at: nullable(Type.String({ format: 'date-time', description: 'When lag and throughput were read.' })),
});

/** What scripts look at before they start something. */
export function registerMetrics(app: ApiServer, { config, lag, state }: ApiContext): void {
  app.route({
    method: 'GET',
    url: '/api/metrics',
    config: { scope: ['sync:read', 'db:read'], limited: false },
    schema: {
      tags: ['health'],
      summary: 'Memory, upstream rate limits, lag and throughput',
      operationId: 'getMetrics',
      response: { 200: metricsShape, ...problems(403, 503) },
    },
    handler: async () => {
      await lag.refresh();
      const states = await state.budgets();
      const { heapUsed, heapTotal, rss, external, arrayBuffers } = process.memoryUsage();
      const seen = lag.snapshot();
      const { published, keyed, loaded, windowSeconds } = seen?.throughput ?? throughputOf([]);
      return {
        memory: { heapUsed, heapTotal, rss, external, arrayBuffers },
        uptime_seconds: process.uptime(),
        rate_limits: Object.fromEntries(
          platforms.map((platform) => {
            const accounts = states.filter((one) => one.platform === platform);
            const tightest = accounts.toSorted((a, b) => shareLeft(a) - shareLeft(b))[0] ?? untouched(config, platform);
            return [
              platform,
              {
                ...show(tightest),
                accounts: accounts.map((one) => ({ account: one.label, ...show(one) })),
              },
            ];
          }),
        ),
        lag: seen === null ? noLags() : addUpLags(seen.lags),
        throughput: {
          records_published_per_second: published,
          records_keyed_per_second: keyed,
          events_loaded_per_second: loaded,
          window_seconds: windowSeconds,
        },
        measured_at: timeOf(seen?.atMs ?? null),
      };
    },
  });
}

function shareLeft({ limit, remaining, pausedUntilMs }: BudgetState): number {
  if (pausedUntilMs !== null) return -1;
  return limit === null || remaining === null ? 2 : remaining / limit;
}

/** What a platform allows that nothing was asked of yet. */
function untouched(config: ApiConfig, platform: Platform): BudgetState {
  const limits = parseRateLimit(platform === 'smartlead' ? config.SMARTLEAD_RATE_LIMIT : config.LEMLIST_RATE_LIMIT);
  const first = limits === 'off' ? undefined : limits[0];
  const limit = first?.count ?? null;
  const spanMs = first?.spanMs ?? null;
  return { platform, label: platform, limit, spanMs, remaining: limit, resetAtMs: null, pausedUntilMs: null };
}

function show({ limit, spanMs, remaining, resetAtMs, pausedUntilMs }: BudgetState) {
  return { limit, span_ms: spanMs, remaining, reset_at: timeOf(resetAtMs), paused_until: timeOf(pausedUntilMs) };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
