import { withoutAddresses } from '@full-sync/delivery';
import { attributeSlugs } from './attributes.ts';
import { objectOf } from './object-of.ts';

/** An answer of Attio, its body unread. */
export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** What an answer to a write means (Attio fact sheet, section 14). */
export type Verdict =
  | { readonly kind: 'written'; readonly recordId: string }
  /** Refused before anything was done; the whole budget waits. */
  | { readonly kind: 'throttled'; readonly afterMs: number }
  /** Nobody's fault for good. `unknown`: it may have been done, or may yet be. */
  | { readonly kind: 'retry'; readonly reason: string; readonly unknown: boolean; readonly afterMs: number | null }
  /** One attribute is refused; the rest may be written without it. */
  | { readonly kind: 'field'; readonly slug: string; readonly code: string; readonly detail: string }
  /** Attio does not know an attribute any more. */
  | { readonly kind: 'schema'; readonly slug: string | null; readonly detail: string }
  /** The person's own fault. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string; readonly pointer: string | null }
  /** Nothing is accepted until somebody mends something. */
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string };

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly paths: readonly string[];
}

const transient: ReadonlySet<string> = new Set(['merge_in_progress', 'concurrent_write_conflict']);
/** What a write of ours can only meet by a fault in the program or in the workspace's set-up, never by the person's. */
const ours: ReadonlySet<string> = new Set([
  'missing_value',
  'immutable_value',
  'system_edit_unauthorized',
  'filter_error',
  'unknown_filter_attribute_slug',
]);

/** Reads what became of a write. `nowMs` is the local clock, for dates of an answer without one of its own. */
export function classifyAnswer(answer: Answer, nowMs: number): Verdict {
  const { status, headers, text } = answer;
  if (status === 200 || status === 201) {
    const recordId = recordIdOf(text);
    // A success that names no record proves nothing (fact sheet, section 14, complaints).
    return recordId === null
      ? { kind: 'retry', reason: 'unreadable', unknown: true, afterMs: null }
      : { kind: 'written', recordId };
  }
  if (status === 429) return { kind: 'throttled', afterMs: retryAfterMs(headers, nowMs) ?? 1000 };
  const body = readError(text);
  if (status >= 500 || status === 408 || transient.has(body.code)) {
    const reason = transient.has(body.code) ? body.code : 'status';
    const afterMs = retryAfterMs(headers, nowMs);
    return { kind: 'retry', reason, unknown: !transient.has(body.code), afterMs };
  }
  if (status === 409) return { kind: 'retry', reason: 'conflict', unknown: false, afterMs: null };
  const detail = detailOf(status, body);
  if (status === 401) return { kind: 'halt', code: 'ATTIO_UNAUTHORIZED', detail };
  if (status === 403) return { kind: 'halt', code: 'ATTIO_FORBIDDEN', detail };
  if (status !== 400 && status !== 422) return { kind: 'halt', code: 'ATTIO_NOT_FOUND', detail };
  return classifyBadRequest(body, detail);
}

function classifyBadRequest(body: ErrorBody, detail: string): Verdict {
  const slug = slugOf(body);
  const code = codeOf(body);
  if (body.code === 'value_not_found') return { kind: 'schema', slug, detail };
  if (slug !== null && (body.code === 'validation_type' || ours.has(body.code))) {
    return { kind: 'field', slug, code, detail };
  }
  if (ours.has(body.code)) return { kind: 'halt', code, detail };
  const pointer = body.paths[0] ?? null;
  return { kind: 'refused', code, detail, pointer };
}

/** `ATTIO_` and Attio's own code. */
function codeOf(body: ErrorBody): string {
  const word = body.code.replace(/[^a-z0-9]+/gi, '_').toUpperCase();
  return `ATTIO_${word === '' ? 'BAD_REQUEST' : word.slice(0, 60)}`;
}

/** The attribute of ours that an error is about: by the paths of its validation errors, else by its message. */
function slugOf({ paths, message }: ErrorBody): string | null {
  const named = /(?:slug(?:\/ID)?|attribute) "([^"]+)"/.exec(message)?.[1];
  const candidates = [...paths.flatMap((path) => path.split(/[/.[\]"']+/)), ...(named === undefined ? [] : [named])];
  return candidates.find((candidate) => attributeSlugs.has(candidate)) ?? null;
}

/**
 * Ms that `Retry-After` asks to wait, at least 250 ms and at most 60 s; null without one. It is a date of the server's
 * clock in whole seconds (fact sheet, section 2), so it is measured from the server's own `Date` where there is one: the
 * clock here may be ahead of it or behind. Seconds are read, too.
 */
export function retryAfterMs(headers: Answer['headers'], nowMs: number): number | null {
  const text = headers['retry-after']?.trim() ?? '';
  if (text === '') return null;
  if (/^\d+(?:\.\d+)?$/.test(text)) return bounded(Number(text) * 1000);
  const at = Date.parse(text);
  if (Number.isNaN(at)) return null;
  const serverNow = Date.parse(headers['date'] ?? '');
  return bounded(at - (Number.isNaN(serverNow) ? nowMs : serverNow));
}

function bounded(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 250), 60_000);
}

/** An error body, whatever it is: pages and texts of a proxy included. */
function readError(text: string): ErrorBody {
  const body = objectOf(text);
  const errors = Array.isArray(body['validation_errors']) ? (body['validation_errors'] as readonly unknown[]) : [];
  const paths = errors.map((error) => pathText(Reflect.get(Object(error), 'path')));
  const messages = [body['message'], ...errors.map((error): unknown => Reflect.get(Object(error), 'message'))];
  return {
    code: typeof body['code'] === 'string' ? body['code'] : '',
    message: messages.filter((message) => typeof message === 'string').join(' '),
    paths: paths.filter((path) => path !== ''),
  };
}

function pathText(path: unknown): string {
  if (typeof path === 'string') return path.startsWith('/') ? path : `/${path.replaceAll('.', '/')}`;
  return Array.isArray(path) && path.length > 0 ? `/${path.map(String).join('/')}` : '';
}

function recordIdOf(text: string): string | null {
  const id: unknown = Reflect.get(Object(Reflect.get(Object(objectOf(text)['data']), 'id')), 'record_id');
  return typeof id === 'string' && id !== '' ? id : null;
}

/** Status, code and message, without any address in it (I7). */
function detailOf(status: number, { code, message, paths }: ErrorBody): string {
  const said = withoutAddresses(message).slice(0, 300);
  const place = paths.length === 0 ? '' : ` at ${paths.slice(0, 3).join(', ')}`;
  return `${status}${code === '' ? '' : ` ${code}`}${place}${said === '' ? '' : `: ${said}`}`;
}
