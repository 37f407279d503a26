import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from './wait-for.ts';

test('returns the first truthy thing it sees', async () => {
  let looks = 0;
  const seen = await waitFor(() => (++looks === 3 ? 'there' : null), { what: 'it', intervalMs: 1 });
  assert.equal(seen, 'there');
  assert.equal(looks, 3);
});

test('says what it waited for, how long, and what it saw last', async () => {
  await assert.rejects(
    waitFor(() => 0, { what: 'rows', deadlineMs: 5, intervalMs: 1 }),
    {
      message: 'waited 5 ms for rows; last seen: 0',
    },
  );
});

test('takes an error as "not yet", and gives the last one as the cause', async () => {
  let looks = 0;
  const flaky = (): boolean => {
    if (++looks < 3) throw new Error('refused');
    return true;
  };
  assert.equal(await waitFor(flaky, { what: 'it', intervalMs: 1 }), true);
  const failing = waitFor(() => Promise.reject(new Error('refused')), { what: 'it', deadlineMs: 5, intervalMs: 1 });
  await assert.rejects(failing, (error: Error) => error.cause instanceof Error && error.cause.message === 'refused');
});

test('looks once more at the deadline, even when the first look took longer', async () => {
  const slow = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 20, 'late'));
  assert.equal(await waitFor(slow, { what: 'it', deadlineMs: 1 }), 'late');
});
