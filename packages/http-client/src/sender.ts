import { Agent, request, type Dispatcher } from 'undici';
import { BodyError, errorCode, readBody } from './body.ts';
import { createCircuit, type CircuitOptions, type CircuitState } from './circuit.ts';
import { urlOf, type QueryValue } from './client.ts';
import { flatten } from './request.ts';
import type { HeaderValues } from './wait.ts';

/** What became of a request that writes. Only `answered` says whether it was done. */
export type Sent =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: HeaderValues;
      /** The body, cut at the sender's bound; not redacted. */
      readonly text: string;
    }
  /** No answer: the request may have been done, now or later, or not. */
  | { readonly kind: 'unanswered'; readonly reason: 'network' | 'timeout'; readonly detail: string }
  /** Not sent: too many of the last requests failed. */
  | { readonly kind: 'circuit-open'; readonly retryAfterMs: number };

export interface SendRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** Below the base URL; build it with `path`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Called when the request goes out: not when the circuit is open. */
  readonly onSending?: () => void;
}

export interface SenderOptions {
  readonly baseUrl: string;
  /** From the call to the end of the answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Connections to the host, kept open. */
  readonly maxConnections: number;
  /** Most bytes of an answer that are read; 1 MiB when left out. */
  readonly maxAnswerBytes?: number;
  readonly userAgent?: string;
  /** `none` for callers with a circuit of their own. */
  readonly circuit?: CircuitOptions | 'none';
}

/** Requests that write, to one host: one pool of connections and one circuit. */
export interface Sender extends AsyncDisposable {
  /**
   * Sends one request, once, and reads its answer. Failures are outcomes; it throws only what `signal` was aborted
   * with, and a TypeError for a path that leaves the base URL.
   */
  send(request: SendRequest): Promise<Sent>;
  readonly circuitState: CircuitState;
}

const failedHost = (sent: Sent): boolean =>
  sent.kind === 'unanswered' || (sent.kind === 'answered' && (sent.status >= 500 || sent.status === 408));

/** Opens a sender for the API at `baseUrl`. Throws a TypeError when that is no http or https URL. */
export function createSender(options: SenderOptions): Sender {
  const base = new URL(options.baseUrl);
  if (!/^https?:$/.test(base.protocol) || base.search !== '' || base.hash !== '') {
    throw new TypeError('a base URL is http or https, without query and fragment');
  }
  const { timeoutMs, maxConnections, maxAnswerBytes = 1024 * 1024, userAgent = 'full-sync' } = options;
  const agent = new Agent({
    connections: maxConnections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: timeoutMs },
  });
  const circuit = options.circuit === 'none' ? null : createCircuit<Sent>(base.host, failedHost, options.circuit ?? {});

  const sendOnce = async ({ onSending, ...wanted }: SendRequest): Promise<Sent> => {
    const url = urlOf(base, wanted.path, wanted.query ?? {});
    const late = AbortSignal.timeout(timeoutMs);
    onSending?.();
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: wanted.method,
        headers: { accept: 'application/json', 'user-agent': userAgent, ...wanted.headers },
        body: wanted.body ?? null,
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: wanted.signal === undefined ? late : AbortSignal.any([wanted.signal, late]),
      });
      const headers = flatten(answer.headers, (text) => text);
      const text = await answerText(answer, headers, maxAnswerBytes, timeoutMs);
      return { kind: 'answered', status: answer.statusCode, headers, text };
    } catch (error) {
      wanted.signal?.throwIfAborted();
      if (late.aborted || errorCode(error).includes('TIMEOUT')) {
        return { kind: 'unanswered', reason: 'timeout', detail: `no answer within ${timeoutMs} ms` };
      }
      const detail = error instanceof BodyError ? error.message : `the connection failed: ${errorCode(error)}`;
      return { kind: 'unanswered', reason: 'network', detail };
    }
  };

  return {
    async send(wanted) {
      wanted.signal?.throwIfAborted();
      if (circuit === null) return await sendOnce(wanted);
      const result = await circuit.run(() => sendOnce(wanted));
      return 'outcome' in result ? result.outcome : { kind: 'circuit-open', retryAfterMs: result.retryAfterMs };
    },
    get circuitState() {
      return circuit?.state ?? 'closed';
    },
    async [Symbol.asyncDispose]() {
      circuit?.close();
      await agent.destroy();
    },
  };
}

/** An answer longer than the bound is cut: what it says stands at its beginning. */
async function answerText(
  answer: Dispatcher.ResponseData,
  headers: HeaderValues,
  maxBytes: number,
  maxWaitMs: number,
): Promise<string> {
  const gzip = headers['content-encoding'] === 'gzip';
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of readBody(answer.body, { maxBytes, maxWaitMs, gzip, signal: undefined }))
      chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof BodyError) || error.reason !== 'too-large') throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}
