import { Agent } from 'undici';
import { createCircuit, type CircuitOptions, type CircuitState } from './circuit.ts';
import type { HttpOutcome } from './outcome.ts';
import { authorizationOf, createRedactor, type HttpAuth } from './redact.ts';
import { send, type RequestLimits } from './request.ts';
import type { RateHeaders } from './wait.ts';

/** What is left out of a request's numbers: nothing that names a campaign, a lead or a credential. */
export interface Answered {
  readonly kind: HttpOutcome['kind'];
  /** The reason of a retry or the code of a refusal. */
  readonly reason?: string;
  readonly status?: number;
  /** From the call to the outcome, in milliseconds. */
  readonly durationMs: number;
}

export interface HttpClientOptions {
  /** With the path of the API, e.g. `https://server.smartlead.ai/api/v1`. */
  readonly baseUrl: string;
  readonly auth: HttpAuth;
  readonly userAgent?: string;
  /** From the call to the last header; 30 s when left out. */
  readonly timeoutMs?: number;
  /** Longest silence within a body; 30 s when left out. */
  readonly bodyTimeoutMs?: number;
  /** Most time to spend waiting for one body; 5 min when left out. */
  readonly bodyTotalMs?: number;
  /** Largest body, unpacked; 64 MiB when left out. */
  readonly maxBodyBytes?: number;
  /** Connections to the host, kept open; 8 when left out. */
  readonly maxConnections?: number;
  readonly circuit?: CircuitOptions;
  /** Told of every outcome, for metrics. */
  readonly onAnswered?: (answered: Answered) => void;
}

export type QueryValue = string | number | boolean | undefined;

export interface GetOptions {
  readonly signal?: AbortSignal;
  /** Told of the status and the rate limit as soon as they are there, before the body. */
  readonly onHeaders?: (status: number, rate: RateHeaders) => void;
}

/** Requests to one host: one pool of connections and one circuit, whatever credentials they carry. */
export interface HttpClient extends AsyncDisposable {
  /**
   * Sends one GET, once. `path` is appended to the base URL (build it with `path`), undefined query values are left
   * out. Failures are outcomes; it throws only what `signal` was aborted with, and a TypeError for a path that leaves
   * the base URL.
   */
  get(path: string, query?: Readonly<Record<string, QueryValue>>, options?: GetOptions): Promise<HttpOutcome>;
  /** The same host under another credential. */
  withAuth(auth: HttpAuth): Pick<HttpClient, 'get'>;
  readonly circuitState: CircuitState;
}

/** A path with its values encoded: path`/campaigns/${id}/statistics`. */
export function path(parts: TemplateStringsArray, ...values: readonly (string | number | bigint)[]): string {
  return String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(String(value))));
}

/** The URL of a route below `base`. Throws a TypeError for a route that leaves it. */
export function urlOf(base: URL, route: string, query: Readonly<Record<string, QueryValue>>): URL {
  const prefix = base.pathname.replace(/\/$/, '');
  const url = new URL(base);
  url.pathname = `${prefix}${route}`;
  // `..` in an id would send the credential to another endpoint.
  if (!route.startsWith('/') || !url.pathname.startsWith(`${prefix}/`) || /(?:^|\/)\.{1,2}(?:\/|$)/.test(route)) {
    throw new TypeError('a path must begin with / and stay below the base URL');
  }
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function describe(outcome: HttpOutcome, durationMs: number): Answered {
  const reason = outcome.kind === 'retry' ? outcome.reason : outcome.kind === 'refused' ? outcome.code : undefined;
  const status = outcome.kind === 'throttled' ? 429 : 'status' in outcome ? outcome.status : undefined;
  return {
    kind: outcome.kind,
    durationMs,
    ...(reason === undefined ? {} : { reason }),
    ...(status === undefined ? {} : { status }),
  };
}

/** The host itself is in trouble; a page in place of JSON or a refusal says nothing of that. */
const hostFailed = (outcome: HttpOutcome): boolean =>
  outcome.kind === 'retry' &&
  (outcome.reason === 'network' || outcome.reason === 'timeout' || outcome.reason === 'status');

/** Opens a client for the API at `baseUrl`. Throws a TypeError when that is no http or https URL. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.baseUrl);
  if (!/^https?:$/.test(base.protocol) || base.search !== '' || base.hash !== '') {
    throw new TypeError('a base URL is http or https, without query and fragment');
  }
  const { userAgent = 'full-sync', timeoutMs = 30_000, maxConnections = 8, onAnswered } = options;
  const limits: RequestLimits = {
    timeoutMs,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
    bodyTotalMs: options.bodyTotalMs ?? 300_000,
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
  };
  const agent = new Agent({
    connections: maxConnections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: timeoutMs },
  });
  const circuit = createCircuit<HttpOutcome>(base.host, hostFailed, options.circuit);

  const getWith = (auth: HttpAuth): HttpClient['get'] => {
    const redact = createRedactor(auth);
    return async (route, query = {}, { signal, onHeaders } = {}) => {
      const withKey = auth.kind === 'query' ? { ...query, [auth.name]: auth.value } : query;
      const url = urlOf(base, route, withKey);
      const headers = {
        'user-agent': userAgent,
        ...authorizationOf(auth),
      };
      signal?.throwIfAborted();
      const askedAt = performance.now();
      const result = await circuit.run(() => send(agent, { url, headers, redact, signal, onHeaders }, limits));
      const outcome: HttpOutcome =
        'outcome' in result ? result.outcome : { kind: 'circuit-open', retryAfterMs: result.retryAfterMs };
      onAnswered?.(describe(outcome, performance.now() - askedAt));
      return outcome;
    };
  };

  return {
    get: getWith(options.auth),
    withAuth: (auth) => ({ get: getWith(auth) }),
    get circuitState() {
      return circuit.state;
    },
    async [Symbol.asyncDispose]() {
      circuit.close();
      await agent.destroy();
    },
  };
}
