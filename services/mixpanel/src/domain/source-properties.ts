import { snakeCaseType, stripRecord } from '@full-sync/schemas';
import { cutText } from './cut-text.ts';

export type PropertyValue = string | number | boolean | readonly (string | number | boolean)[];

/** Fewer than 255 are allowed (Mixpanel fact sheet, section 4); Mixpanel adds some of its own. */
const maxProperties = 240;
/** An event may have 1 MB, and a list 8 KB. */
const maxSourceBytes = 256 * 1024;
const maxListBytes = 8 * 1024;
const maxListElements = 254;

/**
 * Names in the source's spelling, by platform, that are not passed on: what stands under a name of ours already, and
 * what changes later (counts, states): an event is sent once, as it was first seen.
 */
const leftOut: Readonly<Record<string, ReadonlySet<string>>> = {
  smartlead: new Set([
    'stats_id',
    'lead_email',
    'lead_id',
    'open_count',
    'click_count',
    'open_time',
    'click_time',
    'reply_time',
    'is_unsubscribed',
    'is_bounced',
    'lead_category',
  ]),
  lemlist: new Set(['_id', 'type', 'createdAt', 'campaignId', 'campaignName', 'name', 'leadId', 'leadEmail', 'email']),
};

/** Names in our spelling. What people are reached or found by besides their address is no business of analytics. */
const personal = /(?:^|_)(?:phone|mobile|ip|ip_address|password)(?:_|$)/;
/** Mixpanel's own, and what it warns of (Mixpanel fact sheet, section 5). */
const reserved = /^(?:mp_.*|bucket|token|length|time|ip|distinct_id|insert_id|user_id)$/;
const renamed: ReadonlyMap<string, string> = new Map([['subject', 'email_subject']]);

/** Names are few hundred, records are millions. */
const nameOf = new Map<string, string | null>();
const maxKnownNames = 4_096;

/**
 * Adds what the source says of an event to its properties, in the source's order: texts, numbers, flags, and lists of
 * them, under names in snake case. No nested objects, no message bodies, nothing that does not fit.
 */
export function addSourceProperties(
  properties: Record<string, PropertyValue>,
  record: Readonly<Record<string, unknown>>,
  platform: string,
): void {
  const skipped = leftOut[platform];
  const clean = stripRecord(record, { storeMessageBodies: false }) as Readonly<Record<string, unknown>>;
  let count = Object.keys(properties).length;
  let bytes = 0;
  for (const [given, value] of Object.entries(clean)) {
    if (skipped?.has(given)) continue;
    const name = propertyNameOf(given);
    if (name === null || Object.hasOwn(properties, name)) continue;
    const fitting = fit(value);
    if (fitting === null) continue;
    bytes += name.length + sizeOf(fitting);
    if (count >= maxProperties || bytes > maxSourceBytes) return;
    properties[name] = fitting;
    count += 1;
  }
}

function propertyNameOf(given: string): string | null {
  const known = nameOf.get(given);
  if (known !== undefined) return known;
  const snake = snakeCaseType(given).slice(0, 200);
  const own = renamed.get(snake) ?? (reserved.test(snake) ? `source_${snake}` : snake);
  const name = snake === '' || personal.test(snake) ? null : own;
  if (nameOf.size >= maxKnownNames) nameOf.clear();
  nameOf.set(given, name);
  return name;
}

/** The value as Mixpanel takes it; null for what is left out. */
function fit(value: unknown): PropertyValue | null {
  if (!Array.isArray(value)) return fitOne(value);
  if (value.length > maxListElements) return null;
  const list = value.map(fitOne);
  if (!list.every((element) => element !== null)) return null;
  return Buffer.byteLength(JSON.stringify(list)) > maxListBytes ? null : list;
}

function fitOne(value: unknown): string | number | boolean | null {
  if (typeof value === 'string') return value.trim() === '' ? null : cutText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  // Beyond what Mixpanel can hold as a number.
  return typeof value === 'bigint' ? value.toString() : null;
}

function sizeOf(value: PropertyValue): number {
  return typeof value === 'string' ? value.length * 3 : typeof value === 'object' ? maxListBytes : 24;
}
