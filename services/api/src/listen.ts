import { EnvironmentError } from '@full-sync/runtime';
import type { ApiContext } from './context.ts';
import type { ApiMetrics } from './metrics.ts';
import { buildServer } from './server.ts';

/**
 * Takes the port and answers requests from then on; released, it answers those it has and takes no more.
 *
 * @throws EnvironmentError when the port is taken.
 */
export async function listen(context: ApiContext, metrics: ApiMetrics): Promise<AsyncDisposable> {
  const { config, logger } = context;
  const app = await buildServer(context);
  app.addHook('onResponse', async (request, reply) => {
    metrics.requestSeconds.observe(
      {
        method: methodOf(request.method),
        // The pattern, not the path: labels must be few.
        route: request.routeOptions.url ?? 'none',
        status: statusClasses[Math.trunc(reply.statusCode / 100) - 1] ?? '5xx',
      },
      reply.elapsedTime / 1000,
    );
  });
  const { API_HOST: host, API_PORT: port } = config;
  try {
    const address = await app.listen({ host, port });
    logger.info({ address, docs: `${address}/docs` }, 'listening');
  } catch (error) {
    throw new EnvironmentError(`The api cannot listen at ${host}:${port}: ${messageOf(error)}`, {
      hint: 'Stop what listens there, or set API_PORT to another port.',
      cause: error,
    });
  }
  return { [Symbol.asyncDispose]: async () => await app.close() };
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

function methodOf(method: string): (typeof methods)[number] | 'other' {
  return methods.find((known) => known === method) ?? 'other';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
