import assert from 'node:assert/strict';
import { test } from 'node:test';
import { event, events, expected, openBench } from './harness.ts';
import { openStub } from './stub-attio.ts';

test('1,000 events of 50 people cost about 50 writes, each with absolute totals, and count as sent', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  const all = events(0, 1000);
  for (const partition of [0, 1, 2, 3]) {
    await bench.publish(
      partition,
      all.filter((_, i) => (i % 50) % 4 === partition),
    );
  }
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url });
  await bench.quiet();
  assert.ok(!service.hasExited());
  assert.deepEqual(new Map([...attio.people].toSorted()), new Map([...expected(all)].toSorted()));
  assert.ok(attio.writes.length >= 50 && attio.writes.length <= 60, `${attio.writes.length} writes`);
  assert.equal(attio.mostPerPerson(), 1);
  assert.deepEqual(await bench.counts('job_a'), { sent: 1000, skipped: 0, failed: 0, waiting: 0 });
});

test('what was delivered is not delivered again; events without address are skipped with a code', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url, ATTIO_RATE_LIMIT: 'off' });
  const first = [
    ...events(0, 20),
    event(20, { lead_email: null, lead_id: 'l' }),
    event(21, { lead_email: 'no address' }),
    // One key twice in one batch.
    event(5, { source_offset: 22 }),
  ];
  await bench.publish(0, first);
  await bench.quiet();
  assert.deepEqual(await bench.counts('job_a'), { sent: 20, skipped: 3, failed: 0, waiting: 0 });
  const before = attio.writes.length;
  // A re-sync: the same facts from another job, one of them under another partition, and one fact more.
  await bench.publish(
    0,
    events(0, 10, (n) => ({ job_id: 'job_b', source_offset: 100 + n })),
  );
  await bench.publish(
    1,
    events(10, 11, (n) => ({ job_id: 'job_b', source_offset: 100 + n })).filter((_, i) => i < 10),
  );
  await bench.publish(2, [event(300, { job_id: 'job_b' })], { destinations: ['mixpanel'] });
  await bench.publish(3, [event(301, { job_id: 'job_b' })]);
  await bench.quiet();
  assert.deepEqual(await bench.counts('job_b'), { sent: 1, skipped: 20, failed: 0, waiting: 0 });
  assert.equal(attio.writes.length, before + 1);
  assert.deepEqual(
    new Map([...attio.people].toSorted()),
    new Map([...expected([...events(0, 20), event(301)])].toSorted()),
  );
  const { rows } = await bench.db.pool.query(
    'select code, count(*)::int from deliveries where state = $1 group by 1 order by 1',
    ['skipped'],
  );
  assert.deepEqual(rows, [
    { code: 'ATTIO_NO_EMAIL', count: 1 },
    { code: 'ATTIO_UNUSABLE_EMAIL', count: 1 },
  ]);
  assert.ok(!service.hasExited());
});
