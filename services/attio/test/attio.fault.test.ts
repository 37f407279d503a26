import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceProcess } from '@full-sync/testing';
import { waitFor } from '@full-sync/testing';
import { events, expected, heldBySimulator, openBench, openSimulator, outreachOf, sorted } from './harness.ts';
import type { Bench } from './harness.ts';
import { openStub } from './stub-attio.ts';

const copies = 2;
const kills = 4;

test('killed at random, with failures and replies that get lost, the state is exact and each event counted once', async (t) => {
  await using bench = await openBench();
  await using attio = await openSimulator({ writesPerSecond: 50 });
  const { control } = attio;
  const anywhere = { path: '/records', seed: 7 };
  control.fault({ kind: 'status', status: 503, probability: 0.05, ...anywhere });
  control.fault({ kind: 'status', status: 429, probability: 0.05, ...anywhere, seed: 8 });
  // Done, and the reply is lost; done when a killed caller is gone.
  control.fault({ kind: 'loseReply', probability: 0.05, ...anywhere, seed: 9 });
  control.fault({ kind: 'late', ms: 1500, probability: 0.2, ...anywhere, seed: 10 });
  const applied = (): number => attio.counts().applied;
  const all = events(0, 2000, (n) => ({ lead_email: `person${n % 200}@example.com` }));
  const running = new Set<ServiceProcess>();
  const start = async (): Promise<void> =>
    void running.add(await bench.start({ ...attio.env, ATTIO_RATE_LIMIT: '50/1s' }));
  try {
    await Promise.all(Array.from({ length: copies }, start));
    const publishing = publishSlowly(bench, all);
    for (let kill = 0; kill < kills; kill++) {
      const before = applied();
      await waitFor(() => applied() > before + 5, { what: 'writes to be under way', deadlineMs: 60_000 });
      const [oldest] = running;
      if (oldest === undefined) break;
      running.delete(oldest);
      await oldest.kill('SIGKILL');
      await start();
    }
    await publishing;
    await bench.quiet(180_000);
    assert.deepEqual(sorted(outreachOf(attio.people())), sorted(heldBySimulator(all)));
    assert.deepEqual(await bench.counts('job_a'), { sent: 2000, skipped: 0, failed: 0, waiting: 0 });
    const { requests, busiestSecond } = attio.counts();
    t.diagnostic(
      `${kills} kills; ${requests} requests for 200 people, ${applied()} took effect, ${busiestSecond} in a second`,
    );
  } finally {
    await Promise.all([...running].map((service) => service.kill('SIGKILL')));
  }
});

test('a total that takes effect after its caller gave up does not stay', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  let held = false;
  attio.answer = () => {
    if (held) return null;
    held = true;
    return { done: true, afterMs: 13_000 };
  };
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url, ATTIO_RATE_LIMIT: '50/1s' });
  const person = { lead_email: 'ada@example.com' };
  await bench.publish(
    0,
    events(0, 3, () => person),
  );
  await waitFor(() => held, { what: 'the first write', deadlineMs: 60_000 });
  await bench.publish(
    0,
    events(3, 3, () => person),
  );
  await waitFor(() => attio.writes.length >= 2, { what: 'the late write', deadlineMs: 60_000 });
  assert.equal(attio.people.get('ada@example.com')?.['outreach_activities'], 3, 'the old total came last');
  await bench.quiet(60_000);
  assert.deepEqual(attio.people, expected(events(0, 6, () => person)));
  assert.deepEqual(await bench.counts('job_a'), { sent: 6, skipped: 0, failed: 0, waiting: 0 });
  assert.ok(!service.hasExited());
});

/** In pieces, so that there is something to fold while writes are under way. */
async function publishSlowly(bench: Bench, all: ReturnType<typeof events>): Promise<void> {
  for (let first = 0; first < all.length; first += 200) {
    const part = all.slice(first, first + 200);
    for (const partition of [0, 1, 2, 3]) {
      await bench.publish(
        partition,
        part.filter((_, i) => (first + i) % 4 === partition),
      );
    }
    await bench.folded(60_000);
  }
}
