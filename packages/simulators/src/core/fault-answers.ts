import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FaultAction, FaultBody } from './faults.ts';
import type { JsonBuffer } from './json-buffer.ts';

export const HTML_PAGE =
  '<!doctype html><html><head><title>App</title></head><body><div id="root">Loading the application</div></body></html>';

/** A complete answer, without regard to the route. */
export interface FixedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendFixed(reply: FastifyReply, answer: FixedAnswer): FastifyReply {
  return reply
    .code(answer.status)
    .headers(answer.headers ?? {})
    .header('content-type', answer.contentType)
    .send(answer.body);
}

/** Sends a written JSON body and takes its memory back when the response is over. */
export function sendBuffer(reply: FastifyReply, body: JsonBuffer): FastifyReply {
  reply.raw.once('close', () => body.release());
  return reply.header('content-type', 'application/json; charset=utf-8').send(body.content());
}

/** How a platform's `status` faults look unless they say so themselves; it may depend on the status. */
export type DefaultFaultBody = FaultBody | ((status: number) => FaultBody);

/** The answer that takes the place of the route's own, or null when the fault works on the route's answer. */
export function replacementFor(
  action: FaultAction,
  platform: { readonly wrongKey: FixedAnswer; readonly planGate: FixedAnswer; readonly defaultBody: DefaultFaultBody },
): FixedAnswer | null {
  switch (action.kind) {
    case 'status': {
      const retryAfter = action.retryAfter ?? null;
      const { defaultBody } = platform;
      const usual = typeof defaultBody === 'function' ? defaultBody(action.status) : defaultBody;
      const body = statusBody(action.body ?? usual, action.status, retryAfter);
      return {
        status: action.status,
        ...body,
        headers: retryAfter === null ? {} : { 'retry-after': String(retryAfter) },
      };
    }
    case 'emptyBody':
      return { status: 200, contentType: 'application/json; charset=utf-8', body: '' };
    case 'emptyObject':
      return { status: 200, contentType: 'application/json; charset=utf-8', body: '{}' };
    case 'failureIn200':
      return {
        status: 200,
        contentType: 'application/json; charset=utf-8',
        body: '{"success":false,"error":"Something went wrong"}',
      };
    case 'html':
      return { status: 200, contentType: 'text/html; charset=utf-8', body: HTML_PAGE };
    case 'rejectKey':
      return platform.wrongKey;
    case 'planGate':
      return platform.planGate;
    default:
      return null;
  }
}

function statusBody(
  form: FaultBody,
  status: number,
  retryAfter: number | string | null,
): { readonly contentType: string; readonly body: string } {
  const json = 'application/json; charset=utf-8';
  const seconds = Number(retryAfter ?? 30) || 0;
  switch (form) {
    case 'nested': {
      const code = status === 429 ? 'RATE_LIMIT_EXCEEDED' : 'INTERNAL_ERROR';
      const message = status === 429 ? `Too many requests. Please retry after ${seconds} seconds.` : 'Unexpected error';
      return { contentType: json, body: JSON.stringify({ error: { code, message, retry_after: seconds } }) };
    }
    case 'message':
      return { contentType: json, body: JSON.stringify({ message: `Status ${status}` }) };
    case 'error':
      return { contentType: json, body: JSON.stringify({ error: `Status ${status}` }) };
    case 'text':
      return { contentType: 'text/plain; charset=utf-8', body: `Status ${status}` };
    case 'html':
      return { contentType: 'text/html; charset=utf-8', body: `<html><body><h1>${status}</h1></body></html>` };
    case 'empty':
      return { contentType: 'text/plain; charset=utf-8', body: '' };
    default:
      return { contentType: /^[[{]/.test(form) ? json : 'text/plain; charset=utf-8', body: form };
  }
}

/** Damages the route's own answer on its way out; to be called from an `onSend` hook. */
export function damage(action: FaultAction, reply: FastifyReply, payload: unknown): unknown {
  if (action.kind === 'contentType') {
    reply.header('content-type', action.contentType ?? 'text/plain; charset=utf-8');
    return payload;
  }
  if (action.kind === 'loseReply') {
    return partThen(Buffer.alloc(0), action.silent === true ? null : () => reply.raw.socket?.resetAndDestroy());
  }
  if (action.kind !== 'reset' && action.kind !== 'hang' && action.kind !== 'truncate') return payload;
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
  // A copy: the route takes its buffer back when the response closes.
  const body = Buffer.from(payload);
  const part = body.subarray(0, Math.min(action.afterBytes ?? Math.floor(body.length / 2), body.length));
  if (action.kind === 'truncate') return part;
  reply.header('content-length', String(body.length));
  return partThen(part, action.kind === 'reset' ? () => reply.raw.socket?.resetAndDestroy() : null);
}

/** Sends `part`, then does `then` once it is on its way, or stays silent for ever. */
function partThen(part: Buffer, then: (() => void) | null): Readable {
  let sent = false;
  return new Readable({
    read() {
      if (!sent) {
        sent = true;
        this.push(part);
        return;
      }
      if (then !== null) setImmediate(then);
    },
  });
}
