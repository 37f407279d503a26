import type { Platform } from './platforms.ts';
import { readEmail, readId } from './readings.ts';

/** Whom a record is about, and the record's own id. */
export interface RecordIds {
  readonly email: string | null;
  /** Lemlist: `leadId`, else `contactId`. */
  readonly leadId: string | null;
  readonly sourceId: string | null;
}

/** Reads the ids of a Smartlead statistics row or a Lemlist activity. */
export function readIds(platform: Platform, record: Readonly<Record<string, unknown>>): RecordIds {
  switch (platform) {
    case 'smartlead':
      return {
        email: readEmail(record['lead_email']),
        leadId: readId(record['lead_id']),
        sourceId: readId(record['stats_id']),
      };
    case 'lemlist':
      return {
        email: readEmail(record['leadEmail']),
        leadId: readId(record['leadId']) ?? readId(record['contactId']),
        sourceId: readId(record['_id']),
      };
  }
}

/** The text that keys and places a record: its lead's email, else lead id, else the record's own id. */
export function leadIdentityOf(ids: RecordIds): string | null {
  return ids.email ?? ids.leadId ?? ids.sourceId;
}

/**
 * As `leadIdentityOf`, from the record itself; `null` when it holds none of them or is no object, and then its bytes
 * place it (`partitionFor`).
 */
export function leadIdentity(platform: Platform, record: unknown): string | null {
  return isRecord(record) ? leadIdentityOf(readIds(platform, record)) : null;
}

/** True for a JSON object, and not for an array or `null`. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
