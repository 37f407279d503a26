import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteNamespace } from '@full-sync/database';
import { waitFor } from '@full-sync/testing';
import { event, events, idOf, openBench, readLetters } from './harness.ts';
import type { Receiver } from './harness.ts';
import { mixed, nothingParked, openRefusing, parkedEvents, targetOf } from './refusing.ts';

/** The ids that a target was sent, in the order in which they came. */
function sentTo(receiver: Receiver, namespace: string): readonly string[] {
  const target = targetOf(receiver, namespace);
  return receiver.batches.filter((batch) => batch.target === target).flatMap(({ batch }) => batch.map(({ id }) => id));
}

test('a target that refuses everything holds up no other; what is set aside is delivered in order once it takes events', async () => {
  await using bench = await openBench();
  const { receiver, state, env } = await openRefusing('bad');
  await using _receiver = receiver;
  await using program = await bench.start('post', env);
  await bench.publish(0, mixed(0, 600));
  await bench.publish(
    5,
    events(2_000, 100, () => ({ namespace: 'good' })),
  );
  await bench.passed('post', 0, 600);
  await bench.passed('post', 5, 100);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 400, skipped: 0, failed: 0, waiting: 300 });
  assert.equal(await parkedEvents(bench), 300);
  assert.equal(await program.metric('full_sync_delivery_halted'), 1);
  await waitFor(async () => (await program.metric('full_sync_delivery_parked_events')) === 300, { what: 'the gauge' });
  assert.equal(await program.isReady(), false);

  // What comes later goes behind what is set aside; the same events of another sync are not taken twice.
  await bench.publish(0, mixed(600, 100));
  await bench.publish(
    0,
    mixed(0, 100).map((one) => ({ ...one, job_id: 'job_b', source_offset: one.source_offset + 10_000 })),
  );
  await bench.passed('post', 0, 800);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 450, skipped: 0, failed: 0, waiting: 350 });
  assert.equal(await program.metric('full_sync_delivery_dropped_records_total', 'reason="late"'), 0);

  const refused = receiver.batches.length;
  state.refuses = false;
  await waitFor(() => nothingParked(bench), { deadlineMs: 60_000, what: 'what was set aside to be delivered' });
  const expected = mixed(0, 700).filter(({ namespace }) => namespace === 'bad');
  const late = receiver.batches.slice(refused).filter(({ target }) => target === targetOf(receiver, 'bad'));
  assert.deepEqual(
    late.flatMap(({ batch }) => batch.map(({ id }) => id)),
    expected.map(({ event_key: key }) => key.slice(-32)),
  );
  assert.ok([...receiver.accepted.values()].every((times) => times === 1));
  assert.equal(receiver.accepted.size, 800);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 800, skipped: 0, failed: 0, waiting: 0 });
  assert.deepEqual(await bench.counts('job_b', 'post'), { sent: 0, skipped: 100, failed: 0, waiting: 0 });
  await waitFor(() => program.isReady(), { what: 'the process to be ready' });
  assert.equal(await program.metric('full_sync_delivery_halted'), 0);

  // And directly from then on.
  await bench.publish(0, [event(5_000, { namespace: 'bad', source_offset: 20_000 })]);
  await bench.passed('post', 0, 801);
  assert.equal(receiver.accepted.get(idOf(5_000)), 1);
  assert.equal(await parkedEvents(bench), 0);
  assert.ok(!program.hasExited());
});

test('what is set aside outlives the process: another one delivers it, buries what is refused, skips what goes nowhere now', async () => {
  await using bench = await openBench();
  const { receiver, state, env } = await openRefusing('bad');
  await using _receiver = receiver;
  const all = events(0, 90, (n) => ({ namespace: ['good', 'bad', 'gone'][n % 3] ?? '' }));
  receiver.answer = ({ target }) => ({ status: target === targetOf(receiver, 'good') ? 200 : 401 });
  {
    await using program = await bench.start('post', env);
    await bench.publish(3, all);
    await bench.passed('post', 3, 90);
    await program.kill('SIGKILL');
  }
  assert.equal(await parkedEvents(bench), 60);
  state.refuses = false;
  receiver.answer = () => ({ status: 200, refused: [idOf(31)] });
  await using program = await bench.start('post', { ...env, POST_WITHOUT: 'gone', POST_SEVERAL_TARGETS: 'false' });
  await waitFor(() => nothingParked(bench), { deadlineMs: 60_000, what: 'what was set aside to be delivered' });
  assert.ok(!program.hasExited());
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 59, skipped: 30, failed: 1, waiting: 0 });
  assert.deepEqual(
    sentTo(receiver, 'bad').slice(-30),
    all.filter(({ namespace }) => namespace === 'bad').map(({ event_key: key }) => key.slice(-32)),
  );
  const [letter, ...more] = await readLetters(bench);
  assert.deepEqual([letter?.code, letter?.origin_offset, letter?.origin_partition, more.length], ['REFUSED', 31, 3, 0]);
});

test('all of a partition may go to targets that refuse everything', async () => {
  await using bench = await openBench();
  const { receiver, state, env } = await openRefusing('bad');
  await using _receiver = receiver;
  await using program = await bench.start('post', env);
  await bench.publish(
    1,
    events(0, 50, () => ({ namespace: 'bad' })),
  );
  await bench.passed('post', 1, 50);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 0, skipped: 0, failed: 0, waiting: 50 });
  state.refuses = false;
  await waitFor(() => nothingParked(bench), { deadlineMs: 60_000, what: 'what was set aside to be delivered' });
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 50, skipped: 0, failed: 0, waiting: 0 });
  assert.ok(!program.hasExited());
});

test('deleting a namespace drops what is set aside of it', async () => {
  await using bench = await openBench();
  const { receiver, env } = await openRefusing('bad');
  await using _receiver = receiver;
  await bench.db.pool.query(`insert into namespaces (namespace) values ('bad')`);
  await using program = await bench.start('post', env);
  await bench.publish(0, mixed(0, 200));
  await bench.passed('post', 0, 200);
  assert.equal((await deleteNamespace(bench.db, 'bad')).kind, 'deleted');
  assert.equal(await parkedEvents(bench), 0);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 100, skipped: 100, failed: 0, waiting: 0 });
  await waitFor(() => nothingParked(bench), { deadlineMs: 90_000, what: 'the parking to end' });
  assert.ok(!program.hasExited());
});

test('two copies: whoever delivers what was set aside, both are ready again, and each event is sent once', async () => {
  await using bench = await openBench();
  const { receiver, state, env } = await openRefusing('bad');
  await using _receiver = receiver;
  await using one = await bench.start('post', env);
  await using two = await bench.start('post', env);
  const partitions = [...Array(12).keys()];
  for (const partition of partitions) await bench.publish(partition, mixed(partition * 100, 100));
  for (const partition of partitions) await bench.passed('post', partition, 100);
  const isHalted = async ({ metric }: typeof one): Promise<boolean> =>
    (await metric('full_sync_delivery_halted')) === 1;
  await waitFor(async () => (await isHalted(one)) && (await isHalted(two)), { what: 'both to have met the refusal' });
  assert.equal(await parkedEvents(bench), 600);
  state.refuses = false;
  await waitFor(() => nothingParked(bench), { deadlineMs: 90_000, what: 'what was set aside to be delivered' });
  await waitFor(async () => (await one.isReady()) && (await two.isReady()), { what: 'both to be ready' });
  assert.deepEqual([await isHalted(one), await isHalted(two)], [false, false]);
  assert.equal(receiver.accepted.size, 1_200);
  assert.ok([...receiver.accepted.values()].every((times) => times === 1));
  for (const partition of partitions) {
    const ids = mixed(partition * 100, 100).map(({ event_key: key }) => key.slice(-32));
    const ofLane = new Set(ids.filter((_id, n) => n % 2 === 1));
    const sent = sentTo(receiver, 'bad').filter((id) => ofLane.has(id));
    assert.deepEqual(sent.slice(-50), [...ofLane], `the order of partition ${partition}`);
  }
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 1_200, skipped: 0, failed: 0, waiting: 0 });
});
