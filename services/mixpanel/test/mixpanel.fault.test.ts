import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceProcess } from '@full-sync/testing';
import { waitFor } from '@full-sync/testing';
import { someEvents } from './an-event.ts';
import { expectedView, openBench, openSimulator, viewOf } from './harness.ts';

const copies = 2;
const kills = 6;
const total = 12_000;
const partitions = 6;

test('killed at random, throttled, failing, with replies that get lost: what is shown is exact, each event counted once', async (t) => {
  await using bench = await openBench();
  await using mixpanel = await openSimulator();
  const { control } = mixpanel;
  const anywhere = { path: '/import', seed: 7 };
  control.fault({ kind: 'status', status: 500, probability: 0.1, ...anywhere });
  control.fault({ kind: 'status', status: 429, retryAfter: 1, probability: 0.1, ...anywhere, seed: 8 });
  control.fault({ kind: 'loseReply', probability: 0.2, ...anywhere, seed: 9 });
  control.fault({ kind: 'late', ms: 1_500, probability: 0.1, ...anywhere, seed: 10 });
  const all = someEvents(0, total, (n) => ({
    event_type: n % 3 === 0 ? 'email_sent' : 'email_opened',
    lead_email: `lead${n % 400}@acme.com`,
  }));
  const running = new Set<ServiceProcess>();
  const start = async (): Promise<void> => void running.add(await bench.start(mixpanel.env));
  try {
    await Promise.all(Array.from({ length: copies }, start));
    const publishing = (async () => {
      for (let first = 0; first < total; first += 600) {
        const part = all.slice(first, first + 600);
        await Promise.all(
          Array.from({ length: partitions }, (_, partition) =>
            bench.publish(
              partition,
              part.filter(({ source_offset: n }) => n % partitions === partition),
            ),
          ),
        );
        const half = Math.min(mixpanel.counts().accepted + 200, Math.floor(first / 2));
        await waitFor(() => mixpanel.counts().accepted >= half, { deadlineMs: 90_000, what: 'half of it to arrive' });
      }
    })();
    for (let kill = 0; kill < kills; kill += 1) {
      const before = mixpanel.counts().accepted;
      const goesOn = (): boolean => mixpanel.counts().accepted > before || before >= total;
      await waitFor(goesOn, { what: 'events to be under way', deadlineMs: 60_000, intervalMs: 1 });
      const [oldest] = running;
      if (oldest === undefined) break;
      running.delete(oldest);
      await oldest.kill('SIGKILL');
      await start();
    }
    await publishing;
    await bench.settled(180_000);
    assert.deepEqual(viewOf(mixpanel.query()), expectedView(all));
    assert.deepEqual(await bench.counts('job_a'), { sent: total, skipped: 0, failed: 0, waiting: 0 });
    // Copies are of one tuple: a compaction, which looks at the day alone, leaves the same.
    assert.equal(mixpanel.compact().length, total);
    const { accepted, visible, requests, profiles } = mixpanel.counts();
    assert.ok(accepted > visible, 'no reply was lost');
    assert.equal(profiles, 400);
    t.diagnostic(`${kills} kills; ${accepted} stored in ${requests} requests, ${visible} shown`);
  } finally {
    await Promise.all([...running].map((service) => service.kill('SIGKILL')));
  }
});
