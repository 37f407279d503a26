import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { describeAccess, securitySchemes } from './describe-access.ts';
import type { ApiServer } from './api-server.ts';

/** Where the page is; its routes come from a plugin, which gives them no scope. */
export const docsPath = '/docs';

/**
 * Serves the OpenAPI 3.1 document, made from the schemas that validate, at `/openapi.json`, and a page to read it with
 * at `/docs`. The page loads nothing from other hosts.
 */
export async function describeApi(app: ApiServer): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Full Sync',
        version: '0.1.0',
        description: 'Smartlead and Lemlist activities in Postgres, exactly once: start syncs and follow them.',
      },
      components: { securitySchemes },
      tags: [
        { name: 'full-sync', description: 'Syncs: start them, follow them, look back' },
        { name: 'dead-letters', description: 'What could not be processed: look at it, replay it' },
        { name: 'namespaces', description: 'What the namespaces hold; deleting one' },
        { name: 'event-keys', description: 'Keys: make one, see what the keyers did' },
        { name: 'database', description: 'The tables of events: optimize them, see how they do' },
        { name: 'health', description: 'Is this process well?' },
      ],
    },
    transform: describeAccess,
  });
  await app.register(swaggerUi, {
    routePrefix: docsPath,
    staticCSP: true,
    // Without this the page asks validator.swagger.io whether the document is valid.
    uiConfig: { validatorUrl: null, tryItOutEnabled: true },
  });
  app.get('/openapi.json', { config: { scope: 'open' }, schema: { hide: true } }, async () => app.swagger());
}
