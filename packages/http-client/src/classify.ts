import type { HttpGone, HttpRefused, HttpRetry, HttpThrottled, RefusalCode } from './outcome.ts';
import { shortDetail, type Redactor } from './redact.ts';
import { askedWaitMs, parseRateHeaders, type HeaderValues } from './wait.ts';

/** An answer that is no success, read. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: HeaderValues;
  /** The beginning of the body. */
  readonly body: string;
}

const refusals: Readonly<Record<number, RefusalCode>> = {
  400: 'UPSTREAM_BAD_REQUEST',
  401: 'UPSTREAM_UNAUTHORIZED',
  402: 'UPSTREAM_PLAN',
  403: 'UPSTREAM_FORBIDDEN',
  405: 'UPSTREAM_WRONG_PATH',
  422: 'UPSTREAM_BAD_REQUEST',
};

export type ContentKind = 'json' | 'html' | 'unknown';

/** What a `content-type` promises; `unknown` for none and for plain text, whose first byte then tells. */
export function contentKind(contentType: string | undefined): ContentKind | 'other' {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json' || type.endsWith('+json') || type === 'text/json') return 'json';
  if (type === 'text/html' || type === 'application/xhtml+xml') return 'html';
  return type === '' || type === 'text/plain' || type === 'application/octet-stream' ? 'unknown' : 'other';
}

/** The message in an error body: `error.message`, else `message`, else `error` (Smartlead fact sheet, section 4). */
function messageOf(body: string): string {
  if (!/^\s*\{/.test(body)) return body;
  try {
    const parsed: unknown = JSON.parse(body);
    const error: unknown = Reflect.get(Object(parsed), 'error');
    const candidates: readonly unknown[] = [
      Reflect.get(Object(error), 'message'),
      // Joi says "Bad Request" in `error` and what is bad in `message`.
      Reflect.get(Object(parsed), 'message'),
      error,
    ];
    const said = candidates.find((candidate) => typeof candidate === 'string' && candidate.trim() !== '');
    return typeof said === 'string' ? said : body;
  } catch (error) {
    if (error instanceof SyntaxError) return body;
    throw error;
  }
}

/**
 * Decides what an answer other than a success means, by its status first. Facts it rests on: the keys' own 404
 * (Lemlist fact sheet, section 4) and the router's `Cannot GET` (Smartlead fact sheet, section 4) are no missing
 * campaign; a page where an API answers in text is a gateway's, not the API's word.
 */
export function classifyFailure(
  { status, headers, body }: FailedAnswer,
  redact: Redactor,
  nowMs: number,
): HttpRetry | HttpThrottled | HttpRefused | HttpGone {
  const detail = shortDetail(messageOf(body), redact);
  const rate = parseRateHeaders(headers, nowMs);
  const comeBack = (reason: HttpRetry['reason']): HttpRetry => {
    const retryAfterMs = reason === 'status' ? askedWaitMs(headers, body, nowMs) : undefined;
    return { kind: 'retry', reason, detail, status, rate, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  };

  if (status === 429) {
    const retryAfterMs = askedWaitMs(headers, body, nowMs);
    return { kind: 'throttled', detail, rate, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (status >= 500 || status === 408 || status === 425) return comeBack('status');
  if (status >= 300 && status < 400) return { kind: 'refused', code: 'UPSTREAM_REDIRECT', status, detail };
  if (status === 404 && /\bCannot GET\b/.test(body))
    return { kind: 'refused', code: 'UPSTREAM_WRONG_PATH', status, detail };
  if ((status === 403 || status === 404) && contentKind(headers['content-type']) === 'html') return comeBack('html');
  if (status === 404 && /\bAPI key\b/i.test(detail)) {
    return { kind: 'refused', code: 'UPSTREAM_UNAUTHORIZED', status, detail };
  }
  if (status === 404 || status === 410) return { kind: 'gone', status, detail };
  return { kind: 'refused', code: refusals[status] ?? 'UPSTREAM_REFUSED', status, detail };
}
