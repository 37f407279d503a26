import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cancelBackfill, ensureNamespace, insertBackfill, readBackfill } from '@full-sync/database';
import type { Backfill } from '@full-sync/database';
import { waitFor } from '@full-sync/testing';
import { event, events, idOf, openBench, openReceiver } from './harness.ts';
import type { Bench } from './harness.ts';
import { nothingParked, openRefusing } from './refusing.ts';

test('delivers what is stored and was not delivered, through the same ledger, and nothing twice', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await storeEvents(bench, 300);
  // Ten of them were sent by the topic, one was refused.
  receiver.answer = () => ({ status: 200, refused: [idOf(5)] });
  await using program = await bench.start('post', { POST_URL: receiver.url });
  await bench.publish(0, events(0, 10));
  await bench.passed('post', 0, 10);
  receiver.answer = () => ({ status: 200 });

  const done = await backfill(bench, 'deliver_1', { since: null });
  assert.deepEqual(pick(done), { status: 'done', total: 300, lookedAt: 300, sent: 291, skipped: 9, failed: 0 });
  assert.equal(receiver.accepted.size, 300);
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
  // The same mapping of the same fact: what the topic would have sent.
  const batch = receiver.batches.flatMap((one) => one.batch);
  assert.deepEqual(new Set(batch.map(({ type }) => type)), new Set(['email_sent']));

  const asked = receiver.batches.length;
  const again = await backfill(bench, 'deliver_2', { since: null });
  assert.deepEqual(pick(again), { status: 'done', total: 300, lookedAt: 300, sent: 0, skipped: 300, failed: 0 });
  // What comes by the topic later, too.
  await bench.publish(
    1,
    events(100, 50, () => ({ job_id: 'job_b' })),
  );
  await bench.passed('post', 1, 50);
  assert.equal(receiver.batches.length, asked);
  assert.deepEqual(await bench.counts('job_b', 'post'), { sent: 0, skipped: 50, failed: 0, waiting: 0 });
  assert.ok(!program.hasExited());
});

test('takes only what happened since then, and says so of a namespace without credentials', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await storeEvents(bench, 100);
  await using program = await bench.start('post', { POST_URL: receiver.url });
  const since = new Date(event(60).occurred_at);
  const done = await backfill(bench, 'deliver_1', { since });
  assert.deepEqual(pick(done), { status: 'done', total: 40, lookedAt: 40, sent: 40, skipped: 0, failed: 0 });
  assert.deepEqual(
    [...receiver.accepted.keys()].toSorted(),
    Array.from({ length: 40 }, (_, n) => idOf(60 + n)).toSorted(),
  );
  const refused = await backfill(bench, 'deliver_2', { since: null, namespace: 'nobody' });
  assert.equal(refused.status, 'failed');
  assert.match(JSON.stringify(refused.error), /NO_CREDENTIALS/);
  assert.ok(!program.hasExited());
});

test('killed in the middle, another process goes on, sends the stored payloads and counts each event once (I6)', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await storeEvents(bench, 5_000);
  let batches = 0;
  receiver.answer = () => {
    batches += 1;
    return batches === 2 ? 'hold' : { status: 200 };
  };
  await insertBackfill(bench.db.pool, { backfillId: 'deliver_1', destination: 'post', namespace: 'test', since: null });
  {
    await using program = await bench.start('post', { POST_URL: receiver.url });
    await waitFor(() => batches === 2, { deadlineMs: 60_000, what: 'the second page to be sent' });
    await program.kill('SIGKILL');
  }
  const payload = new Map(receiver.batches[1]?.batch.map((one) => [one.id, one.mapped]));
  // The lease of the dead one is not waited for here.
  await bench.db.pool.query(`update delivery_backfills set lease_until = now()`);
  await using program = await bench.start('post', { POST_URL: receiver.url });
  const done = await ended(bench, 'deliver_1');
  assert.deepEqual(pick(done), { status: 'done', total: 5_000, lookedAt: 5_000, sent: 5_000, skipped: 0, failed: 0 });
  assert.equal(receiver.accepted.size, 5_000);
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
  for (const { id, mapped } of receiver.batches[2]?.batch ?? []) assert.equal(mapped, payload.get(id));
  assert.ok(!program.hasExited());
});

test('an order that is ended in the middle leaves what it had sent as sent: the next one sends the rest', async () => {
  await using bench = await openBench();
  await using receiver = await openReceiver();
  await storeEvents(bench, 3_000);
  receiver.answer = async () => {
    await cancelBackfill(bench.db.pool, 'deliver_1');
    return { status: 200 };
  };
  await using program = await bench.start('post', { POST_URL: receiver.url });
  const cancelled = await backfill(bench, 'deliver_1', { since: null });
  assert.deepEqual([cancelled.status, cancelled.sent], ['cancelled', 0]);
  const states = async (): Promise<readonly { readonly state: string; readonly count: number }[]> => {
    const sql = 'select state, count(*)::int from deliveries group by 1';
    return (await bench.db.pool.query<{ state: string; count: number }>(sql)).rows;
  };
  const isSettled = async (): Promise<boolean> => (await states()).every(({ state }) => state !== 'claimed');
  await waitFor(isSettled, { deadlineMs: 60_000, what: 'what was sent to be settled' });
  assert.deepEqual(await states(), [{ state: 'sent', count: 2_000 }]);

  const rest = await backfill(bench, 'deliver_2', { since: null });
  assert.deepEqual(pick(rest), {
    status: 'done',
    total: 3_000,
    lookedAt: 3_000,
    sent: 1_000,
    skipped: 2_000,
    failed: 0,
  });
  assert.equal(receiver.accepted.size, 3_000);
  assert.deepEqual([...new Set(receiver.accepted.values())], [1]);
  assert.ok(!program.hasExited());
});

test('an order to deliver what is stored, for a target that refuses everything, holds up nobody who reads the topic', async () => {
  await using bench = await openBench();
  const { receiver, state, env } = await openRefusing('test');
  await using _receiver = receiver;
  await storeEvents(bench, 20);
  await using program = await bench.start('post', env);
  await insertBackfill(bench.db.pool, { backfillId: 'order', destination: 'post', namespace: 'test', since: null });
  await waitFor(() => receiver.batches.length > 0, { what: 'the order to be refused' });
  await bench.publish(
    0,
    events(0, 40, (n) => ({ namespace: n < 20 ? 'test' : 'good' })),
  );
  await bench.passed('post', 0, 40);
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 20, skipped: 0, failed: 0, waiting: 20 });
  state.refuses = false;
  await waitFor(() => nothingParked(bench), { deadlineMs: 90_000, what: 'what was set aside to be delivered' });
  const done = await ended(bench, 'order');
  assert.equal(done.status, 'done');
  assert.ok([...receiver.accepted.values()].every((times) => times === 1));
  assert.equal(receiver.accepted.size, 40);
  assert.equal((await bench.counts('job_a', 'post')).waiting, 0);
  assert.ok(!program.hasExited());
});

async function storeEvents(bench: Bench, count: number): Promise<void> {
  await bench.db.transaction(async (client) => {
    for (const namespace of ['nobody', 'test'])
      await ensureNamespace(client, { namespace, platforms: ['smartlead', 'lemlist'] });
  });
  const stored = events(0, count);
  await bench.db.pool.query(
    `insert into event_source (event_id, event_key, namespace, platform, event_type, source_type, campaign_id, campaign_name,
       source_id, lead_email, occurred_at, occurred_at_approximate, properties, fingerprint, job_id)
     select right(e.event_key, 32)::uuid, e.event_key, 'test', 'smartlead', 'email_sent', 'sent', '7', 'wave', e.source_id,
       'lead@example.test', to_timestamp(e.ms / 1000), false, '{}', decode('0102030405060708', 'hex'), 'job_a'
     from unnest($1::text[], $2::text[], $3::float8[]) as e (event_key, source_id, ms)`,
    [
      stored.map(({ event_key }) => event_key),
      stored.map(({ source_id }) => source_id),
      stored.map(({ occurred_at }) => occurred_at),
    ],
  );
}

async function backfill(
  bench: Bench,
  backfillId: string,
  { since, namespace = 'test' }: { readonly since: Date | null; readonly namespace?: string },
): Promise<Backfill> {
  assert.ok(await insertBackfill(bench.db.pool, { backfillId, destination: 'post', namespace, since }));
  return await ended(bench, backfillId);
}

async function ended(bench: Bench, backfillId: string): Promise<Backfill> {
  let found: Backfill | null = null;
  const look = async (): Promise<boolean> => {
    found = await readBackfill(bench.db.pool, backfillId);
    return found?.endedAt !== null;
  };
  await waitFor(look, { deadlineMs: 60_000, what: `${backfillId} to end` });
  if (found === null) throw new Error('the order vanished');
  return found;
}

function pick({ status, total, lookedAt, sent, skipped, failed }: Backfill) {
  return { status, total, lookedAt, sent, skipped, failed };
}
