import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitForSlot } from './slot-timer.ts';

const never = new AbortController().signal;
const open = (): boolean => false;

test('a permit is used at its slot, and not before', async () => {
  const earliestMs = performance.now() + 30;
  assert.equal(await waitForSlot({ earliestMs, latestMs: earliestMs + 1_000 }, open, never), true);
  assert.ok(performance.now() >= earliestMs);
});

test('a permit whose time has passed is not used', async () => {
  const earliestMs = performance.now() - 200;
  assert.equal(await waitForSlot({ earliestMs, latestMs: earliestMs + 100 }, open, never), false);
});

test('a drain ends the waiting', async () => {
  const stopping = new AbortController();
  const waiting = waitForSlot({ earliestMs: performance.now() + 60_000, latestMs: Infinity }, open, stopping.signal);
  stopping.abort();
  assert.equal(await waiting, false);
});

test('a permit given out before a refusal is not used after it', async () => {
  let refused = false;
  const earliestMs = performance.now() + 30;
  const waiting = waitForSlot({ earliestMs, latestMs: earliestMs + 1_000 }, () => refused, never);
  refused = true;
  assert.equal(await waiting, false);
});
