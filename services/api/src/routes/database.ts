import { optimizations, optimizeDatabase, readLoadingFigures } from '@full-sync/database';
import type { Applied } from '@full-sync/database';
import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import { shareOf } from '../domain/live-gauges.ts';
import { ApiError } from '../errors.ts';
import type { ApiServer } from '../api-server.ts';
import { problems } from './shapes.ts';

const strict = { additionalProperties: false };

const optimizeBody = Type.Object(
  {
    optimizations: Type.Optional(
      Type.Array(Type.Enum([...optimizations], { description: `one of ${optimizations.join(', ')}` }), {
        minItems: 1,
        maxItems: 20,
        description: `an array of at least one of ${optimizations.join(', ')}; all of them when it is left out`,
      }),
    ),
    force_recreate: Type.Optional(
      Type.Boolean({ description: 'true or false; true builds indexes anew that are there already' }),
    ),
  },
  strict,
);

const figures = Type.Record(Type.String(), Type.Number());
const appliedShape = Type.Object({
  name: Type.Enum([...optimizations]),
  indexes_created: Type.Integer(),
  indexes: Type.Object({
    created: Type.Array(Type.String()),
    recreated: Type.Array(Type.String()),
    dropped: Type.Array(Type.String(), { description: 'Left behind by builds that failed.' }),
  }),
  actions: Type.Array(Type.String(), { description: 'What was done; empty when there was nothing to do.' }),
  before: figures,
  after: figures,
  duration_ms: Type.Number(),
});

const count = (description: string) => Type.Integer({ minimum: 0, description });
const number = (description: string) => Type.Number({ minimum: 0, description });

const performanceShape = Type.Object({
  connection_pool: Type.Object({
    active: count('Connections of this api at work.'),
    idle: count('Connections of this api at rest.'),
    waiting: count('Requests that wait for a connection; above 0 for long: raise DATABASE_POOL_MAX.'),
    max: count('DATABASE_POOL_MAX'),
  }),
  query_performance: Type.Object({
    avg_insert_time: number('Time to write the rows of one batch, ms, over all loaders and batches.'),
    avg_select_time: number('Time of a SELECT of this api since it began, ms.'),
    slow_queries: count('Statements of this api that took over 1 s since it began.'),
    longest_query_time: number('The longest statement of this api since it began, ms.'),
    queries: count('Statements of this api since it began.'),
  }),
  bulk_operations: Type.Object({
    events_per_batch: number('Events in a committed batch.'),
    avg_batch_time: number("From a batch's arrival to its commit, ms."),
    rows_per_second: number('Events settled per second of loading.'),
    success_rate: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Committed transactions of all that were begun.',
    }),
    batches: count('Batches committed.'),
  }),
});

/** Looking after the database. */
export function registerDatabase(app: ApiServer, { db, queries, logger }: ApiContext): void {
  app.route({
    method: 'POST',
    url: '/api/database/optimize',
    config: { scope: 'db:optimize' },
    schema: {
      tags: ['database'],
      summary: 'Index, tune and analyze the tables of events',
      description:
        'sync_indexes builds indexes on lead, time and campaign in every table of events, concurrently, also for those made later. bulk_operations sets these tables up for rows that are only added, and vacuums them. connection_pool closes connections of processes of ours that are gone. query_optimization collects statistics, on columns that go together, too. Readers and writers go on; answers when all is done.',
      operationId: 'optimizeDatabase',
      body: optimizeBody,
      response: {
        200: Type.Object({
          success: Type.Literal(true),
          optimizations_applied: Type.Array(appliedShape),
          indexes_created: count('Over all optimizations.'),
        }),
        ...problems(400, 403, 409, 413, 503),
      },
    },
    preValidation: async (request) => {
      request.body ??= {};
    },
    handler: async (request) => {
      const { optimizations: asked = optimizations, force_recreate: recreateIndexes = false } = request.body;
      const outcome = await optimizeDatabase(db, [...new Set(asked)], { recreateIndexes });
      if (outcome.kind === 'busy')
        throw new ApiError('DB_002', 'The database is being optimized already; try again when that has ended.', {
          headers: { 'retry-after': '30' },
        });
      const applied = outcome.applied.map(show);
      if (outcome.kind === 'blocked') {
        const message = 'A table stayed locked by somebody else for a minute; what was done so far is kept.';
        throw new ApiError('DB_003', message, {
          headers: { 'retry-after': '60' },
          extra: { optimizations_applied: applied },
        });
      }
      const created = applied.reduce((sum, { indexes_created: indexes }) => sum + indexes, 0);
      logger.info({ optimizations: asked, indexesCreated: created }, 'database optimized');
      return { success: true as const, optimizations_applied: applied, indexes_created: created };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/database/performance',
    config: { scope: 'db:read' },
    schema: {
      tags: ['database'],
      summary: 'How connections, queries and loading do',
      description:
        'connection_pool, selects and slow queries are those of this api process; inserts and bulk operations are counted by the loaders in their transactions and survive restarts.',
      operationId: 'getDatabasePerformance',
      response: {
        200: Type.Object({ success: Type.Literal(true), performance: performanceShape }),
        ...problems(403, 503),
      },
    },
    handler: async () => {
      const loading = await readLoadingFigures(db.pool);
      const { pool } = db;
      const { statements, selects, selectMs, slow, longestMs } = queries.figures();
      return {
        success: true as const,
        performance: {
          connection_pool: {
            active: pool.totalCount - pool.idleCount,
            idle: pool.idleCount,
            waiting: pool.waitingCount,
            max: pool.options.max,
          },
          query_performance: {
            avg_insert_time: ratio(loading.writeMs, loading.batches),
            avg_select_time: ratio(selectMs, selects),
            slow_queries: slow,
            longest_query_time: longestMs,
            queries: statements,
          },
          bulk_operations: {
            events_per_batch: ratio(loading.events, loading.batches),
            avg_batch_time: ratio(loading.busyMs, loading.batches),
            rows_per_second: ratio(loading.events * 1_000, loading.busyMs),
            success_rate: shareOf(loading.batches, loading.attempts),
            batches: loading.batches,
          },
        },
      };
    },
  });
}

function show(applied: Applied) {
  const { name, indexesCreated, indexesRecreated, indexesDropped, actions, before, after, durationMs } = applied;
  return {
    name,
    indexes_created: indexesCreated.length,
    indexes: { created: [...indexesCreated], recreated: [...indexesRecreated], dropped: [...indexesDropped] },
    actions: [...actions],
    before,
    after,
    duration_ms: durationMs,
  };
}

/** 0 before there is data. */
function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
