import { backoffMs } from '@full-sync/delivery';

/** What an upstream says of its rate limit with an answer. */
export interface RateHeaders {
  /** Requests allowed in its window. */
  readonly limit?: number;
  /** Requests left in its window. */
  readonly remaining?: number;
  /** When the window starts anew, in milliseconds since 1970-01-01 UTC. */
  readonly resetAtMs?: number;
}

/** Header values by lower-case name. */
export type HeaderValues = Readonly<Record<string, string | undefined>>;

/** No upstream's word holds us longer than this: 1 hour, the longest window any of them documents. */
export const maxWaitMs = 3_600_000;

const seconds = /^\d{1,15}(?:\.\d{1,15})?$/;
/** `Wed, 21 Oct 2026 07:28:00 GMT`, `Thu Oct 01 2026 22:57:03 GMT+0200 (...)`, `2026-10-01T20:57:03Z`: with a zone. */
const dateText =
  /^(?:[A-Z][a-z]{2,8},? [A-Za-z0-9 -]+ \d{2}:\d{2}:\d{2} |\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?:GMT|UTC|Z|[+-]\d{2}:?\d{2})/;
/** `Wed Oct 21 07:28:00 2026`, the form of HTTP dates that says no zone and means UTC. */
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

const bounded = (ms: number): number => Math.min(Math.max(Math.ceil(ms), 0), maxWaitMs);

function dateOf(text: string): number | undefined {
  // Date.parse alone takes nearly any text for a date, and one without a zone for local time.
  if (!dateText.test(text) && !asctime.test(text)) return undefined;
  const ms = Date.parse(asctime.test(text) ? `${text} GMT` : text);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Milliseconds that a `Retry-After` asks to wait: whole seconds, fractions of one (Lemlist fact sheet, section 3) or a
 * date. Between 0 and one hour; undefined for a text that is none of these.
 */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (seconds.test(trimmed)) return bounded(Number(trimmed) * 1000);
  const atMs = dateOf(trimmed);
  return atMs === undefined ? undefined : bounded(atMs - nowMs);
}

/**
 * The instant of an `X-RateLimit-Reset` in milliseconds since 1970: Unix seconds (Smartlead fact sheet, section 3), or
 * the text of a JavaScript date with its zone (Lemlist fact sheet, section 3). Numbers too small for an instant count as
 * seconds from now, numbers too large as milliseconds.
 */
export function parseReset(text: string | undefined, nowMs: number): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!seconds.test(trimmed)) return dateOf(trimmed);
  const value = Number(trimmed);
  if (value < 1e9) return Math.round(nowMs + value * 1000);
  return Math.round(value < 1e11 ? value * 1000 : value);
}

function count(text: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,9})(?!\d)/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The rate limit headers of an answer; what is missing or unreadable is left out. */
export function parseRateHeaders(headers: HeaderValues, nowMs: number): RateHeaders {
  const limit = count(headers['x-ratelimit-limit']);
  const remaining = count(headers['x-ratelimit-remaining']);
  const resetAtMs = parseReset(headers['x-ratelimit-reset'], nowMs);
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetAtMs === undefined ? {} : { resetAtMs }),
  };
}

function retryAfterOfBody(body: string): number | undefined {
  if (!body.trimStart().startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  for (const holder of [Reflect.get(Object(value), 'error') as unknown, value]) {
    const said: unknown = Reflect.get(Object(holder), 'retry_after');
    const ms = typeof said === 'number' || typeof said === 'string' ? parseRetryAfter(String(said), 0) : undefined;
    if (ms !== undefined) return ms;
  }
  return undefined;
}

/**
 * How long a refusal (429, 503) asks to wait, in milliseconds from 0 to one hour: `Retry-After`, else the body's
 * `error.retry_after`, else the time to `X-RateLimit-Reset` (Smartlead fact sheet, section 3). Undefined when it says
 * nothing. Only for answers that refuse: Lemlist sends `Retry-After` with every 200.
 */
export function askedWaitMs(headers: HeaderValues, body: string, nowMs: number): number | undefined {
  const byHeader = parseRetryAfter(headers['retry-after'], nowMs);
  if (byHeader !== undefined) return byHeader;
  const byBody = retryAfterOfBody(body);
  if (byBody !== undefined) return byBody;
  const resetAtMs = parseReset(headers['x-ratelimit-reset'], nowMs);
  return resetAtMs === undefined ? undefined : bounded(resetAtMs - nowMs);
}

export interface Wait {
  /** What the upstream asked for, if it did. */
  readonly retryAfterMs?: number | undefined;
  /** Which failure in a row this is, from 1. */
  readonly attempt: number;
  /** A number in [0, 1), as Math.random gives it. */
  readonly random: () => number;
}

/**
 * Milliseconds until the next try: what the upstream asked plus up to a tenth (50 ms to 1 s) of jitter, so that copies
 * do not come back as one; without its word 1 s plus exponential backoff with full jitter from 1 s, 60 s at most.
 */
export function nextWaitMs({ retryAfterMs, attempt, random }: Wait): number {
  if (retryAfterMs === undefined) return 1000 + backoffMs({ attempt, baseMs: 1000, capMs: 59_000, random });
  return retryAfterMs + Math.floor(random() * Math.min(Math.max(retryAfterMs / 10, 50), 1000));
}
