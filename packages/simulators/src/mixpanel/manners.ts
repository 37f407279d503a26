import type { FastifyRequest } from 'fastify';
import type { FixedAnswer } from '../core/fault-answers.ts';
import type { FaultBody } from '../core/faults.ts';
import type { PlatformManners } from '../core/platform.ts';
import { pathOf } from '../core/platform.ts';
import type { MixpanelProject } from './options.ts';

export function jsonAnswer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): FixedAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body), headers };
}

/** A refusal by `/import` as a whole (fact sheet, section 6). */
export function refusalOf(status: number, error: string, more: object = {}): FixedAnswer {
  return jsonAnswer(status, { code: status, error, ...more, status: STATUS_TEXTS[status] ?? 'Error' });
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
};

const RATE_TEXT = 'Project exceeded rate limits. Please retry the request with exponential backoff.';
const WRONG_CREDENTIALS = refusalOf(401, 'Invalid credentials');

export function rateRefusal(retryAfter: number | null): FixedAnswer {
  const answer = refusalOf(429, RATE_TEXT);
  return retryAfter === null ? answer : { ...answer, headers: { 'retry-after': String(retryAfter) } };
}

/** The project a request to `/import` may write to, or null: wrong user, secret, role, project, or expired. */
export function projectOf(
  request: FastifyRequest,
  projects: readonly MixpanelProject[],
  now: number,
): MixpanelProject | null {
  const { authorization = '' } = request.headers;
  if (!authorization.startsWith('Basic ')) return null;
  const pair = Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  const colon = pair.indexOf(':');
  const [user, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  const { project_id: projectId } = request.query as { readonly project_id?: string };
  const mayBe = projects.filter(({ id }) => projectId === undefined || id === projectId);
  if (password === '')
    return mayBe.find(({ token, secret }) => user !== '' && (user === token || user === secret)) ?? null;
  if (projectId === undefined) return null;
  const isFitting = ({ serviceAccounts }: MixpanelProject): boolean =>
    serviceAccounts.some(
      ({ username, secret, role = 'owner', expiresAt = Number.POSITIVE_INFINITY }) =>
        username === user && secret === password && (role === 'owner' || role === 'admin') && now < expiresAt,
    );
  return mayBe.find(isFitting) ?? null;
}

/** Keys and refusals (fact sheet, sections 2 and 6); `/engage` and `/track` carry their token in the body. */
export function mixpanelManners(options: {
  readonly projects: readonly MixpanelProject[];
  readonly now: () => number;
  readonly retryAfter: () => number | null;
}): PlatformManners {
  return {
    wrongKey: WRONG_CREDENTIALS,
    planGate: refusalOf(403, 'Forbidden'),
    defaultFaultBody: faultBody,
    authenticate(request: FastifyRequest): FixedAnswer | null {
      if (!pathOf(request).endsWith('/import')) return null;
      return projectOf(request, options.projects, options.now()) === null ? WRONG_CREDENTIALS : null;
    },
    rateHeaders: () => undefined,
    refusal: () => rateRefusal(options.retryAfter()),
  };
}

/** The proxy before the API answers in plain text, the API itself in JSON. */
function faultBody(status: number): FaultBody {
  if (status >= 502) return 'upstream connect error or disconnect/reset before headers';
  return refusalOf(status, status === 429 ? RATE_TEXT : `Status ${status}`).body;
}
