import {
  emailTimeIdentity,
  idIdentity,
  leadOnlyIdentity,
  readEmail,
  readId,
  readTime,
  replyIdentity,
  snakeCaseType,
  statsIdentity,
} from '@full-sync/schemas';
import type { EventIdentity, FactIdentity, IdentityKind, Platform } from '@full-sync/schemas';

/** The body of `POST /api/event-keys/generate`, of the right types. */
export interface KeyRequest {
  readonly platform: Platform;
  readonly eventType: string;
  readonly namespace?: string;
  /** Ids are texts or integers, as the sources send them. */
  readonly campaignId?: string | number;
  readonly activityId?: string | number;
  readonly leadId?: string | number;
  readonly email?: string;
  readonly timestamp?: string;
  readonly sequenceNumber?: number;
  readonly kind?: IdentityKind;
}

interface Fault {
  readonly pointer: string;
  readonly message: string;
}

/** The fact that a request speaks of, read by the rules that the keyer reads records by. */
export interface AskedFact {
  readonly identity: EventIdentity;
  /** What a stored fact under the same key is compared with; null = nothing was said of it. */
  readonly email: string | null;
  /** ms since 1970. */
  readonly timeMs: number | null;
}

export type KeyReading =
  { readonly ok: true; readonly fact: AskedFact } | { readonly ok: false; readonly faults: readonly Fault[] };

type ReadIdentity = FactIdentity | readonly Fault[];

interface Readings {
  readonly activityId: string | null;
  readonly email: string | null;
  readonly leadId: string | null;
  readonly timeMs: number | null;
  readonly sequenceNumber: number | null;
}

/**
 * The identity that a request asks the key of (docs/events.md, The key). Without `kind` it is `id` with an `activityId`,
 * else `email-time`. Every fault is named by its JSON pointer.
 */
export function readKeyRequest(request: KeyRequest): KeyReading {
  const faults: Fault[] = [];
  const eventType = snakeCaseType(request.eventType);
  if (eventType === '') faults.push({ pointer: '/eventType', message: 'has no letter and no digit' });
  const time = readTime(request.timestamp);
  if (time === 'unreadable') faults.push({ pointer: '/timestamp', message: 'cannot be read as a time' });
  const readings: Readings = {
    activityId: readId(request.activityId),
    email: readEmail(request.email),
    leadId: readId(request.leadId),
    timeMs: typeof time === 'number' ? time : null,
    sequenceNumber: request.sequenceNumber ?? null,
  };
  const kind = request.kind ?? (readings.activityId === null ? 'email-time' : 'id');
  const identity = identityOf(kind, readings, request.kind !== undefined);
  if (!('kind' in identity)) {
    const known = new Set(faults.map(({ pointer }) => pointer));
    faults.push(...identity.filter(({ pointer }) => !known.has(pointer)));
  }
  if (faults.length > 0 || !('kind' in identity)) return { ok: false, faults };
  const named = {
    platform: request.platform,
    namespace: request.namespace ?? 'default',
    campaignId: readId(request.campaignId),
    eventType,
  };
  return {
    ok: true,
    fact: { identity: { ...named, ...identity }, email: readings.email, timeMs: readings.timeMs },
  };
}

function identityOf(kind: IdentityKind, readings: Readings, asked: boolean): ReadIdentity {
  const { activityId, email, leadId, timeMs, sequenceNumber } = readings;
  const lead = email ?? leadId;
  const missing = (...fields: readonly (string | null)[]): readonly Fault[] =>
    fields.flatMap((field) => {
      if (field === null) return [];
      const message = asked ? `is required by the kind "${kind}"` : 'is required without an activityId';
      return [{ pointer: `/${field}`, message }];
    });
  switch (kind) {
    case 'id':
      return activityId === null ? missing('activityId') : idIdentity(activityId);
    case 'lead':
      return email === null ? missing('email') : leadOnlyIdentity(email);
    case 'reply':
      if (email === null || timeMs === null)
        return missing(email === null ? 'email' : null, timeMs === null ? 'timestamp' : null);
      return replyIdentity(email, timeMs);
    case 'stats':
      if (email === null || sequenceNumber === null || timeMs === null)
        return missing(
          email === null ? 'email' : null,
          sequenceNumber === null ? 'sequenceNumber' : null,
          timeMs === null ? 'timestamp' : null,
        );
      return statsIdentity(email, sequenceNumber, timeMs);
    case 'email-time':
      if (lead === null || timeMs === null)
        return missing(lead === null ? 'email' : null, timeMs === null ? 'timestamp' : null);
      return emailTimeIdentity(lead, timeMs);
  }
}

/** A stored fact, as far as it can be another one under the same key. */
export interface StoredFact {
  readonly leadEmail: string | null;
  /** ms since 1970. */
  readonly occurredAtMs: number;
  /** `sent_time` of the record, where it has one: opens and clicks of a sent email are known by it, too. */
  readonly sentTime: string | null;
}

/**
 * Whether the fact that has the key is another one than the one asked about: another email, or another time. Only an id
 * can be used for two facts: the other kinds have email and time in the key itself.
 */
export function isAnotherFact(stored: StoredFact, { identity, email, timeMs }: AskedFact): boolean {
  if (identity.kind !== 'id') return false;
  if (email !== null && stored.leadEmail !== null && email !== stored.leadEmail) return true;
  return timeMs !== null && timeMs !== stored.occurredAtMs && timeMs !== readTime(stored.sentTime);
}
