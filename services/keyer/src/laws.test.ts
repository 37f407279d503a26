import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionFor } from '@full-sync/schemas';
import type { RawRecord } from '@full-sync/schemas';
import fc from 'fast-check';
import { deriveEvents } from './domain/derive-events.ts';
import { createSightingWindow } from './window.ts';

const anyEmail = fc.constantFrom('a@x.example', ' A@X.example', 'b@x.example', 'İ@x.example', '', null);
const anyTime = fc.constantFrom(null, '2026-03-10T08:41:12.507Z', '2026-03-10 08:41:12', '2027-01-01T00:00:00+0100');
const anyRow = fc.record({
  stats_id: fc.constantFrom('s1', 's2', 's3', null),
  lead_email: anyEmail,
  sequence_number: fc.constantFrom(1, '2', null),
  sent_time: fc.constantFrom('2026-03-10T08:41:12.507Z', '2026-03-11T00:00:00Z'),
  open_time: anyTime,
  click_time: anyTime,
  reply_time: anyTime,
  open_count: fc.constantFrom(0, '3', null),
  click_count: fc.constantFrom(0, 1),
  is_bounced: fc.boolean(),
  is_unsubscribed: fc.boolean(),
});
const anyActivity = fc.record({
  _id: fc.constantFrom('act_1', 'act_2', 'ACT_1', 7, null),
  type: fc.constantFrom('emailsSent', 'emailsOpened', 'brandNew'),
  createdAt: fc.constantFrom('2026-03-10T08:41:12.507Z', '2026-03-11T00:00:00Z'),
  campaignId: fc.constantFrom('cam_1', 'cam_2', null),
  leadEmail: anyEmail,
  leadId: fc.constantFrom('lea_1', null),
});
const anyRaw = fc
  .tuple(fc.oneof(anyRow, anyActivity), fc.constantFrom('default', 'production'), fc.constantFrom('1', '2'))
  .map(([record, namespace, campaign]): RawRecord => ({
    job_id: 'job_1',
    stream_id: 1,
    chunk: 0,
    namespace,
    platform: 'stats_id' in record ? 'smartlead' : 'lemlist',
    source: 'stats_id' in record ? 'statistics' : 'activities',
    campaign_id: 'stats_id' in record ? campaign : null,
    campaign_name: null,
    fetched_at: 0,
    record: JSON.stringify(record),
  }));
const anyLog = fc.array(anyRaw, { maxLength: 40 });

/** What a keyer publishes of a log, in order; windows of any size look on. */
function published(log: readonly RawRecord[], windowKeys = 10): readonly string[] {
  const window = createSightingWindow(windowKeys);
  return log.flatMap((raw, offset) => {
    const derived = deriveEvents({ raw, topicId: 'topic', offset }, { storeMessageBodies: false });
    if (derived.kind === 'reject') return [];
    for (const event of derived.events) window.see(offset % 3, event.event_key, event.fingerprint);
    return derived.events.map((event) => `${event.event_key} ${event.fingerprint.toString('hex')}`);
  });
}

test('the set of keys does not depend on the order of the records', () => {
  const shuffled = anyLog.chain((log) =>
    fc.tuple(fc.constant(log), fc.shuffledSubarray(log, { minLength: log.length, maxLength: log.length })),
  );
  fc.assert(
    fc.property(shuffled, ([log, other]) => {
      assert.deepEqual(new Set(published(other)), new Set(published(log)));
    }),
  );
});

test('reading everything twice gives every event twice and no other', () => {
  fc.assert(
    fc.property(anyLog, (log) => {
      const once = published(log);
      assert.deepEqual(published([...log, ...log]), [...once, ...once]);
    }),
  );
});

test('a restart anywhere repeats what was published, byte for byte', () => {
  const cut = anyLog.chain((log) => fc.tuple(fc.constant(log), fc.nat(log.length), fc.nat(log.length)));
  fc.assert(
    fc.property(cut, ([log, from, to]) => {
      const [committed, reached] = from < to ? [from, to] : [to, from];
      const beforeCrash = published(log.slice(0, reached));
      const afterCrash = published(log.slice(committed));
      assert.deepEqual(
        [...beforeCrash.slice(0, published(log.slice(0, committed)).length), ...afterCrash],
        published(log),
      );
    }),
  );
});

test('the size of the window changes nothing that is published', () => {
  fc.assert(
    fc.property(anyLog, fc.integer({ min: 1, max: 5 }), (log, windowKeys) => {
      assert.deepEqual(published(log, windowKeys), published(log, 1_000));
    }),
  );
});

test('indexes run from 0 to the count, and every event of a record names the same lead', () => {
  fc.assert(
    fc.property(anyRaw, (raw) => {
      const derived = deriveEvents({ raw, topicId: 'topic', offset: 5 }, { storeMessageBodies: false });
      if (derived.kind === 'reject') return;
      assert.ok(derived.events.length >= 1 && derived.events.length <= 6);
      for (const [index, event] of derived.events.entries()) {
        assert.deepEqual([event.source_index, event.source_count], [index, derived.events.length]);
        assert.equal(event.lead_email ?? event.lead_id ?? derived.lead, derived.lead);
      }
      assert.ok(partitionFor(derived.lead, 12) < 12);
    }),
  );
});

test('a record is rejected only for what it lacks, never for its place or its job', () => {
  fc.assert(
    fc.property(anyRaw, fc.nat(), fc.string(), (raw, offset, jobId) => {
      const here = deriveEvents({ raw, topicId: 'topic', offset: 0 }, { storeMessageBodies: false });
      const there = deriveEvents(
        { raw: { ...raw, job_id: jobId }, topicId: 'x', offset },
        { storeMessageBodies: true },
      );
      assert.equal(here.kind, there.kind);
      if (here.kind === 'reject') assert.deepEqual(there, here);
    }),
  );
});
