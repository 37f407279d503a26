import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { deleteRecordsBelow, waitFor } from '@full-sync/testing';
import { event, events, idOf, openBench, openReceiver, readLetters } from './harness.ts';

test('sends each event once, whoever repeats it: Kafka, the keyer or another sync', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.publish(0, events(0, 300));
  // Of another job that did not ask, and one that asked for another destination.
  await bench.publish(0, events(500, 10), { destinations: [] });
  await bench.publish(0, events(600, 10), { destinations: ['mixpanel'] });
  await bench.passed('post', 0, 320);
  assert.equal(receiver.accepted.size, 300);
  const asked = receiver.batches.length;

  // The keyer publishes its last records again; then a second job reads the same facts.
  await bench.publish(0, events(200, 100));
  await bench.publish(
    0,
    events(0, 300, (n) => ({ job_id: 'job_b', source_offset: 10_000 + n })),
  );
  await bench.passed('post', 0, 720);
  assert.equal(receiver.batches.length, asked, 'nothing was sent again');
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 300, skipped: 0, failed: 0, waiting: 0 });
  assert.deepEqual(await bench.counts('job_b', 'post'), { sent: 0, skipped: 300, failed: 0, waiting: 0 });
  const skipped = () => program.metric('full_sync_deliveries_total', 'outcome="skipped"');
  await waitFor(async () => (await skipped()) === 300, { deadlineMs: 60_000, what: 'the counts to be shown' });
  for (const since of ['source', 'published'])
    assert.equal(await program.metric('full_sync_delivery_age_seconds_count', `since="${since}"`), 300, since);
  assert.equal(await program.metric('full_sync_delivery_dropped_records_total', 'reason="replayed"'), 100);
  assert.equal(await program.metric('full_sync_delivery_dropped_records_total', 'reason="not_asked"'), 20);
});

test('keeps when and with which answer, skips what is not for it, and counts namespaces without credentials', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await bench.publish(2, [
    event(0),
    event(1, { event_type: 'unwanted' }),
    event(2, { namespace: 'nobody' }),
    event(3, { namespace: 'other' }),
    // The same fact a second time, as one reply can mark several rows.
    event(0, { source_offset: 4 }),
  ]);
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.passed('post', 2, 5);
  assert.ok(!program.hasExited());
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 2, skipped: 3, failed: 0, waiting: 0 });
  const { rows } = await bench.db.pool.query(
    `select replace(event_id::text, '-', '') as id, state, code, answer_code, settled_at is not null as settled, payload, claim_id
     from deliveries order by record_offset`,
  );
  const rest = { settled: true, payload: null, claim_id: null };
  assert.deepEqual(rows, [
    { id: idOf(0), state: 'sent', code: null, answer_code: 200, ...rest },
    { id: idOf(1), state: 'skipped', code: 'NOT_FOR_US', answer_code: null, ...rest },
    { id: idOf(3), state: 'sent', code: null, answer_code: 200, ...rest },
  ]);
  assert.equal(new Set(receiver.batches.map(({ target }) => target)).size, 2, 'one batch per target');
  const { rows: claims } = await bench.db.pool.query('select from delivery_claims');
  assert.equal(claims.length, 0);
});

test('dead-letters what is refused for its own fault with the reason, delivers the rest, and tries again when told to', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  receiver.answer = () => ({ status: 200, refused: [idOf(42)] });
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.publish(1, events(0, 100));
  await bench.passed('post', 1, 100);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 99, skipped: 0, failed: 1, waiting: 0 });
  const [letter, ...more] = await readLetters(bench);
  assert.equal(more.length, 0);
  assert.deepEqual(
    [letter?.stage, letter?.code, letter?.detail, letter?.pointer, letter?.origin_offset, letter?.job_id],
    ['post', 'REFUSED', 'the test refuses it', '/type', 42, 'job_a'],
  );
  assert.equal(bench.serde.codec(topicNames.events).decode(letter?.record ?? null).event_key, event(42).event_key);

  // A sync that meets it again leaves it; a replay is asked for.
  const asked = receiver.batches.length;
  await bench.publish(1, [event(42, { job_id: 'job_b', source_offset: 1_000 })]);
  await bench.passed('post', 1, 101);
  assert.equal(receiver.batches.length, asked);
  receiver.answer = () => ({ status: 200 });
  await bench.publish(1, [event(42, { job_id: 'job_b', source_offset: 1_001 })], { redrive: true });
  await bench.passed('post', 1, 102);
  assert.equal(receiver.accepted.get(idOf(42)), 1);
  assert.deepEqual(await bench.counts('job_b', 'post'), { sent: 1, skipped: 1, failed: 0, waiting: 0 });
  assert.ok(!program.hasExited());
});

test('drops events that lie beyond the end of their job, and only those', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  const topicId = (await bench.client.offsets.topicIds([topicNames.events])).get(topicNames.events);
  await bench.publish(0, events(0, 10));
  await bench.db.pool.query(
    `update jobs set load_targets = '{"0": 8}', events_topic_id = $1, status = 'completed', completed_at = now() where job_id = 'job_a'`,
    [topicId],
  );
  await bench.publish(4, events(20, 5));
  await bench.publish(
    4,
    events(30, 5, () => ({ job_id: 'never was' })),
  );
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.passed('post', 0, 10);
  await bench.passed('post', 4, 10);
  assert.deepEqual([...receiver.accepted.keys()].toSorted(), [...Array(8).keys()].map(idOf).toSorted());
  assert.equal(await program.metric('full_sync_delivery_dropped_records_total', 'reason="late"'), 12);
});

test('waits out bad credentials: paused and said so, nothing dead-lettered, and goes on by itself', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  receiver.answer = () => ({ status: 401 });
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.publish(0, events(0, 50));
  await waitFor(async () => !(await program.isReady()), { deadlineMs: 60_000, what: 'the process to be not ready' });
  assert.equal(await program.metric('full_sync_delivery_halted'), 1);
  // Waiting is the events that loading has counted and it has not settled.
  await bench.db.pool.query(
    `insert into job_counts (job_id, platform, partition, events_derived) values ('job_a', 'smartlead', 0, 50);
     update jobs set destinations = '{post}' where job_id = 'job_a'`,
  );
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 0, skipped: 0, failed: 0, waiting: 50 });
  receiver.answer = () => ({ status: 200 });
  await bench.passed('post', 0, 50);
  assert.equal(receiver.accepted.size, 50);
  assert.equal(await program.isReady(), true);
  assert.equal(await program.metric('full_sync_delivery_halted'), 0);
  assert.deepEqual(await readLetters(bench), []);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 50, skipped: 0, failed: 0, waiting: 0 });
  const said = program.records().filter(({ msg }) => msg === 'paused until this is mended');
  assert.equal(said.length, 1, 'said once, however often it was probed');
});

test('rides out throttling and failing hosts, heeding what it is asked for', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  const answers = [429, 500, 503, 200, 200];
  const arrivals: number[] = [];
  receiver.answer = () => {
    arrivals.push(performance.now());
    return { status: answers[arrivals.length - 1] ?? 200, retryAfterS: 2 };
  };
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.publish(0, events(0, 20));
  await bench.passed('post', 0, 20);
  assert.ok((arrivals[1] ?? 0) - (arrivals[0] ?? 0) >= 1_900, 'Retry-After was heeded');
  assert.equal(receiver.batches.length, 4);
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
  assert.equal(await program.metric('full_sync_delivery_retries_total', 'reason="status"'), 2);
  assert.equal(await program.metric('full_sync_delivery_retries_total', 'reason="throttled"'), 1);
});

test('begins with what the log still holds, and halts when records are gone that it had not read', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  const truncate = (offset: number) => deleteRecordsBelow(bench.client, topicNames.events, 0, offset);
  await bench.publish(0, events(0, 10));
  await truncate(4);
  {
    await using program = await bench.start('post', { POST_URL: receiver.url });
    await bench.passed('post', 0, 10);
    assert.equal(receiver.accepted.size, 6);
    await program.kill('SIGTERM');
  }
  await bench.publish(0, events(10, 10));
  await truncate(15);
  await using program = await bench.launch('post', { POST_URL: receiver.url });
  const exit = await program.exited;
  assert.notEqual(exit.code, 0);
  assert.match(program.output(), /Offsets 10 to 14 .* are gone before post read them/);
  assert.equal(receiver.accepted.size, 6);
});
