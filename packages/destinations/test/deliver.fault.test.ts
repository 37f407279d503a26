import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { waitFor } from '@full-sync/testing';
import { events, event, idOf, openBench, openReceiver } from './harness.ts';
import type { Answer, ReceivedBatch } from './harness.ts';

test('killed between sending and settling, the next one sends the stored payload again, and counts it once (I3, I6)', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await bench.publish(0, events(0, 200));
  // Applied, but the answer never comes.
  receiver.answer = () => 'hold';
  {
    await using program = await bench.start('post', { POST_URL: receiver.url });
    await waitFor(() => receiver.batches.length === 1, { deadlineMs: 60_000, what: 'the batch to arrive' });
    await program.kill('SIGKILL');
  }
  const { rows } = await bench.db.pool.query(
    `select count(*)::int as claimed, count(payload)::int as payloads from deliveries where state = 'claimed'`,
  );
  assert.deepEqual(rows, [{ claimed: 200, payloads: 200 }]);
  receiver.answer = () => ({ status: 200 });
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.passed('post', 0, 200);
  assert.ok(!program.hasExited());
  const [first, again] = receiver.batches;
  assert.equal(receiver.batches.length, 2);
  // Mapped by the first process: the payload is the stored one, to the byte.
  assert.deepEqual(again, first);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 200, skipped: 0, failed: 0, waiting: 0 });
});

test('two consumers that meet the same keys on two partitions send one thing', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await using one = await bench.start('post', { POST_URL: receiver.url });
  await using two = await bench.start('post', { POST_URL: receiver.url });
  await waitFor(async () => (await membersOf(bench)) === 2, { deadlineMs: 60_000, what: 'both to be members' });
  // Answers are held back until the other one waits for what is being sent.
  const waits = async (): Promise<boolean> => {
    const waited = ['full_sync_delivery_waiting_seconds_total', 'reason="claimed_elsewhere"'] as const;
    return (await one.metric(...waited)) + (await two.metric(...waited)) > 0;
  };
  const held = waitFor(waits, { deadlineMs: 60_000, what: 'one to wait for the other' });
  receiver.answer = async (): Promise<Answer> => {
    await held;
    return { status: 200 };
  };
  // All partitions, so that both have some, whoever was given which.
  const partitions = [...Array(12).keys()];
  await Promise.all(
    partitions.map((partition) =>
      bench.publish(
        partition,
        events(0, 100, (n) => ({ source_offset: n, source_topic_id: '22222222-2222-3333-4444-555555555555' })),
      ),
    ),
  );
  await Promise.all(partitions.map((partition) => bench.passed('post', partition, 100, 60_000)));
  assert.equal(receiver.accepted.size, 100);
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 100, skipped: 1_100, failed: 0, waiting: 0 });
});

test('takes over what a dead consumer of another partition had claimed, and sends what it had stored', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  const target = createHash('sha256').update(`${receiver.url} test`).digest('hex');
  const stored = { id: idOf(3), type: 'email_sent', mapped: 'by the dead one' };
  await bench.db.pool.query(
    `with target as (insert into delivery_targets (destination, target_hash) values ('post', $1) returning target_id),
       claim as (insert into delivery_claims (destination, owner, expires_at) values ('post', 'dead', now() + interval '1 hour') returning claim_id)
     insert into deliveries (target_id, event_id, state, job_id, partition, record_offset, claim_id, payload)
     select target_id, $2, 'claimed', 'job_b', 9, 77, claim_id, $3 from target, claim`,
    [target, idOf(3), JSON.stringify(stored)],
  );
  await bench.publish(0, events(0, 6));
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await waitFor(() => receiver.batches.length > 0, { deadlineMs: 60_000, what: 'the others to arrive' });
  // The claim of the dead one runs out.
  await bench.db.pool.query(`update delivery_claims set expires_at = now() where owner = 'dead'`);
  await bench.passed('post', 0, 6);
  assert.ok(!program.hasExited());
  const sent = receiver.batches.map(({ batch }) => batch.map(({ id }) => id));
  assert.deepEqual(sent, [[0, 1, 2, 4, 5].map(idOf), [idOf(3)]], 'the others did not wait for it');
  assert.deepEqual(receiver.batches[1]?.batch, [stored]);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 6, skipped: 0, failed: 0, waiting: 0 });
});

test('drains mid-batch on SIGTERM: what is under way is settled, and nothing is sent twice (I6)', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  receiver.answer = async () => {
    arrived.resolve();
    await release.promise;
    return { status: 200 };
  };
  {
    await using program = await bench.start('post', { POST_URL: receiver.url });
    await bench.publish(0, events(0, 100));
    await arrived.promise;
    program.signal('SIGTERM');
    await waitFor(() => /draining/.test(program.output()), { deadlineMs: 60_000, what: 'the drain to begin' });
    release.resolve();
    assert.deepEqual(await program.exited, { code: 0, signal: null });
  }
  await bench.publish(0, events(100, 10));
  await using next = await bench.start('post', { POST_URL: receiver.url });
  await bench.passed('post', 0, 110);
  assert.ok(!next.hasExited());
  assert.equal(receiver.accepted.size, 110);
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 110, skipped: 0, failed: 0, waiting: 0 });
});

test('a drain does not wait for credentials, and gives back what it had claimed', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  receiver.answer = () => ({ status: 401 });
  {
    await using program = await bench.start('post', { POST_URL: receiver.url });
    await bench.publish(0, events(0, 100));
    await waitFor(() => receiver.batches.length > 0, { deadlineMs: 60_000, what: 'a batch to be refused' });
    // A drain that came to its deadline would end with another code.
    assert.deepEqual(await program.kill('SIGTERM'), { code: 0, signal: null });
  }
  const { rows } = await bench.db.pool.query('select from delivery_claims');
  assert.equal(rows.length, 0);
  receiver.answer = () => ({ status: 200 });
  await using next = await bench.start('post', { POST_URL: receiver.url });
  await bench.passed('post', 0, 100);
  assert.ok(!next.hasExited());
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
});

test('killed again and again at any instant, each event is counted once and sent as one payload', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  const payloads = new Map<string, Set<string>>();
  receiver.answer = (batch: ReceivedBatch) => {
    for (const one of batch.batch) {
      const known = payloads.get(one.id) ?? new Set();
      payloads.set(one.id, known.add(JSON.stringify(one)));
    }
    return { status: 200 };
  };
  const total = 6_000;
  for (let partition = 0; partition < 3; partition += 1)
    await bench.publish(
      partition,
      events(partition * 2_000, 2_000, () => ({})),
    );
  for (let death = 0; death < 5; death += 1) {
    await using program = await bench.start('post', { POST_URL: receiver.url });
    const seen = receiver.batches.length;
    const until = () => receiver.batches.length > seen || program.hasExited();
    await waitFor(until, { deadlineMs: 60_000, what: 'a batch to arrive', intervalMs: 1 });
    await program.kill('SIGKILL');
  }
  await bench.publish(0, [event(9_999)]);
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await Promise.all([2_001, 2_000, 2_000].map((next, partition) => bench.passed('post', partition, next, 60_000)));
  assert.equal(await program.metric('full_sync_delivery_halted'), 0);
  assert.equal(receiver.accepted.size, total + 1);
  assert.deepEqual([...new Set([...payloads.values()].map((set) => set.size))], [1], 'never two payloads of one event');
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: total + 1, skipped: 0, failed: 0, waiting: 0 });
});

async function membersOf(bench: Awaited<ReturnType<typeof openBench>>): Promise<number> {
  const { groups } = await bench.client.admin.describeGroups([bench.client.named('post')]);
  const [group] = groups;
  return group?.state === 'Stable' ? group.members.length : 0;
}
