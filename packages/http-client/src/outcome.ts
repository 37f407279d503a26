import type { HeaderValues, RateHeaders } from './wait.ts';

/**
 * - `network`: no connection, or it broke.
 * - `timeout`: no headers, or no further bytes, in time.
 * - `status`: an answer that says to come back (5xx, 408, 425).
 * - `html`, `not-json`: a page or a text where JSON was due.
 * - `empty`: a success without a body.
 * - `truncated`: a body that ends too early or is no JSON.
 */
export type RetryReason = 'network' | 'timeout' | 'status' | 'html' | 'not-json' | 'empty' | 'truncated';

export type RefusalCode =
  | 'UPSTREAM_BAD_REQUEST'
  | 'UPSTREAM_UNAUTHORIZED'
  | 'UPSTREAM_PLAN'
  | 'UPSTREAM_FORBIDDEN'
  | 'UPSTREAM_WRONG_PATH'
  | 'UPSTREAM_REDIRECT'
  | 'UPSTREAM_TOO_LARGE'
  | 'UPSTREAM_REFUSED';

export interface HttpOk {
  readonly kind: 'ok';
  readonly status: number;
  readonly headers: HeaderValues;
  readonly rate: RateHeaders;
  /** Read once; throws a BodyError when it breaks. Read it or call `discard`: an open body holds its connection. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly discard: () => void;
}

export interface HttpRetry {
  readonly kind: 'retry';
  readonly reason: RetryReason;
  readonly detail: string;
  readonly status?: number;
  /** What the upstream asks for, in milliseconds; left out when it asks for nothing. */
  readonly retryAfterMs?: number;
  readonly rate?: RateHeaders;
}

export interface HttpThrottled {
  readonly kind: 'throttled';
  readonly detail: string;
  readonly retryAfterMs?: number;
  readonly rate: RateHeaders;
}

export interface HttpRefused {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  readonly status?: number;
  readonly detail: string;
}

/** What was asked for is not there, or not any more. */
export interface HttpGone {
  readonly kind: 'gone';
  readonly status: number;
  readonly detail: string;
}

/** Not sent: too many of the last requests failed. */
export interface HttpCircuitOpen {
  readonly kind: 'circuit-open';
  readonly retryAfterMs: number;
}

/** What became of a request. No field holds a credential, and `detail` is 300 characters at most. */
export type HttpOutcome = HttpOk | HttpRetry | HttpThrottled | HttpRefused | HttpGone | HttpCircuitOpen;
