import type { FastifySchema, RouteOptions } from 'fastify';
import Type from 'typebox';
import { problems } from './routes/shapes.ts';

/** The `securitySchemes` of the OpenAPI document. */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, made with `npm run cli -- keys create`. A server without keys answers on loopback without.',
  },
} as const;

/** Statuses whose answers have no body. */
const bodiless: ReadonlySet<string> = new Set(['204', '304']);

/** Adds to a route's description what is the same for all: the key and its scope, limits, `Idempotency-Key`, refusals. */
export function describeAccess({
  schema,
  url,
  route,
}: {
  readonly schema: FastifySchema | undefined;
  readonly url: string;
  readonly route: RouteOptions;
}): { schema: FastifySchema; url: string } {
  const given = schema ?? {};
  const scope = route.config?.scope ?? 'admin';
  if (scope === 'open') return { schema: { ...given, security: [] }, url };
  const methods = [route.method].flat();
  const posts = methods.includes('POST');
  // A body that no schema describes is read all the same, and refused when it cannot be.
  const reads = methods.some((method) => method !== 'GET' && method !== 'HEAD');
  const statuses = [
    401,
    403,
    503,
    ...(route.config?.limited === false || scope === 'probe' ? [] : [429]),
    ...(reads ? [400, 413, 415] : []),
    // What stands in the path may be badly encoded.
    ...(url.includes(':') ? [400] : []),
    ...(posts ? [409, 422] : []),
  ];
  const answers = Object.fromEntries(
    Object.entries(Object(given.response) as Record<string, object>).map(([status, answer]) => [
      status,
      // No content type is described for an answer of the type null; as a serializer it would write one.
      bodiless.has(status) ? { ...answer, type: 'null' } : answer,
    ]),
  );
  const described: FastifySchema = {
    ...given,
    response: { ...problems(...statuses), ...answers },
    security: scope === 'probe' ? [{}, { bearer: [] }] : [{ bearer: [] }],
    description: [given.description, scope === 'probe' ? null : `Scope: ${[scope].flat().join(' or ')}.`]
      .filter((text) => typeof text === 'string')
      .join('\n\n'),
    ...(posts ? { headers: idempotencyHeader } : {}),
  };
  return { schema: described, url };
}

const idempotencyHeader = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]([ -~]*[!-~])?$',
      description: 'Repetitions with this key and the same body get the answer of the first, for 24 hours.',
    }),
  ),
});
