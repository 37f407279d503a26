import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attributes, valuesOf } from './attributes.ts';
import { emptyState, foldEvents } from './person-state.ts';
import type { PersonEvent, PersonState } from './person-state.ts';
import { higher, statusOf, statuses } from './status.ts';

const types = ['email_sent', 'email_opened', 'email_replied', 'email_bounced', 'linkedin_sent', '__proto__', 'paused'];

/** Few values, so that ties happen. */
const anyEvent: fc.Arbitrary<PersonEvent> = fc.record({
  eventType: fc.constantFrom(...types),
  occurredAt: fc.integer({ min: 1_770_000_000_000, max: 1_770_000_000_005 }),
  campaignId: fc.constantFrom(null, '1', '2', '__proto__'),
  campaignName: fc.constantFrom(null, 'Wave', 'wave', 'Größe'),
});

const all = new Set(attributes.map(({ slug }) => slug));

test('the order of the events, and how they are cut into batches, make no difference', () => {
  const shuffled = fc
    .array(anyEvent, { maxLength: 30 })
    .chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }), fc.nat(30)),
    );
  fc.assert(
    fc.property(shuffled, ([events, other, cut]) => {
      const once = foldEvents(emptyState, events);
      const twice = foldEvents(foldEvents(emptyState, other.slice(0, cut)), other.slice(cut));
      assert.deepEqual(twice, once);
      assert.deepEqual(valuesOf(twice, all), valuesOf(once, all));
    }),
  );
});

test('events that a ledger lets through once give the same state however often and in whatever order they come', () => {
  const deliveries = fc.array(anyEvent, { minLength: 1, maxLength: 15 }).chain((events) =>
    fc.tuple(
      fc.constant(events),
      fc.array(fc.nat(events.length - 1), { maxLength: 40 }).map((more) => [...more, ...events.keys()]),
    ),
  );
  fc.assert(
    fc.property(deliveries, ([events, order]) => {
      const ledger = new Set<number>();
      let state: PersonState = emptyState;
      for (const index of order) {
        const event = events[index];
        if (event === undefined || ledger.has(index)) continue;
        ledger.add(index);
        state = foldEvents(state, [event]);
      }
      assert.deepEqual(state, foldEvents(emptyState, events));
    }),
  );
});

test('a state survives its way through JSON, and no part of it ever goes back', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 10 }), fc.array(anyEvent, { maxLength: 10 }), (a, b) => {
      const before = foldEvents(emptyState, a);
      assert.deepEqual(JSON.parse(JSON.stringify(before)), before);
      const after = foldEvents(before, b);
      for (const [type, count] of Object.entries(before.counts)) assert.ok((after.counts[type] ?? 0) >= count);
      assert.equal(higher(before.status, after.status), after.status);
      assert.ok((after.last?.at ?? 0) >= (before.last?.at ?? 0));
      assert.ok((after.firstAt ?? 0) <= (before.firstAt ?? 0));
    }),
  );
});

test('the rank is the documented one', () => {
  const cases: Readonly<Record<string, string | null>> = {
    email_sent: 'Contacted',
    linkedin_in_mail_sent: 'Contacted',
    linkedin_invite_done: 'Contacted',
    email_external_sent: null,
    email_opened: 'Opened',
    hooked: 'Opened',
    email_clicked: 'Clicked',
    linkedin_invite_accepted: 'Connected',
    email_replied: 'Replied',
    whatsapp_voice_note_replied: 'Replied',
    email_not_interested: 'Not interested',
    not_interested: 'Not interested',
    linkedin_interested: 'Interested',
    interested: 'Interested',
    meeting_booked: 'Meeting booked',
    email_bounced: 'Bounced',
    email_unsubscribed: 'Unsubscribed',
    entity_unsubscribed: 'Unsubscribed',
    paused: null,
    out_of_office: null,
    smsotp: null,
    constructor: null,
  };
  for (const [type, status] of Object.entries(cases)) assert.equal(statusOf(type), status, type);
  assert.deepEqual(
    statuses.toSorted((a, b) => (higher(a, b) === a ? 1 : -1)),
    [...statuses],
  );
  assert.equal(higher(null, 'Opened'), 'Opened');
  assert.equal(higher('Unsubscribed', 'Opened'), 'Unsubscribed');
});

test('what a person is written with', () => {
  const at = Date.UTC(2026, 8, 1, 10);
  const event = (eventType: string, minutes: number, campaignName: string | null = 'Wave 1'): PersonEvent => ({
    eventType,
    occurredAt: at + minutes * 60_000,
    campaignId: campaignName,
    campaignName,
  });
  const state = foldEvents(emptyState, [
    event('email_sent', 0),
    event('email_sent', 60, 'Wave 2'),
    event('email_opened', 5),
    event('linkedin_invite_done', 2, null),
    event('email_replied', 90, 'Wave 2'),
    event('paused', 100, 'Wave 2'),
  ]);
  assert.deepEqual(valuesOf(state, all), {
    outreach_status: 'Replied',
    outreach_last_activity: 'Paused',
    outreach_last_activity_at: '2026-09-01T11:40:00.000Z',
    outreach_first_activity_at: '2026-09-01T10:00:00.000Z',
    outreach_last_contacted_at: '2026-09-01T11:00:00.000Z',
    outreach_last_opened_at: '2026-09-01T10:05:00.000Z',
    outreach_last_replied_at: '2026-09-01T11:30:00.000Z',
    outreach_emails_sent: 2,
    outreach_emails_opened: 1,
    outreach_emails_replied: 1,
    outreach_linkedin_activities: 1,
    outreach_activities: 6,
    outreach_activity_counts: 'Email opened: 1\nEmail replied: 1\nEmail sent: 2\nLinkedin invite done: 1\nPaused: 1',
    outreach_last_campaign: 'Wave 2',
    outreach_campaigns: 'Wave 2\nWave 1',
  });
  assert.deepEqual(valuesOf(state, new Set(['outreach_emails_sent'])), { outreach_emails_sent: 2 });
});

test('a campaign carries its latest name', () => {
  const named = (at: number, campaignName: string): PersonEvent => ({
    eventType: 'email_sent',
    occurredAt: at,
    campaignId: '1',
    campaignName,
  });
  for (const events of [
    [named(1, 'Old'), named(2, 'New')],
    [named(2, 'New'), named(1, 'Old')],
  ]) {
    assert.equal(valuesOf(foldEvents(emptyState, events), all)['outreach_campaigns'], 'New');
  }
});
