import { backoffMs } from '@full-sync/delivery';

/** What went wrong with a request; `malformed` is an answer that is JSON and not what was asked for. */
export type Failure =
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly detail: string;
      readonly status?: number;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'throttled'; readonly detail: string; readonly retryAfterMs?: number }
  | { readonly kind: 'refused'; readonly code: string; readonly status?: number; readonly detail: string }
  | { readonly kind: 'gone'; readonly status: number; readonly detail: string }
  | { readonly kind: 'circuit-open'; readonly retryAfterMs: number };

export type Verdict =
  | { readonly kind: 'waiting'; readonly waitMs: number; readonly waitingFor: string; readonly attempt: number }
  /** As `waiting`, and the whole account with it. */
  | { readonly kind: 'throttled'; readonly waitMs: number; readonly waitingFor: string; readonly attempt: number }
  | { readonly kind: 'skipped'; readonly warning: string }
  | { readonly kind: 'failed'; readonly error: { readonly code: string; readonly message: string } };

const baseMs = 1_000;
const capMs = 60_000;
/** Failures in a row that may pass by themselves: a broken line, a host in trouble. */
const maxAttempts = 20;
/** Failures in a row of an upstream that answers, but not with what was asked for. */
const maxMalformedAttempts = 8;

const troubles: ReadonlySet<string> = new Set(['network', 'timeout', 'status']);

/**
 * Decides what becomes of a stream whose request failed. Refusals for too many requests and an open circuit say nothing
 * of the stream, so they do not count as its attempts.
 */
export function judgeFailure(
  failure: Failure,
  stream: {
    /** Failures in a row before this one. */
    readonly attempt: number;
    readonly kind: string;
    /** Further attempts after the first, where the job bounds them. */
    readonly retryAttempts?: number | null;
    /** The environment variable that holds the key. */
    readonly keyName: string;
    readonly urlName: string;
  },
  random: () => number,
): Verdict {
  const { attempt, keyName } = stream;
  const retries = stream.retryAttempts ?? null;
  const bound = retries === null ? null : retries + 1;
  switch (failure.kind) {
    case 'throttled':
      return {
        kind: 'throttled',
        waitMs: throttledMs(failure.retryAfterMs, random),
        waitingFor: 'rate limit',
        attempt,
      };
    case 'circuit-open':
      return { kind: 'waiting', waitMs: failure.retryAfterMs, waitingFor: 'circuit open', attempt };
    case 'refused':
      return fail(failure.code, refusalMessage(failure, stream));
    case 'gone':
      // Only a campaign can go away: without its list there is nothing to walk.
      return stream.kind === 'statistics'
        ? { kind: 'skipped', warning: `the campaign is gone (${failure.status}): ${failure.detail}` }
        : fail('UPSTREAM_NOT_FOUND', `${stream.urlName} has no such endpoint (${failure.status}): ${failure.detail}`);
    case 'malformed':
      return again({
        what: 'an answer without what was asked for',
        detail: failure.detail,
        code: 'UPSTREAM_MALFORMED',
        before: attempt,
        max: bound ?? maxMalformedAttempts,
        askedMs: 0,
        random,
      });
    case 'retry': {
      const trouble = troubles.has(failure.reason);
      return again({
        what: failure.status === undefined || failure.status < 300 ? failure.reason : String(failure.status),
        detail: `${failure.detail} (${keyName})`,
        code: trouble ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_MALFORMED',
        before: attempt,
        max: bound ?? (trouble ? maxAttempts : maxMalformedAttempts),
        askedMs: failure.retryAfterMs ?? 0,
        random,
      });
    }
  }
}

function again(failed: {
  readonly what: string;
  readonly detail: string;
  readonly code: string;
  /** Failures in a row before this one, and how many there may be. */
  readonly before: number;
  readonly max: number;
  readonly askedMs: number;
  readonly random: () => number;
}): Verdict {
  const { what, detail, code, random } = failed;
  const attempt = failed.before + 1;
  if (attempt >= failed.max) {
    const attempts = attempt === 1 ? 'the only attempt failed' : `${attempt} attempts in a row failed, the last`;
    return fail(code, `${attempts} with ${what}: ${detail}`);
  }
  const waitMs = failed.askedMs + backoffMs({ attempt, baseMs, capMs, random });
  return { kind: 'waiting', waitMs, waitingFor: `retry ${attempt} after ${what}`, attempt };
}

/** What the upstream asked for and a little more, so that copies do not come back as one; 2 s where it says nothing. */
function throttledMs(retryAfterMs: number | undefined, random: () => number): number {
  const asked = retryAfterMs ?? 2_000;
  return asked + Math.floor(random() * Math.min(1_000, Math.max(50, asked / 10)));
}

function fail(code: string, message: string): Verdict {
  return { kind: 'failed', error: { code, message } };
}

function refusalMessage(
  { code, status, detail }: { readonly code: string; readonly status?: number; readonly detail: string },
  { keyName, urlName }: { readonly keyName: string; readonly urlName: string },
): string {
  const withStatus = status === undefined ? '' : ` (${status})`;
  switch (code) {
    case 'UPSTREAM_UNAUTHORIZED':
      return `${keyName} was refused${withStatus}: ${detail}`;
    case 'UPSTREAM_PLAN':
      return `the plan of ${keyName} does not include this${withStatus}: ${detail}`;
    case 'UPSTREAM_FORBIDDEN':
      return `${keyName} may not do this${withStatus}: ${detail}`;
    case 'UPSTREAM_WRONG_PATH':
    case 'UPSTREAM_REDIRECT':
      return `${urlName} does not lead to the API${withStatus}: ${detail}`;
    default:
      return `the request was refused${withStatus}: ${detail}`;
  }
}
