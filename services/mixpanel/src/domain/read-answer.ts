/** An answer, read as text: bodies of failures are not always JSON. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What an answer of `/import` says of the events that were sent. */
export type ImportAnswer =
  | { readonly kind: 'stored' }
  /** All but these were stored. */
  | { readonly kind: 'partly'; readonly refused: ReadonlyMap<number, string> }
  /** Nothing was stored, because of these; the others were not looked at. */
  | { readonly kind: 'spoilt'; readonly refused: ReadonlyMap<number, string> }
  /** Nothing was stored, and nobody says which event it was. */
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'too-large'; readonly detail: string; readonly maxBytes: number | null }
  | Failure;

/** What an answer of `/engage` says. */
export type EngageAnswer =
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'too-large'; readonly detail: string; readonly maxBytes: number | null }
  | Failure;

type Failure =
  | { readonly kind: 'retry'; readonly reason: 'throttled' | 'status' | 'unreadable' }
  /** Credentials, rights or the address: nobody's event. */
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string };

/**
 * Reads an answer of `/import` to `count` events (Mixpanel fact sheet, section 6): the status first, then a body of which
 * every key may be missing. Refused records are known by `index` alone: the key of the id has two spellings.
 */
export function readImportAnswer({ status, text }: Answer, count: number): ImportAnswer {
  const body = objectOf(text);
  if (status === 200 || status === 400) {
    const refused = refusedIn(body, count);
    if (refused !== null) {
      const isWhole = body?.['num_records_imported'] === 0 && refused.size < count;
      return isWhole ? { kind: 'spoilt', refused } : { kind: 'partly', refused };
    }
  }
  if (status === 200) return body === null ? { kind: 'retry', reason: 'unreadable' } : { kind: 'stored' };
  return readFailure(status, text, body);
}

/**
 * How many events an answer to `count` of them leaves unaccounted for: neither refused nor among those that Mixpanel says
 * it imported. 0 where it does not say.
 */
export function unaccountedFor({ text }: Answer, answer: ImportAnswer, count: number): number {
  if (answer.kind !== 'stored' && answer.kind !== 'partly') return 0;
  const imported = objectOf(text)?.['num_records_imported'];
  const due = count - (answer.kind === 'partly' ? answer.refused.size : 0);
  return typeof imported === 'number' && imported < due ? due - imported : 0;
}

/**
 * Reads an answer of `/engage` (Mixpanel fact sheet, section 11): 200 says nothing, its body does. Which records of a
 * refused request were taken nobody has published: it is sent again in parts.
 */
export function readEngageAnswer({ status, text }: Answer): EngageAnswer {
  const body = objectOf(text);
  if (status !== 200) return readFailure(status, text, body);
  const said = body?.['status'] ?? text.trim();
  if (said === 1 || said === '1' || said === true || said === 'OK') return { kind: 'stored' };
  if (said === 0 || said === '0' || said === false || body?.['error'] !== undefined) {
    return { kind: 'refused', detail: messageIn(body, text) };
  }
  return { kind: 'retry', reason: 'unreadable' };
}

function readFailure(
  status: number,
  text: string,
  body: Readonly<Record<string, unknown>> | null,
): Exclude<ImportAnswer, { readonly kind: 'stored' | 'partly' | 'spoilt' }> {
  const detail = messageIn(body, text);
  if (status === 429) return { kind: 'retry', reason: 'throttled' };
  if (status >= 500 || status === 408 || status === 425) return { kind: 'retry', reason: 'status' };
  if (status === 413) {
    const limit = Number(/\b(\d{4,})\s+bytes\b/.exec(detail)?.[1] ?? Number.NaN);
    return { kind: 'too-large', detail, maxBytes: Number.isSafeInteger(limit) ? limit : null };
  }
  if (status === 401) return { kind: 'halt', code: 'MIXPANEL_UNAUTHORIZED', detail };
  if (status === 403) return { kind: 'halt', code: 'MIXPANEL_FORBIDDEN', detail };
  if (status === 400 || status === 422) return { kind: 'refused', detail };
  // A redirect, an address that is not there: whoever answers is not the ingestion API.
  return { kind: 'halt', code: 'MIXPANEL_UNEXPECTED', detail: `status ${status}: ${detail}` };
}

/** The refused records by index; null where the body names none, or not by an index that can be. */
function refusedIn(body: Readonly<Record<string, unknown>> | null, count: number): ReadonlyMap<number, string> | null {
  const failed: unknown = body?.['failed_records'];
  if (!Array.isArray(failed) || failed.length === 0) return null;
  const refused = new Map<number, string>();
  for (const record of failed as readonly unknown[]) {
    const index: unknown = Reflect.get(Object(record), 'index');
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) return null;
    const field: unknown = Reflect.get(Object(record), 'field');
    const message: unknown = Reflect.get(Object(record), 'message');
    const said = typeof message === 'string' ? message : 'refused without a reason';
    refused.set(index, typeof field === 'string' && field !== '' && !said.includes(field) ? `${field}: ${said}` : said);
  }
  return refused;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  if (!text.trimStart().startsWith('{')) return null;
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** What the answer says in words: `error`, and texts among `failed_records`. */
function messageIn(body: Readonly<Record<string, unknown>> | null, text: string): string {
  if (body === null) return text;
  const failed: unknown = body['failed_records'];
  const texts = Array.isArray(failed) ? failed.filter((one) => typeof one === 'string') : [];
  const error = body['error'];
  const parts = [...(typeof error === 'string' ? [error] : []), ...texts];
  return parts.length === 0 ? text : parts.join('; ');
}
