import { eventKey, isPlatform, leadIdentityOf } from '@full-sync/schemas';
import type { OutreachEvent, RawRecord, StripOptions } from '@full-sync/schemas';
import { reject, rejectCodes } from './facts.ts';
import type { RecordFacts, Rejection } from './facts.ts';
import { factOfActivity } from './lemlist.ts';
import { readRecordText } from './record-text.ts';
import { factsOfRow } from './smartlead.ts';

/** A raw record and where it lies; its partition becomes that of its events. */
export interface SourceRecord {
  readonly raw: RawRecord;
  /** Id of the raw topic (uuid text). */
  readonly topicId: string;
  readonly offset: number;
}

export interface DerivedEvents {
  readonly kind: 'events';
  /** Whom they are about: email, else lead id, else the record's own id. */
  readonly lead: string;
  readonly events: readonly OutreachEvent[];
  /** Characters of the record that became U+FFFD. */
  readonly replacements: number;
}

export type Derivation = DerivedEvents | Rejection;

const namespaceForm = /^[a-z0-9_-]{1,63}$/;

/**
 * The canonical events of one raw record, or why it has none: a pure function of the record, its envelope and its position
 * (I2). The first fault in the order envelope, JSON, object, platform fields, main time, other times, identity is named.
 */
export function deriveEvents({ raw, topicId, offset }: SourceRecord, options: StripOptions): Derivation {
  const { platform, namespace } = raw;
  if (!isPlatform(platform)) return reject(rejectCodes.envelope, 'the envelope names an unknown platform', null);
  if (!namespaceForm.test(namespace))
    return reject(rejectCodes.envelope, 'the envelope names no valid namespace', null);
  const read = readRecordText(raw.record, options);
  if (read.kind === 'reject') return read;
  const found: RecordFacts | Rejection =
    platform === 'smartlead'
      ? factsOfRow(read.record, { id: raw.campaign_id, name: raw.campaign_name })
      : factOfActivity(read.record);
  if (found.kind === 'reject') return found;

  const { ids, campaignId, campaignName, facts } = found;
  const lead = leadIdentityOf(ids);
  if (lead === null) throw new Error('a record with an identity names its lead or itself');
  const events = facts.map(({ eventType, sourceType, identity, occurredAt, approximate, fingerprint }, index) => ({
    event_key: eventKey({ platform, namespace, campaignId, eventType, ...identity }),
    namespace,
    platform,
    event_type: eventType,
    source_type: sourceType,
    campaign_id: campaignId,
    campaign_name: campaignName,
    source_id: identity.kind === 'id' ? ids.sourceId : null,
    lead_email: ids.email,
    lead_id: ids.leadId,
    occurred_at: occurredAt,
    occurred_at_approximate: approximate,
    properties: read.properties,
    fingerprint,
    job_id: raw.job_id,
    source_topic_id: topicId,
    source_offset: offset,
    source_index: index,
    source_count: facts.length,
    fetched_at: raw.fetched_at,
  }));
  return { kind: 'events', lead, events, replacements: read.replacements };
}
