import assert from 'node:assert/strict';
import { test } from 'node:test';
import { learnedCount } from './learned-limit.ts';

test('the count of a window as long as ours, or of unknown length, is taken as it is', () => {
  assert.equal(learnedCount({ limit: 50, furthestResetMs: null, spanMs: 60_000 }), 50);
  assert.equal(learnedCount({ limit: 50, furthestResetMs: 59_000, spanMs: 60_000 }), 50);
  assert.equal(learnedCount({ limit: 5, furthestResetMs: 1_100, spanMs: 2_000 }), 5);
});

test('the count of a much shorter window does not bound ours', () => {
  assert.equal(learnedCount({ limit: 10, furthestResetMs: 3_000, spanMs: 60_000 }), 200);
});

test('a clock that is wrong makes no limit lower than the one that was said, and none is below 1', () => {
  assert.equal(learnedCount({ limit: 50, furthestResetMs: 3_600_000, spanMs: 60_000 }), 50);
  assert.equal(learnedCount({ limit: 50, furthestResetMs: -5_000, spanMs: 60_000 }), 50);
  assert.equal(learnedCount({ limit: 0, furthestResetMs: null, spanMs: 60_000 }), 1);
});
