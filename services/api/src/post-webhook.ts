import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { ForbiddenAddressError, assertCallable, publicLookup } from './outbound-address.ts';
import type { Resolve } from './outbound-address.ts';

export interface PostedWebhook {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostOptions {
  /** Lets private and loopback addresses be called. */
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
  readonly resolve?: Resolve;
}

export interface PostOutcome {
  /** null: there was no answer. */
  readonly httpStatus: number | null;
  /** Why it counts as failed, null when it does not. Names neither path nor query of the URL, which may be secret. */
  readonly error: string | null;
  /** What the receiver asked to wait, ms. */
  readonly askedMs: number | null;
}

const maxAnswerBytes = 65_536;

/**
 * Sends a webhook once, on a connection of its own. Only a 2xx is a success; redirects are not followed, for they could
 * lead anywhere; of the answer's body nothing is kept, and at most 64 KiB is read.
 */
export async function postWebhook(webhook: PostedWebhook, options: PostOptions): Promise<PostOutcome> {
  const late = AbortSignal.timeout(options.timeoutMs);
  try {
    const answer = await send(webhook, new URL(webhook.url), options, late);
    const status = answer.statusCode ?? 0;
    drain(answer);
    return {
      httpStatus: status,
      error: status >= 200 && status < 300 ? null : `the receiver answered ${status}${redirectNote(status)}`,
      askedMs: retryAfterMs(answer.headers['retry-after']),
    };
  } catch (error) {
    const reason = late.aborted ? `no answer within ${options.timeoutMs / 1000} s` : reasonOf(error);
    return { httpStatus: null, error: reason, askedMs: null };
  }
}

async function send(
  { headers, body }: PostedWebhook,
  url: URL,
  { allowPrivate, resolve }: PostOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (!allowPrivate) assertCallable(url);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return await new Promise((fulfil, reject) => {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // No pool: a connection made for one URL is never used for another.
      agent: false,
      signal,
      ...(allowPrivate ? {} : { lookup: publicLookup(resolve) }),
    });
    sent.on('response', fulfil).on('error', reject);
    sent.end(body);
  });
}

/** Lets the answer come to its end, so that the receiver sees no broken connection, but not without end. */
function drain(answer: IncomingMessage): void {
  let bytes = 0;
  answer
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) answer.destroy();
    })
    // The answer is known; what becomes of its body is not.
    .on('error', () => undefined);
}

function redirectNote(status: number): string {
  return status >= 300 && status < 400 ? ', and redirects are not followed' : '';
}

function retryAfterMs(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : null;
}

/** The failure in words without the URL. */
function reasonOf(error: unknown): string {
  if (error instanceof ForbiddenAddressError) return `refused: ${error.message} (WEBHOOK_ALLOW_PRIVATE)`;
  if (error instanceof AggregateError) return [...new Set(error.errors.map(reasonOf))].join('; ');
  if (!(error instanceof Error)) return 'the connection failed';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return `the connection failed: ${code}`;
}
