import { parseJson } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import { cutText } from './cut-text.ts';
import { distinctIdOf } from './distinct-id.ts';
import { eventNameOf } from './event-name.ts';
import { addSourceProperties } from './source-properties.ts';
import type { PropertyValue } from './source-properties.ts';

/** One element of the body of `/import`. */
export interface ImportEvent {
  readonly event: string;
  readonly properties: Readonly<Record<string, PropertyValue>> & {
    readonly time: number;
    readonly distinct_id: string;
    readonly $insert_id: string;
  };
}

export type Mapped =
  | { readonly kind: 'send'; readonly payload: ImportEvent }
  | { readonly kind: 'reject'; readonly code: string; readonly detail: string; readonly pointer: string };

/**
 * The version of this mapping, sent with every event. Another name, time, person or id of an event would be another event
 * to Mixpanel: such a change is a new version, and nothing is replayed across versions (docs/mixpanel.md).
 */
const mappingVersion = 1;

const insertIdDigits = 32;
const firstTimeMs = Date.UTC(1971, 0, 1);
/** Mixpanel tells seconds from milliseconds by their size: these are seconds to it, until 1973. */
const millisecondsFrom = 100_000_000_000;

/**
 * What an event becomes in Mixpanel: the same for ever (I2, I3), since name, person, `time` and `$insert_id` are what
 * Mixpanel tells repeats by (Mixpanel fact sheet, section 8). An event from before 1971 cannot be sent.
 */
export function toImportEvent(event: OutreachEvent): Mapped {
  const { occurred_at: occurredAt } = event;
  if (occurredAt < firstTimeMs) {
    return refuse('MIXPANEL_TIME_TOO_OLD', 'Mixpanel takes no events from before 1971-01-01', '/occurred_at');
  }
  const record = recordOf(event.properties);
  if (record === null) return refuse('MIXPANEL_PROPERTIES_UNREADABLE', 'properties is no JSON object', '/properties');
  const distinctId = distinctIdOf(event);
  const properties: Record<string, PropertyValue> & ImportEvent['properties'] = {
    time: occurredAt < millisecondsFrom ? occurredAt / 1000 : occurredAt,
    distinct_id: distinctId,
    $insert_id: event.event_key.slice(-insertIdDigits),
    // Nobody is where this process runs (Mixpanel fact sheet, section 5).
    ip: 0,
    event_key: event.event_key,
    mapping_version: mappingVersion,
    platform: event.platform,
    namespace: event.namespace,
    event_type: cutText(event.event_type),
    source_type: cutText(event.source_type),
    time_is_approximate: event.occurred_at_approximate,
  };
  if (distinctId !== '') properties['$user_id'] = distinctId;
  addText(properties, 'campaign_id', event.campaign_id);
  addText(properties, 'campaign_name', event.campaign_name);
  addText(properties, 'source_id', event.source_id);
  addText(properties, 'lead_email', event.lead_email);
  addText(properties, 'lead_id', event.lead_id);
  addSourceProperties(properties, record, event.platform);
  return { kind: 'send', payload: { event: eventNameOf(event.event_type), properties } };
}

/** When an event happened, epoch ms. */
export function timeMsOf({ properties: { time } }: ImportEvent): number {
  return time < millisecondsFrom ? Math.round(time * 1000) : time;
}

function refuse(code: string, detail: string, pointer: string): Mapped {
  return { kind: 'reject', code, detail, pointer };
}

function addText(properties: Record<string, PropertyValue>, name: string, text: string | null): void {
  if (text !== null && text !== '') properties[name] = cutText(text);
}

function recordOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const record = parseJson(text);
    const isObject = typeof record === 'object' && record !== null && !Array.isArray(record);
    return isObject ? (record as Readonly<Record<string, unknown>>) : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}
