import { createHash } from 'node:crypto';
import type { OutreachEvent } from '@full-sync/schemas';

/** The 32 hex digits at the end of the n-th event's key. */
export function idOf(n: number): string {
  return createHash('sha256').update(`fact ${n}`).digest('hex').slice(0, 32);
}

/** The n-th event of a made-up source: record n gives one event, at source offset n. */
export function anEvent(n: number, over: Partial<OutreachEvent> = {}): OutreachEvent {
  return {
    event_key: `smartlead_7_emailsent_s${n}_${idOf(n)}`,
    namespace: 'test',
    platform: 'smartlead',
    event_type: 'email_sent',
    source_type: 'sent',
    campaign_id: '7',
    campaign_name: 'Größe – "wave" 2',
    source_id: `s${n}`,
    lead_email: `lead${n % 50}@acme.com`,
    lead_id: null,
    occurred_at: 1_772_000_000_123 + n,
    occurred_at_approximate: false,
    properties: JSON.stringify({ stats_id: `s${n}`, lead_name: `Lead ${n % 50}`, email_subject: 'Closing the books' }),
    fingerprint: createHash('sha256').update(`fingerprint ${n}`).digest().subarray(0, 8),
    job_id: 'job_a',
    source_topic_id: '11111111-2222-3333-4444-555555555555',
    source_offset: n,
    source_index: 0,
    source_count: 1,
    fetched_at: 1_772_000_100_000,
    ...over,
  };
}

export function someEvents(
  from: number,
  count: number,
  over: (n: number) => Partial<OutreachEvent> = () => ({}),
): readonly OutreachEvent[] {
  return Array.from({ length: count }, (_, index) => anEvent(from + index, over(from + index)));
}
