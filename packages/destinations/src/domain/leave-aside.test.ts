import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaveAside } from './leave-aside.ts';
import { addUp } from './tally.ts';
import type { WantedEvent } from './wanted-event.ts';

function wanted(n: number, namespace: string, jobId: string): WantedEvent {
  const event = {
    event_key: `key_${n}`,
    namespace,
    platform: 'smartlead',
    event_type: 'email_sent',
    source_type: 'sent',
    campaign_id: null,
    campaign_name: null,
    source_id: `${n}`,
    lead_email: null,
    lead_id: null,
    occurred_at: 0,
    occurred_at_approximate: false,
    properties: '{}',
    fingerprint: Buffer.alloc(8),
    job_id: jobId,
    source_topic_id: '',
    source_offset: n,
    source_index: 0,
    source_count: 1,
    fetched_at: 0,
  };
  return { event, eventId: `${n}`, offset: n, publishedAtMs: 0, value: Buffer.alloc(0), redrive: false };
}

test('events of parked namespaces are set aside in their order, and are open for their jobs', () => {
  const all = [wanted(0, 'a', 'x'), wanted(1, 'b', 'x'), wanted(2, 'b', 'y'), wanted(3, 'a', 'y'), wanted(4, 'b', 'x')];
  const { now, parked, counts } = leaveAside(all, new Set(['b', 'c']));
  assert.deepEqual(
    [now.map(({ offset }) => offset), parked.map(({ offset }) => offset)],
    [
      [0, 3],
      [1, 2, 4],
    ],
  );
  const none = { sent: 0, skipped: 0, failed: 0 };
  assert.deepEqual(counts, [
    { jobId: 'x', ...none, open: 2 },
    { jobId: 'y', ...none, open: 1 },
  ]);
  assert.deepEqual(leaveAside(all, new Set()), { now: all, parked: [], counts: [] });
});

test('counts of one job are added up, so that a statement meets each job once', () => {
  const sent = { jobId: 'x', sent: 2, skipped: 1, failed: 0, open: 0 };
  const open = { jobId: 'x', sent: 0, skipped: 0, failed: 0, open: 3 };
  const other = { jobId: 'y', sent: 1, skipped: 0, failed: 4, open: 0 };
  assert.deepEqual(addUp([sent, other, open]), [{ jobId: 'x', sent: 2, skipped: 1, failed: 0, open: 3 }, other]);
});
