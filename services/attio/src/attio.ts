import { authorizationOf } from '@full-sync/http-client';
import type { SendRequest, Sender, Sent } from '@full-sync/http-client';
import { classifyAnswer } from './domain/answer.ts';
import type { Verdict } from './domain/answer.ts';
import { activityKind, matchingAttribute } from './domain/activity.ts';
import { objectOf } from './domain/object-of.ts';

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
  readonly isUnique: boolean;
  readonly isArchived: boolean;
}

export type Listing =
  /** There is no such thing: the beta is off, or it was not set up. */
  | { readonly kind: 'absent'; readonly detail: string }
  | { readonly kind: 'listed'; readonly attributes: readonly KnownAttribute[] }
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string }
  /** `afterMs`: how long Attio asks to wait, null when it does not say. */
  | { readonly kind: 'unknown'; readonly detail: string; readonly afterMs: number | null };

export type Creation =
  | { readonly kind: 'created' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string; readonly afterMs: number };

export type WriteEnd =
  | { readonly verdict: Verdict; readonly status: number | null }
  /** Not sent: the host is left alone for a while. */
  | { readonly verdict: null; readonly afterMs: number };

/** What attributes belong to. */
export const ofPeople = '/objects/people';
export const ofActivities = `/activities/${activityKind.api_slug}` as const;
export type AttributeOwner = typeof ofPeople | typeof ofActivities;

export interface NewAttribute {
  readonly slug: string;
  readonly title: string;
  readonly type: string;
  readonly description: string;
  readonly isUnique?: boolean;
}

/** Attio's REST API under one key; every call is made once, and what became of it is a value. */
export interface Attio {
  readonly identify: () => Promise<Identity>;
  readonly listAttributes: (of: AttributeOwner) => Promise<Listing>;
  readonly createAttribute: (of: AttributeOwner, attribute: NewAttribute) => Promise<Creation>;
  /** Makes the kind of activity that events are written as. */
  readonly createActivityKind: () => Promise<Creation>;
  /** Creates or changes the person with this address; `onSending` is called when the request goes out. */
  readonly assertPerson: (
    email: string,
    values: Readonly<Record<string, string | number>>,
    onSending: () => void,
  ) => Promise<WriteEnd>;
  /** Creates the activity of an event, or leaves the one that is there as it is. */
  readonly assertActivity: (values: Readonly<Record<string, unknown>>, onSending: () => void) => Promise<WriteEnd>;
}

const neededScopes = ['record_permission:read-write', 'object_configuration:read'] as const;

export function createAttio(sender: Sender, apiKey: string): Attio {
  const headers = { ...authorizationOf({ kind: 'bearer', token: apiKey }) };
  const withBody = { ...headers, 'content-type': 'application/json' };
  const send = (method: 'POST' | 'PUT', route: string, data: object, more: Partial<SendRequest> = {}): Promise<Sent> =>
    sender.send({ method, path: route, headers: withBody, body: JSON.stringify({ data }), ...more });
  const assertRecord = async (
    route: string,
    matching: string,
    values: Readonly<Record<string, unknown>>,
    onSending: () => void,
  ): Promise<WriteEnd> =>
    writeEndOf(await send('PUT', route, { values }, { query: { matching_attribute: matching }, onSending }));
  return {
    identify: async () => identityOf(await sender.send({ method: 'GET', path: '/self', headers })),
    listAttributes: async (of) =>
      listingOf(await sender.send({ method: 'GET', path: `${of}/attributes`, query: { limit: 500 }, headers })),
    createAttribute: async (of, { slug, title, type, description, isUnique = false }) =>
      creationOf(
        await send('POST', `${of}/attributes`, {
          title,
          description,
          api_slug: slug,
          type,
          is_required: false,
          is_unique: isUnique,
          is_multiselect: false,
          config: type === 'record-reference' ? { record_reference: { allowed_objects: ['people'] } } : {},
        }),
      ),
    createActivityKind: async () => creationOf(await send('POST', '/activities', activityKind)),
    assertPerson: (email, values, onSending) =>
      assertRecord('/objects/people/records', 'email_addresses', { email_addresses: [email], ...values }, onSending),
    assertActivity: (values, onSending) =>
      assertRecord(`${ofActivities}/records`, matchingAttribute, values, onSending),
  };
}

function writeEndOf(sent: Sent): WriteEnd {
  if (sent.kind === 'circuit-open') return { verdict: null, afterMs: sent.retryAfterMs };
  if (sent.kind === 'answered') return { verdict: classifyAnswer(sent, Date.now()), status: sent.status };
  return { verdict: { kind: 'retry', reason: sent.reason, unknown: true, afterMs: null }, status: null };
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
  if (sent.kind !== 'answered') {
    return {
      kind: 'unknown',
      detail: detailOf(sent),
      afterMs: sent.kind === 'circuit-open' ? sent.retryAfterMs : null,
    };
  }
  const data = objectOf(sent.text)['data'];
  if (sent.status === 200 && Array.isArray(data)) {
    return { kind: 'listed', attributes: (data as readonly unknown[]).map(attributeOf) };
  }
  if (sent.status === 404) return { kind: 'absent', detail: detailOf(sent) };
  const verdict = classifyAnswer(sent, Date.now());
  if (verdict.kind === 'halt') return { kind: 'halt', code: verdict.code, detail: verdict.detail };
  const afterMs = verdict.kind === 'throttled' || verdict.kind === 'retry' ? verdict.afterMs : null;
  return { kind: 'unknown', detail: detailOf(sent), afterMs };
}

function attributeOf(value: unknown): KnownAttribute {
  const read = (name: string): unknown => Reflect.get(Object(value), name);
  return {
    slug: String(read('api_slug')),
    type: String(read('type')),
    isMultiselect: read('is_multiselect') === true,
    isUnique: read('is_unique') === true,
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
