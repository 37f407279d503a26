import type { EventIdentity } from './event-key.ts';

/** The kind of an identity and its parts, as `eventKey` takes them. */
export type FactIdentity = Pick<EventIdentity, 'kind' | 'parts'>;

/** A fact with an id of the source's own; case is kept. */
export function idIdentity(sourceId: string): FactIdentity {
  return { kind: 'id', parts: [sourceId] };
}

/** A reply, which can mark several rows: email and time, cut to whole seconds. */
export function replyIdentity(email: string, timeMs: number): FactIdentity {
  return { kind: 'reply', parts: [email, Math.floor(timeMs / 1000).toString()] };
}

/** A fact that holds once per lead, campaign and type. */
export function leadOnlyIdentity(email: string): FactIdentity {
  return { kind: 'lead', parts: [email] };
}

/** A sent email without an id: email, step and time. */
export function statsIdentity(email: string, sequenceNumber: number, sentTimeMs: number): FactIdentity {
  return { kind: 'stats', parts: [email, sequenceNumber.toString(), sentTimeMs.toString()] };
}

/** An activity without an id: email, else lead id, and time. */
export function emailTimeIdentity(emailOrLeadId: string, timeMs: number): FactIdentity {
  return { kind: 'email-time', parts: [emailOrLeadId, timeMs.toString()] };
}
