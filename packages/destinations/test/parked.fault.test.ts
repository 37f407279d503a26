import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '@full-sync/testing';
import { openBench } from './harness.ts';
import { mixed, nothingParked, openRefusing, parkedEvents } from './refusing.ts';

test('killed while it delivers what was set aside, again and again, each event is counted once and sent as one payload', async () => {
  await using bench = await openBench();
  const { receiver, state, env } = await openRefusing('bad');
  await using _receiver = receiver;
  const payloads = new Map<string, Set<string>>();
  const { answer } = receiver;
  /** Batches that are answered before nothing is. */
  let answers = Infinity;
  receiver.answer = (batch) => {
    for (const one of batch.batch) payloads.set(one.id, (payloads.get(one.id) ?? new Set()).add(JSON.stringify(one)));
    answers -= 1;
    return answers < 0 ? 'hold' : answer(batch);
  };
  for (let partition = 0; partition < 3; partition += 1)
    await bench.publish(partition, mixed(partition * 5_000, 5_000));
  {
    await using program = await bench.start('post', env);
    await Promise.all([0, 1, 2].map((partition) => bench.passed('post', partition, 5_000, 60_000)));
    await program.kill('SIGKILL');
  }
  assert.equal(await parkedEvents(bench), 7_500);
  state.refuses = false;
  for (let death = 0; death < 3; death += 1) {
    answers = 1;
    await using program = await bench.start('post', env);
    // One batch is taken, and one is under way. The lease of the one before has to run out first.
    await waitFor(() => answers < 0, { deadlineMs: 60_000, what: 'two batches to arrive', intervalMs: 1 });
    await program.kill('SIGKILL');
  }
  answers = Infinity;
  assert.ok((await parkedEvents(bench)) > 0, 'killed before all was delivered');
  await using program = await bench.start('post', env);
  await waitFor(() => nothingParked(bench), { deadlineMs: 90_000, what: 'what was set aside to be delivered' });
  assert.ok(!program.hasExited());
  assert.equal(receiver.accepted.size, 15_000);
  assert.deepEqual([...new Set([...payloads.values()].map((set) => set.size))], [1], 'never two payloads of one event');
  assert.deepEqual(await bench.counts('job_a', 'post'), { sent: 15_000, skipped: 0, failed: 0, waiting: 0 });
});
