import type { FactIdentity, RecordIds } from '@full-sync/schemas';

/** Why a record cannot become events; each is the record's own fault and sends it whole to the dead letters. */
export const rejectCodes = {
  /** The value is not in the registry's wire format, or does not fit its schema. */
  undecodable: 'RECORD_UNDECODABLE',
  /** The envelope names a platform this release does not read, or a namespace that cannot exist. */
  envelope: 'ENVELOPE_INVALID',
  notJson: 'RECORD_NOT_JSON',
  /** Objects and arrays nest deeper than any reader of ours, or Postgres, should follow. */
  tooDeep: 'RECORD_TOO_DEEP',
  notObject: 'RECORD_NOT_OBJECT',
  /** Its events would not fit into the topic; raw records are far smaller, unless writing them anew made them grow. */
  tooLarge: 'RECORD_TOO_LARGE',
  /** A field without which the platform's record says nothing: Lemlist `type`. */
  platformField: 'PLATFORM_FIELD_INVALID',
  timeMissing: 'TIME_MISSING',
  timeUnreadable: 'TIME_UNREADABLE',
  /** What identifies one of the record's events is missing; a key is never made up. */
  identityMissing: 'IDENTITY_MISSING',
} as const;

export type RejectCode = (typeof rejectCodes)[keyof typeof rejectCodes];

export interface Rejection {
  readonly kind: 'reject';
  readonly code: RejectCode;
  /** For people; names fields, never repeats their values (I7). */
  readonly detail: string;
  /** JSON pointer into the record to the first fault; `''` is the record itself, `null` when it is not in the record. */
  readonly pointer: string | null;
}

export function reject(code: RejectCode, detail: string, pointer: string | null): Rejection {
  return { kind: 'reject', code, detail, pointer };
}

/** One event of a record, before its key is made. */
export interface Fact {
  readonly eventType: string;
  readonly sourceType: string;
  readonly identity: FactIdentity;
  /** ms since 1970. */
  readonly occurredAt: number;
  readonly approximate: boolean;
  readonly fingerprint: Buffer;
}

/** What a record says, read by its platform's rules. */
export interface RecordFacts {
  readonly kind: 'facts';
  readonly ids: RecordIds;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  readonly facts: readonly Fact[];
}
