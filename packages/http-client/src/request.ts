import { request, type Agent, type Dispatcher } from 'undici';
import { BodyError, errorCode, outcomeOfBodyError, readBody } from './body.ts';
import { classifyFailure, contentKind } from './classify.ts';
import type { HttpOutcome, HttpRefused, HttpRetry } from './outcome.ts';
import type { Redactor } from './redact.ts';
import { parseRateHeaders, type HeaderValues, type RateHeaders } from './wait.ts';

/** Enough of an error body to find its message. */
const maxErrorBodyBytes = 64 * 1024;

export interface RequestLimits {
  /** From the call to the last header, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest silence within a body, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Most time to spend waiting for one body, in milliseconds. */
  readonly bodyTotalMs: number;
  readonly maxBodyBytes: number;
}

export interface PreparedRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly redact: Redactor;
  readonly signal: AbortSignal | undefined;
  readonly onHeaders: ((status: number, rate: RateHeaders) => void) | undefined;
}

/** Headers by name, several of one name joined; cookies left out. */
export function flatten(headers: Dispatcher.ResponseData['headers'], redact: Redactor): HeaderValues {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'set-cookie') continue;
    flat[name] = redact(Array.isArray(value) ? value.join(', ') : value);
  }
  return flat;
}

function failure(error: unknown, timedOut: boolean, timeoutMs: number): HttpRetry {
  const code = errorCode(error);
  if (timedOut || code.includes('TIMEOUT')) {
    return { kind: 'retry', reason: 'timeout', detail: `no answer within ${timeoutMs} ms` };
  }
  return { kind: 'retry', reason: 'network', detail: `the connection failed: ${code}` };
}

/** The first bytes that are not white space decide what a body without a telling content type is. */
function looksLikeJson(chunk: Uint8Array): boolean {
  const first = chunk.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  return first === 0x7b || first === 0x5b;
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** What comes of an error body, up to the limit: its first part is worth having when the rest does not come. */
async function readBeginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

type FirstChunk = { readonly chunk: Uint8Array | undefined } | { readonly outcome: HttpRetry | HttpRefused };

async function firstChunk(body: AsyncGenerator<Uint8Array, void>): Promise<FirstChunk> {
  try {
    for (;;) {
      const { done, value } = await body.next();
      if (done === true) return { chunk: undefined };
      if (value.length > 0) return { chunk: value };
    }
  } catch (error) {
    const outcome = outcomeOfBodyError(error);
    if (outcome === undefined) throw error;
    return { outcome };
  }
}

/**
 * Sends one GET and says what became of it. Redirects are not followed: the credential may stand in the URL (Smartlead
 * fact sheet, section 2). Throws only what `signal` was aborted with.
 */
export async function send(
  agent: Agent,
  { url, headers, redact, signal, onHeaders }: PreparedRequest,
  { timeoutMs, bodyTimeoutMs, bodyTotalMs, maxBodyBytes }: RequestLimits,
): Promise<HttpOutcome> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  let answer: Dispatcher.ResponseData;
  try {
    answer = await request(url, {
      dispatcher: agent,
      method: 'GET',
      headers: { accept: 'application/json', 'accept-encoding': 'gzip', ...headers },
      headersTimeout: 0,
      bodyTimeout: bodyTimeoutMs,
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    });
  } catch (error) {
    signal?.throwIfAborted();
    return failure(error, late.signal.aborted, timeoutMs);
  } finally {
    clearTimeout(timer);
  }

  const status = answer.statusCode;
  const values = flatten(answer.headers, redact);
  const rate = parseRateHeaders(values, Date.now());
  onHeaders?.(status, rate);
  const discard = (): void => {
    // Destroying it makes it emit an error that nobody is left to hear.
    answer.body.on('error', () => undefined).destroy();
  };

  const ok = status >= 200 && status < 300;
  const body = readBody(answer.body, {
    maxBytes: ok ? maxBodyBytes : maxErrorBodyBytes,
    maxWaitMs: bodyTotalMs,
    gzip: values['content-encoding'] === 'gzip',
    signal,
  });
  if (!ok) {
    const answered = { status, headers: values, body: await readBeginning(body) };
    return classifyFailure(answered, redact, Date.now());
  }

  const comeBack = (reason: HttpRetry['reason'], detail: string): HttpRetry => {
    discard();
    return { kind: 'retry', reason, detail, status, rate };
  };
  const kind = contentKind(values['content-type']);
  if (kind === 'html') return comeBack('html', 'html instead of JSON');
  if (kind === 'other') return comeBack('not-json', 'another content type than JSON');
  if (Number(values['content-length']) > maxBodyBytes) {
    discard();
    return {
      kind: 'refused',
      code: 'UPSTREAM_TOO_LARGE',
      status,
      detail: `the body has more than ${maxBodyBytes} bytes`,
    };
  }
  const first = await firstChunk(body);
  if ('outcome' in first) return { ...first.outcome, status };
  if (first.chunk === undefined) return comeBack('empty', 'empty body');
  if (kind === 'unknown' && !looksLikeJson(first.chunk)) return comeBack('not-json', 'text instead of JSON');
  return { kind: 'ok', status, headers: values, rate, body: startingWith(first.chunk, body), discard };
}
