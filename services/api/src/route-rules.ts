import type { Scope } from '@full-sync/database';
import type { ErrorCode } from './errors.ts';

/**
 * Who may call a route once API keys exist: a key with the scope, or with one of several; `open`: anybody; `probe`:
 * anybody unless `API_OPEN_PATHS` says otherwise, then any key.
 */
export type RouteScope = Scope | readonly Scope[] | 'open' | 'probe';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required; a test fails for a route without one, and until then it is for `admin` alone. */
    readonly scope?: RouteScope;
    /** `false`: not counted by `API_RATE_LIMIT`. */
    readonly limited?: boolean;
    /** The code that a body or query which does not fit the route's schema is answered with. */
    readonly invalidCode?: ErrorCode;
  }
}

/** A route as it was registered, for those who look at all of them. */
export interface KnownRoute {
  readonly method: string;
  readonly url: string;
  readonly scope: RouteScope | null;
}
