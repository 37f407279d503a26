import { CliError, exitCodes } from './errors.ts';
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
  readonly post: (path: string, body: object) => Promise<unknown>;
}

const requestTimeoutMs = 15_000;

/** Speaks JSON with the API, with a key where there is one. Its calls throw ApiProblem or ApiUnreachable. */
export function createApiClient(apiUrl: string, apiKey: string | null): ApiClient {
  const call = async (path: string, init: RequestInit): Promise<unknown> => {
    let status: number;
    let body: string;
    try {
      const headers = new Headers(init.headers);
      if (apiKey !== null) headers.set('authorization', `Bearer ${apiKey}`);
      const answer = await fetch(apiUrl + path, { ...init, headers, signal: AbortSignal.timeout(requestTimeoutMs) });
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
    post: async (path, body) =>
      await call(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
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
