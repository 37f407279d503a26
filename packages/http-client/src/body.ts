import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { JsonStreamError } from './json-stream-error.ts';
import type { HttpRefused, HttpRetry } from './outcome.ts';

/** A body that could not be read to its end. The message holds neither content nor address (I7). */
export class BodyError extends Error {
  readonly reason: 'network' | 'timeout' | 'too-large';

  constructor(reason: BodyError['reason'], detail: string) {
    super(detail);
    this.name = 'BodyError';
    this.reason = reason;
  }
}

/** The name of a failure of the system, the HTTP library or zlib, which is safe to show, unlike its message. */
export function errorCode(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return error instanceof Error ? error.name : 'unknown';
}

export interface BodyOptions {
  readonly maxBytes: number;
  /** Most time to spend waiting for bytes, over the whole body, in milliseconds. */
  readonly maxWaitMs: number;
  readonly gzip: boolean;
  readonly signal: AbortSignal | undefined;
}

/** The bytes of an answer, unpacked and within bounds. Throws a BodyError, or what `signal` was aborted with. */
export async function* readBody(source: Readable, options: BodyOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { maxBytes, maxWaitMs, gzip, signal } = options;
  const stream = gzip ? pipeline(source, createGunzip(), () => undefined) : source;
  let bytes = 0;
  let waitedMs = 0;
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (;;) {
      // Only time spent waiting counts: a reader that takes its time with a chunk is not the upstream's fault.
      const askedAt = performance.now();
      const { done, value } = await chunks.next();
      waitedMs += performance.now() - askedAt;
      if (done === true) return;
      bytes += value.length;
      if (bytes > maxBytes) throw new BodyError('too-large', `the body has more than ${maxBytes} bytes`);
      if (waitedMs > maxWaitMs) throw new BodyError('timeout', `the body took more than ${maxWaitMs} ms to come`);
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BodyError) throw error;
    const code = errorCode(error);
    throw new BodyError(code.includes('TIMEOUT') ? 'timeout' : 'network', `the body broke off: ${code}`);
  } finally {
    source.destroy();
  }
}

/** The whole of a small body as text. Throws a BodyError when it breaks or has more than `maxBytes`. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BodyError('too-large', `the body has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}

/** The whole of a small body, parsed. Throws a BodyError, or a JsonStreamError when it is no JSON. */
export async function readJson(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  parse: (text: string) => unknown = JSON.parse,
): Promise<unknown> {
  const text = await readText(body, maxBytes);
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The parser quotes the text in its message.
    throw new JsonStreamError('invalid', 'the document is no JSON', text.length);
  }
}

/**
 * The outcome of a request whose body failed while it was read, so that it is settled as one that failed at once;
 * undefined for any other error, which is to be thrown on.
 */
export function outcomeOfBodyError(error: unknown): HttpRetry | HttpRefused | undefined {
  if (error instanceof BodyError) {
    if (error.reason === 'too-large') return { kind: 'refused', code: 'UPSTREAM_TOO_LARGE', detail: error.message };
    return { kind: 'retry', reason: error.reason === 'timeout' ? 'timeout' : 'truncated', detail: error.message };
  }
  if (!(error instanceof JsonStreamError)) return undefined;
  if (error.code === 'row-too-large' || error.code === 'envelope-too-large') {
    return { kind: 'refused', code: 'UPSTREAM_TOO_LARGE', detail: error.message };
  }
  return { kind: 'retry', reason: error.code === 'empty' ? 'empty' : 'truncated', detail: error.message };
}
