import type { FastifyRequest } from 'fastify';
import { createAuthenticator } from './authenticate.ts';
import type { Caller } from './authenticate.ts';
import type { ApiContext } from './context.ts';
import { createLimiter } from './limit-requests.ts';
import type { ApiServer } from './api-server.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent it; known before any handler runs. */
    readonly caller: Caller;
  }
}

/** Lets a request through to its handler once it is known who sent it, that they may, and that it is not one too many. */
export function guardRequests(app: ApiServer, context: ApiContext): void {
  const authenticate = createAuthenticator(context);
  const limit = createLimiter(context);
  const callers = new WeakMap<FastifyRequest, Caller>();
  app.decorateRequest('caller', {
    getter(this: FastifyRequest): Caller {
      return callers.get(this) ?? { kind: 'unknown' };
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    const caller = await authenticate(request);
    callers.set(request, caller);
    await limit(caller, request, reply);
  });
}
