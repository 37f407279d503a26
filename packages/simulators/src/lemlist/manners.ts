import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FixedAnswer } from '../core/fault-answers.ts';
import type { PlatformManners } from '../core/platform.ts';
import type { RateState } from '../core/rate-limit.ts';
import { HOUR_MS } from '../core/timeline.ts';

/** Error bodies are plain text (Lemlist fact sheet, section 4). */
export function textAnswer(status: number, body: string): FixedAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

export const CAMPAIGN_NOT_FOUND = textAnswer(404, 'Campaign not found');

/** Headers and bodies of refusals (Lemlist fact sheet, sections 2 to 4). */
export function lemlistManners(options: { readonly apiKey: string; readonly accessToken: boolean }): PlatformManners {
  const wrongKey = textAnswer(401, 'The authentication you supplied is incorrect');
  const expected = `Basic ${Buffer.from(`:${options.apiKey}`).toString('base64')}`;
  return {
    wrongKey,
    planGate: textAnswer(402, 'route is available starting emailPro plan'),
    defaultFaultBody: 'text',
    authenticate(request: FastifyRequest): FixedAnswer | null {
      const token = (request.query as Record<string, unknown>)['access_token'];
      if (options.accessToken && token !== undefined) return token === options.apiKey ? null : wrongKey;
      const given = request.headers.authorization;
      if (given === undefined || given === '') return textAnswer(400, 'No API key provided');
      return given === expected ? null : wrongKey;
    },
    rateHeaders(reply: FastifyReply, state: RateState): void {
      const seconds = Number((state.resetMs / 1000).toFixed(3));
      reply.header('x-ratelimit-limit', String(state.limit));
      reply.header('x-ratelimit-remaining', String(state.remaining));
      reply.header('x-ratelimit-reset', resetText(Date.now() + state.resetMs));
      // Fractional, and there although nothing was refused.
      reply.header('retry-after', String(seconds));
    },
    refusal: () => textAnswer(429, 'Too Many Requests'),
  };
}

/** A JavaScript date text in a zone of its own: `Thu Oct 01 2026 22:57:03 GMT+0200 (Central European Summer Time)`. */
function resetText(at: number): string {
  const [weekday = '', day, month, year, time] = new Date(at + 2 * HOUR_MS).toUTCString().split(' ');
  return `${weekday.slice(0, 3)} ${month} ${day} ${year} ${time} GMT+0200 (Central European Summer Time)`;
}
