import type { OutreachEvent } from '@full-sync/schemas';
import { maxTextBytes } from './cut-text.ts';

/** What no person may be called, in any case (Mixpanel fact sheet, section 5). */
const disallowed: ReadonlySet<string> = new Set([
  '00000000-0000-0000-0000-000000000000',
  'anon',
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '<nil>',
  '0',
  '-1',
  'true',
  'false',
  '[]',
  '{}',
  'lmy47d',
]);

/**
 * Who an event is of: the lead's email, else the platform's id of the lead; whichever of them Mixpanel refuses, or would
 * cut, is passed over. Without one the empty id, which means no person; never one that several leads would share.
 */
export function distinctIdOf({
  lead_email: email,
  lead_id: id,
}: Pick<OutreachEvent, 'lead_email' | 'lead_id'>): string {
  return [email, id].find((candidate) => candidate !== null && mayBeId(candidate)) ?? '';
}

function mayBeId(text: string): boolean {
  return text.trim() !== '' && !disallowed.has(text.trim().toLowerCase()) && Buffer.byteLength(text) <= maxTextBytes;
}
