import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FixedAnswer } from '../core/fault-answers.ts';
import type { FaultBody } from '../core/faults.ts';
import type { PlatformManners } from '../core/platform.ts';
import { pathOf } from '../core/platform.ts';
import type { RateState, RequestLimiter } from '../core/rate-limit.ts';
import type { AttioSettings, AttioToken } from './options.ts';
import { RATE_MESSAGE, WRONG_TOKEN, refusalAnswer } from './refusal.ts';
import type { WorkspaceState } from './workspace.ts';

/** Who asks. */
export interface Access {
  readonly state: WorkspaceState;
  readonly token: AttioToken;
}

const HTML_ERROR = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

/** Bodies for `status` faults of which a client must tell the code (Attio fact sheet, section 3). */
export const ATTIO_FAULT_BODIES = {
  mergeInProgress: refusalAnswer(400, 'merge_in_progress', 'The record is being merged.').body,
  concurrentWrite: refusalAnswer(409, 'concurrent_write_conflict', 'The record was written to concurrently.').body,
  quotaExceeded: refusalAnswer(403, 'quota_exceeded', 'The limit of the plan has been reached.').body,
} as const;

/** The token of a request: as bearer, or as the user of Basic; null without one that could be a token. */
export function tokenOf(request: FastifyRequest): string | null {
  const [scheme, credential = ''] = (request.headers.authorization ?? '').split(' ');
  const token =
    scheme === 'Bearer'
      ? credential
      : scheme === 'Basic'
        ? (Buffer.from(credential, 'base64').toString().split(':')[0] ?? '')
        : '';
  return /^[\w.-]{16,}$/.test(token) ? token : null;
}

export function accessOf(
  request: FastifyRequest,
  states: readonly WorkspaceState[],
  settings: AttioSettings,
): Access | null {
  const given = tokenOf(request);
  if (given === null || settings.revoked) return null;
  for (const state of states) {
    const token = state.workspace.tokens.find((one) => one.token === given);
    if (token !== undefined) return { state, token };
  }
  return null;
}

/** GET and queries are reads, everything else is a write (section 2). */
function isRead(request: FastifyRequest): boolean {
  return request.method === 'GET' || pathOf(request).endsWith('/query');
}

/** Keys, refusals and headers (sections 1 to 3). */
export function attioManners(options: {
  readonly accessOf: (request: FastifyRequest) => Access | null;
  /** The server's clock, epoch ms. */
  readonly now: () => number;
}): PlatformManners {
  const nextSecond = (resetMs: number): string =>
    new Date(Math.ceil((options.now() + resetMs) / 1000) * 1000).toUTCString();
  return {
    wrongKey: WRONG_TOKEN,
    planGate: refusalAnswer(403, 'billing_error', 'This is not part of the plan of the workspace.'),
    defaultFaultBody: faultBody,
    faultHeaders: (status) => (status === 429 ? { 'retry-after': nextSecond(1) } : {}),
    authenticate(request: FastifyRequest): FixedAnswer | null {
      // Introspection answers to dead tokens as well.
      if (pathOf(request).endsWith('/v2/self')) return null;
      return options.accessOf(request) === null ? WRONG_TOKEN : null;
    },
    extraLimiter(_path: string, request: FastifyRequest): RequestLimiter | null {
      const limiters = options.accessOf(request)?.state.limiters;
      return (isRead(request) ? limiters?.reads : limiters?.writes) ?? null;
    },
    rateHeaders(_reply: FastifyReply, _state: RateState): void {
      // Nothing tells what is left.
    },
    refusal: ({ resetMs }) => ({
      ...refusalAnswer(429, 'rate_limit_exceeded', RATE_MESSAGE),
      headers: { 'retry-after': nextSecond(resetMs) },
    }),
  };
}

function faultBody(status: number): FaultBody {
  if (status === 429) return refusalAnswer(429, 'rate_limit_exceeded', RATE_MESSAGE).body;
  if (status === 401) return WRONG_TOKEN.body;
  if (status === 403) return refusalAnswer(403, 'unauthorized', 'The token lacks a scope for this endpoint.').body;
  if (status === 409) return ATTIO_FAULT_BODIES.concurrentWrite;
  if (status > 500) return HTML_ERROR;
  return refusalAnswer(status, status >= 500 ? 'internal_error' : 'not_found', `Status ${status}`).body;
}
