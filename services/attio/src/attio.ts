import { authorizationOf, path } from '@full-sync/http-client';
import type { Sender, Sent } from '@full-sync/http-client';
import { classifyAnswer } from './domain/answer.ts';
import type { Verdict } from './domain/answer.ts';
import type { Attribute } from './domain/attributes.ts';

/** From a call to the end of its answer, in milliseconds. */
export const requestTimeoutMs = 10_000;

/** What a key opens. */
export type Identity =
  | { readonly kind: 'active'; readonly workspaceId: string; readonly missingScopes: readonly string[] }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/** An attribute of people as the workspace has it. */
export interface KnownAttribute {
  readonly slug: string;
  readonly type: string;
  readonly isMultiselect: boolean;
  readonly isArchived: boolean;
}

export type Listing =
  | { readonly kind: 'listed'; readonly attributes: readonly KnownAttribute[] }
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

export type Creation =
  | { readonly kind: 'created' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string; readonly afterMs: number };

export type WriteEnd =
  | { readonly verdict: Verdict; readonly status: number | null }
  /** Not sent: the host is left alone for a while. */
  | { readonly verdict: null; readonly afterMs: number };

/** Attio's REST API under one key; every call is made once, and what became of it is a value. */
export interface Attio {
  readonly identify: (signal?: AbortSignal) => Promise<Identity>;
  readonly listAttributes: (signal?: AbortSignal) => Promise<Listing>;
  readonly createAttribute: (attribute: Attribute, signal?: AbortSignal) => Promise<Creation>;
  /** Creates or changes the person with this address; `onSending` is called when the request goes out. */
  readonly assertPerson: (
    email: string,
    values: Readonly<Record<string, string | number>>,
    options: { readonly signal?: AbortSignal; readonly onSending?: () => void },
  ) => Promise<WriteEnd>;
}

const neededScopes = ['record_permission:read-write', 'object_configuration:read'] as const;

export function createAttio(sender: Sender, apiKey: string): Attio {
  const headers = { ...authorizationOf({ kind: 'bearer', token: apiKey }) };
  const withBody = { ...headers, 'content-type': 'application/json' };
  const optional = (signal: AbortSignal | undefined): { readonly signal?: AbortSignal } =>
    signal === undefined ? {} : { signal };
  return {
    identify: async (signal) => {
      const sent = await sender.send({ method: 'GET', path: '/self', headers, ...optional(signal) });
      return identityOf(sent);
    },
    listAttributes: async (signal) => {
      const route = '/objects/people/attributes';
      const sent = await sender.send({
        method: 'GET',
        path: route,
        query: { limit: 500 },
        headers,
        ...optional(signal),
      });
      return listingOf(sent);
    },
    createAttribute: async ({ slug, title, type, description }, signal) => {
      const data = {
        title,
        description,
        api_slug: slug,
        type,
        is_required: false,
        is_unique: false,
        is_multiselect: false,
        config: {},
      };
      const route = '/objects/people/attributes';
      const body = JSON.stringify({ data });
      const sent = await sender.send({ method: 'POST', path: route, headers: withBody, body, ...optional(signal) });
      return creationOf(sent);
    },
    assertPerson: async (email, values, options) => {
      const sent = await sender.send({
        method: 'PUT',
        path: path`/objects/people/records`,
        query: { matching_attribute: 'email_addresses' },
        headers: withBody,
        body: JSON.stringify({ data: { values: { email_addresses: [email], ...values } } }),
        ...options,
      });
      if (sent.kind === 'circuit-open') return { verdict: null, afterMs: sent.retryAfterMs };
      if (sent.kind === 'answered') return { verdict: classifyAnswer(sent, Date.now()), status: sent.status };
      return { verdict: { kind: 'retry', reason: sent.reason, unknown: true, afterMs: null }, status: null };
    },
  };
}

/** A well-formed but dead token is answered with 200 and `active: false`, a malformed one with 400 (fact sheet, section 1). */
function identityOf(sent: Sent): Identity {
  if (sent.kind !== 'answered') return { kind: 'unknown', detail: detailOf(sent) };
  if (sent.status === 400 || sent.status === 401 || sent.status === 403) {
    return { kind: 'refused', detail: `Attio does not know the key (${sent.status})` };
  }
  const body = objectOf(sent.text);
  if (sent.status !== 200) return { kind: 'unknown', detail: detailOf(sent) };
  if (body['active'] !== true)
    return { kind: 'refused', detail: 'the key is not active: revoked, or its application removed' };
  const workspaceId = body['workspace_id'];
  if (typeof workspaceId !== 'string' || workspaceId === '')
    return { kind: 'unknown', detail: 'no workspace was named' };
  const scope = typeof body['scope'] === 'string' ? body['scope'].split(/\s+/) : null;
  return {
    kind: 'active',
    workspaceId,
    missingScopes: scope === null ? [] : neededScopes.filter((one) => !hasScope(scope, one)),
  };
}

function hasScope(scopes: readonly string[], wanted: string): boolean {
  return scopes.includes(wanted) || scopes.includes(`${wanted}-write`);
}

function listingOf(sent: Sent): Listing {
  if (sent.kind !== 'answered') return { kind: 'unknown', detail: detailOf(sent) };
  const data = objectOf(sent.text)['data'];
  if (sent.status === 200 && Array.isArray(data)) {
    return { kind: 'listed', attributes: (data as readonly unknown[]).map(attributeOf) };
  }
  const verdict = classifyAnswer(sent, Date.now());
  if (verdict.kind === 'halt') return { kind: 'halt', code: verdict.code, detail: verdict.detail };
  return { kind: 'unknown', detail: detailOf(sent) };
}

function attributeOf(value: unknown): KnownAttribute {
  const read = (name: string): unknown => Reflect.get(Object(value), name);
  return {
    slug: String(read('api_slug')),
    type: String(read('type')),
    isMultiselect: read('is_multiselect') === true,
    isArchived: read('is_archived') === true,
  };
}

function creationOf(sent: Sent): Creation {
  if (sent.kind === 'circuit-open') return { kind: 'unknown', detail: detailOf(sent), afterMs: sent.retryAfterMs };
  if (sent.kind !== 'answered') return { kind: 'unknown', detail: detailOf(sent), afterMs: 1000 };
  if (sent.status === 200 || sent.status === 201) return { kind: 'created' };
  if (sent.status === 409 && objectOf(sent.text)['code'] === 'slug_conflict') return { kind: 'exists' };
  const verdict = classifyAnswer(sent, Date.now());
  if (verdict.kind === 'throttled') return { kind: 'unknown', detail: 'throttled', afterMs: verdict.afterMs };
  if (verdict.kind === 'retry') return { kind: 'unknown', detail: detailOf(sent), afterMs: verdict.afterMs ?? 1000 };
  return { kind: 'refused', detail: 'detail' in verdict ? verdict.detail : String(sent.status) };
}

function detailOf(sent: Sent): string {
  if (sent.kind === 'answered') return `Attio answered ${sent.status}`;
  return sent.kind === 'unanswered' ? `Attio does not answer: ${sent.detail}` : 'Attio is left alone for a while';
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
