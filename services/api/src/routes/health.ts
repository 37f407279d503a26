import Type from 'typebox';
import type { ApiContext } from '../context.ts';
import type { ApiServer } from '../api-server.ts';

const report = Type.Object({ live: Type.Boolean(), ready: Type.Boolean(), reason: Type.Optional(Type.String()) });

/** How long the database may take to answer before this process is called not ready, ms. */
const databaseDeadlineMs = 2_000;

/** Liveness, readiness and the Prometheus text. */
export function registerHealth(app: ApiServer, { db, health, lag, state: figures, metrics }: ApiContext): void {
  app.get(
    '/livez',
    {
      config: { scope: 'probe' },
      schema: {
        tags: ['health'],
        summary: 'Whether this process is alive',
        operationId: 'getLiveness',
        response: { 200: report, 503: report },
      },
    },
    async (_request, reply) => {
      const state = health.report();
      return await reply.code(state.live ? 200 : 503).send(state);
    },
  );

  app.get(
    '/readyz',
    {
      config: { scope: 'probe' },
      schema: {
        tags: ['health'],
        summary: 'Whether requests are answered now',
        operationId: 'getReadiness',
        response: { 200: report, 503: report },
      },
    },
    async (_request, reply) => {
      const state = health.report();
      const reachable = state.ready && (await answers(db.pool.query('select 1')));
      const shown =
        state.ready && !reachable ? { ...state, ready: false, reason: 'the database does not answer' } : state;
      return await reply.code(shown.live && shown.ready ? 200 : 503).send(shown);
    },
  );

  app.get(
    '/metrics',
    {
      config: { scope: 'probe' },
      schema: {
        tags: ['health'],
        summary: 'Metrics for Prometheus',
        operationId: 'getPrometheusMetrics',
        response: { 200: { description: 'Prometheus text', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (_request, reply) => {
      await Promise.all([lag.refresh(), figures.refresh()]);
      return await reply.header('content-type', metrics.contentType).send(await metrics.metrics());
    },
  );
}

async function answers(query: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => {
    late.resolve(false);
  }, databaseDeadlineMs);
  try {
    return await Promise.race([
      query.then(
        () => true,
        () => false,
      ),
      late.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
