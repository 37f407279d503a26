import type { AttributeType } from './attributes.ts';
import { readable } from './attributes.ts';

/** The kind of activity that events are written as; its slug is for ever, and begins with the name of this system. */
export const activityKind = {
  api_slug: 'full_sync_outreach',
  singular_noun: 'Outreach activity',
  plural_noun: 'Outreach activities',
  extends: 'activities',
} as const;

export interface ActivityAttribute {
  readonly slug: string;
  readonly title: string;
  readonly type: AttributeType | 'record-reference';
  readonly description: string;
  readonly isUnique: boolean;
}

/** What an activity is matched by: an event written twice is one activity. */
export const matchingAttribute = 'event_id';

export const activityAttributes: readonly ActivityAttribute[] = [
  { slug: matchingAttribute, title: 'Event id', type: 'text', description: 'The hash of the event.', isUnique: true },
  { slug: 'event_type', title: 'Event type', type: 'text', description: 'What happened.', isUnique: false },
  { slug: 'happened_at', title: 'Happened at', type: 'timestamp', description: 'When it happened.', isUnique: false },
  { slug: 'platform', title: 'Platform', type: 'text', description: 'Where it happened.', isUnique: false },
  { slug: 'campaign', title: 'Campaign', type: 'text', description: 'The name of its campaign.', isUnique: false },
  { slug: 'person', title: 'Person', type: 'record-reference', description: 'Whom it is about.', isUnique: false },
];

export interface ActivityEvent {
  readonly eventId: string;
  readonly eventType: string;
  /** Ms since 1970. */
  readonly occurredAt: number;
  readonly platform: string;
  readonly campaignName: string | null;
}

/** The values of an event as an activity, without its person: the same for ever (I2). */
export function activityValuesOf(event: ActivityEvent): Readonly<Record<string, string>> {
  return {
    [matchingAttribute]: event.eventId,
    event_type: readable(event.eventType),
    happened_at: new Date(event.occurredAt).toISOString(),
    platform: event.platform,
    ...(event.campaignName === null ? {} : { campaign: event.campaignName }),
  };
}

/** The reference to the person that an activity belongs to. */
export function personReference(recordId: string): readonly [object] {
  return [{ target_object: 'people', target_record_id: recordId }];
}
