import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FixedAnswer } from '../core/fault-answers.ts';
import type { PlatformManners } from '../core/platform.ts';
import type { RateState } from '../core/rate-limit.ts';
import { RateLimiter, parseRate } from '../core/rate-limit.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** A JSON answer. */
export function jsonAnswer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): FixedAnswer {
  return { status, contentType: JSON_TYPE, body: JSON.stringify(body), ...(headers === undefined ? {} : { headers }) };
}

export const CAMPAIGN_NOT_FOUND = jsonAnswer(404, { error: 'Campaign not found - Invalid campaign_id.' });

/** Headers and bodies of refusals (Smartlead fact sheet, sections 2 to 4). */
export function smartleadManners(options: {
  readonly apiKey: string;
  readonly activitiesRateLimit: string;
  readonly retryAfter: 'present' | 'missing';
}): PlatformManners {
  const activities = new RateLimiter(parseRate(options.activitiesRateLimit));
  const wrongKey = jsonAnswer(401, { message: 'Invalid API Key' });
  return {
    wrongKey,
    planGate: jsonAnswer(403, { message: 'Your plan does not include API access' }),
    defaultFaultBody: 'nested',
    authenticate(request: FastifyRequest): FixedAnswer | null {
      const key = (request.query as Record<string, unknown>)['api_key'];
      if (key === undefined || key === '') return jsonAnswer(401, { message: 'API key is required.' });
      return key === options.apiKey ? null : wrongKey;
    },
    extraLimiter: (path) => (path.endsWith('/campaigns/all-leads-activities') ? activities : null),
    rateHeaders(reply: FastifyReply, state: RateState): void {
      reply.header('x-ratelimit-limit', String(state.limit));
      reply.header('x-ratelimit-remaining', String(state.remaining));
      reply.header('x-ratelimit-reset', String(Math.ceil((Date.now() + state.resetMs) / 1000)));
    },
    refusal(state: RateState): FixedAnswer {
      const seconds = Math.max(1, Math.ceil(state.resetMs / 1000));
      const message = `Too many requests. Please retry after ${seconds} seconds.`;
      return jsonAnswer(
        429,
        { error: { code: 'RATE_LIMIT_EXCEEDED', message, retry_after: seconds } },
        options.retryAfter === 'present' ? { 'retry-after': String(seconds) } : {},
      );
    },
  };
}
