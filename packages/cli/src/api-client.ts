import { parseJson } from '@full-sync/schemas';
import { CliError, exitCodes } from './errors.ts';
import { readEvents } from './event-stream.ts';
import type { StreamedEvent } from './event-stream.ts';
import { fields, text } from './job.ts';

/** A refusal by the API, with its code and whatever else it said. */
export class ApiProblem extends CliError {
  readonly code: string;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    const code = text(body['code']);
    const message = text(body['error']) || `the API answered ${status}`;
    const hint = status === 401 ? 'Set API_KEY to a key of this API; npm run cli -- keys create makes one.' : undefined;
    super(status === 400 ? exitCodes.usage : exitCodes.failed, code === '' ? message : `${code}: ${message}`, hint);
    this.name = 'ApiProblem';
    this.code = code;
    this.body = body;
  }
}

/** Nothing answers where the API should be. */
export class ApiUnreachable extends CliError {
  constructor(apiUrl: string, reason: string) {
    super(
      exitCodes.unreachable,
      `The API does not answer at ${apiUrl}: ${reason}`,
      'Start it with `npm run up`, or set API_URL. `npm run cli -- doctor` looks for the cause.',
    );
    this.name = 'ApiUnreachable';
  }
}

export interface ApiClient {
  readonly url: string;
  readonly get: (path: string) => Promise<unknown>;
  /** `timeoutMs` is 15 s unless told. */
  readonly post: (path: string, body?: object, timeoutMs?: number) => Promise<unknown>;
  readonly delete: (path: string) => Promise<unknown>;
  /**
   * The server-sent events of a path after the one given, until the stream ends. Throws NoEvents where what answers
   * gives none.
   */
  readonly events: (path: string, lastEventId: string) => AsyncIterable<StreamedEvent>;
}

/** The API, or something before it, gives no server-sent events at that address. */
export class NoEvents extends Error {}

const requestTimeoutMs = 15_000;
/** A stream sends something every 10 s. */
const silenceMs = 35_000;

/** Speaks JSON with the API, with a key where there is one. Its calls throw ApiProblem or ApiUnreachable. */
export function createApiClient(apiUrl: string, apiKey: string | null): ApiClient {
  const call = async (path: string, init: RequestInit, timeoutMs = requestTimeoutMs): Promise<unknown> => {
    let status: number;
    let body: string;
    try {
      const headers = new Headers(init.headers);
      if (apiKey !== null) headers.set('authorization', `Bearer ${apiKey}`);
      const answer = await fetch(apiUrl + path, { ...init, headers, signal: AbortSignal.timeout(timeoutMs) });
      status = answer.status;
      body = await answer.text();
    } catch (error) {
      throw new ApiUnreachable(apiUrl, reasonOf(error));
    }
    const answer = parse(body);
    if (status >= 400) throw new ApiProblem(status, fields(answer));
    if (answer === undefined) throw new ApiUnreachable(apiUrl, 'what answers there does not speak JSON');
    return answer;
  };
  return {
    url: apiUrl,
    get: async (path) => await call(path, {}),
    post: async (path, body, timeoutMs) =>
      await call(
        path,
        {
          method: 'POST',
          ...(body === undefined
            ? {}
            : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        },
        timeoutMs,
      ),
    delete: async (path) => await call(path, { method: 'DELETE' }),
    events: (path, lastEventId) => follow({ apiUrl, apiKey }, path, lastEventId),
  };
}

async function* follow(
  { apiUrl, apiKey }: { readonly apiUrl: string; readonly apiKey: string | null },
  path: string,
  lastEventId: string,
): AsyncGenerator<StreamedEvent, void, undefined> {
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort(new Error('it has been silent for too long'));
  }, silenceMs);
  const headers = new Headers({ accept: 'text/event-stream' });
  if (apiKey !== null) headers.set('authorization', `Bearer ${apiKey}`);
  if (lastEventId !== '') headers.set('last-event-id', lastEventId);
  try {
    const answer = await fetch(apiUrl + path, { headers, signal: silence.signal });
    if (answer.status === 204) return;
    if (answer.body === null || !(answer.headers.get('content-type') ?? '').startsWith('text/event-stream')) {
      const problem = fields(parse(await answer.text()));
      const code = text(problem['code']);
      // An earlier release does not know the address; every other refusal is meant.
      if (answer.status < 400 || code === '' || code === 'API_003') throw new NoEvents();
      throw new ApiProblem(answer.status, problem);
    }
    yield* readEvents(answer.body, () => timer.refresh());
  } catch (error) {
    if (error instanceof NoEvents || error instanceof ApiProblem) throw error;
    throw new ApiUnreachable(apiUrl, reasonOf(error));
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Lossless: ids in records can be larger than a double holds. */
function parse(body: string): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause;
  return inner instanceof Error && inner.message !== '' ? inner.message : error.message;
}
