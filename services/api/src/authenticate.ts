import type { IncomingHttpHeaders } from 'node:http';
import { apiKeyIdOf, apiKeyMatches, noteApiKeyUse } from '@full-sync/database';
import type { CheckedApiKey } from '@full-sync/database';
import type { FastifyRequest } from 'fastify';
import { parseOpenPaths } from './config.ts';
import type { ApiContext } from './context.ts';
import { ApiError } from './errors.ts';
import { refusalOf } from './loopback.ts';
import type { RouteScope } from './route-rules.ts';

/** Who sent a request, as far as it was asked. */
export type Caller =
  /** Nobody in particular: the server has no keys. */
  | { readonly kind: 'open' }
  | { readonly kind: 'key'; readonly keyId: string; readonly scopes: readonly string[] }
  /** Not asked, because the route is open. */
  | { readonly kind: 'unknown' };

/** The name under which a caller's requests are counted and remembered. */
export function callerName(caller: Caller): string {
  return caller.kind === 'key' ? caller.keyId : caller.kind;
}

/** Makes the function that says who sent a request, or throws API_001 or API_002. */
export function createAuthenticator({
  access,
  config,
  db,
}: Pick<ApiContext, 'access' | 'config' | 'db'>): (request: FastifyRequest) => Promise<Caller> {
  const openPaths = parseOpenPaths(config.API_OPEN_PATHS);
  return async (request) => {
    const scope = scopeOf(request);
    if (scope === 'open' || (scope === 'probe' && openPaths.includes(request.routeOptions.url ?? ''))) {
      access.refresh();
      if (access.isOpen()) refusePages(request.headers);
      return { kind: 'unknown' };
    }
    const token = bearerToken(request.headers.authorization);
    const { open, key } = await access.look(token === null ? null : apiKeyIdOf(token));
    if (open) {
      // The keys were deleted under a server that other machines reach: that must not open it.
      if (!access.onLoopback) throw unauthorized('No API key exists; make one with: npm run cli -- keys create.');
      refusePages(request.headers);
      return { kind: 'open' };
    }
    const { keyId, scopes, useIsOld } = validKey(token, key);
    if (useIsOld) await noteApiKeyUse(db.pool, keyId);
    const caller = { kind: 'key', keyId, scopes } as const;
    if (scope !== 'probe') requireScope(caller, scope);
    return caller;
  };
}

/** What the route asks for; a path without a route gives nothing away, a route without a scope is for admins. */
function scopeOf(request: FastifyRequest): RouteScope {
  return request.is404 ? 'open' : (request.routeOptions.config.scope ?? 'admin');
}

/**
 * Refuses a caller without the scope (or, of several, any of them); for what only the body tells that it is needed.
 *
 * @throws ApiError API_002
 */
export function requireScope(caller: Caller, scope: Exclude<RouteScope, 'open' | 'probe'>): void {
  if (caller.kind !== 'key' || caller.scopes.includes('admin')) return;
  const needed = [scope].flat();
  if (needed.some((one) => caller.scopes.includes(one))) return;
  throw new ApiError('API_002', `This key lacks the scope ${needed.join(' or ')}.`, {
    extra: { required_scopes: needed },
  });
}

function bearerToken(authorization: string | undefined): string | null {
  return /^bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

/** The stored key that `token` is, if it may be used. */
function validKey(token: string | null, key: CheckedApiKey | null): CheckedApiKey {
  if (token === null) throw unauthorized('An API key is needed: Authorization: Bearer <key>.');
  // One message for all that is wrong with a key: which ids exist is nobody's business.
  if (key === null || !apiKeyMatches(token, key.keyHash) || !key.valid)
    throw unauthorized('The API key is unknown, revoked or expired.', ' error="invalid_token"');
  return key;
}

function unauthorized(message: string, detail = ''): ApiError {
  const challenge = `Bearer realm="full-sync"${detail === '' ? '' : `,${detail}`}`;
  return new ApiError('API_001', message, { headers: { 'www-authenticate': challenge } });
}

/** Being open on loopback must not mean being open to web pages. */
function refusePages(headers: IncomingHttpHeaders): void {
  const refusal = refusalOf(headers);
  if (refusal !== null) throw new ApiError('API_002', refusal);
}
