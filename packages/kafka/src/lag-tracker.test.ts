import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLagTracker } from './lag-tracker.ts';

const at = (...offsets: number[]) => new Map(offsets.map((offset, partition) => [partition, offset]));

test('the age is that of the oldest record above the position', () => {
  const lag = createLagTracker();
  lag.sample('t', at(0, 0), 0);
  lag.sample('t', at(10, 0), 1_000);
  lag.sample('t', at(20, 5), 3_000);
  assert.equal(lag.ageMs('t', at(0, 0), 4_000), 3_000);
  assert.equal(lag.ageMs('t', at(9, 5), 4_000), 3_000);
  assert.equal(lag.ageMs('t', at(10, 5), 4_000), 1_000);
  assert.equal(lag.ageMs('t', at(20, 5), 4_000), 0);
  assert.equal(lag.ageMs('other', at(0, 0), 4_000), 0);
});

test('nothing new makes nothing older, and records from before the first sample count from it', () => {
  const lag = createLagTracker();
  lag.sample('t', at(100), 5_000);
  lag.sample('t', at(100), 9_000);
  assert.equal(lag.ageMs('t', at(100), 60_000), 0);
  assert.equal(lag.ageMs('t', at(99), 60_000), 55_000);
});

test('a recreated topic starts anew', () => {
  const lag = createLagTracker();
  lag.sample('t', at(100), 0);
  lag.sample('t', at(3), 10_000);
  assert.equal(lag.ageMs('t', at(0), 12_000), 2_000);
  assert.equal(lag.ageMs('t', at(3), 12_000), 0);
});
