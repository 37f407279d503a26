import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medianOf } from './median.ts';

test('the interval has the ranks of the tables of the binomial distribution', () => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);
  assert.deepEqual(medianOf(upTo(5)), { median: 3, low: -Infinity, high: Infinity });
  assert.deepEqual(medianOf(upTo(6)), { median: 3.5, low: 1, high: 6 });
  assert.deepEqual(medianOf(upTo(10)), { median: 5.5, low: 2, high: 9 });
  assert.deepEqual(medianOf(upTo(20)), { median: 10.5, low: 6, high: 15 });
  assert.deepEqual(medianOf(upTo(40)), { median: 20.5, low: 14, high: 27 });
});

test('the order of the values does not matter', () => {
  assert.deepEqual(medianOf([5, 1, 4, 2, 3, 6]), medianOf([1, 2, 3, 4, 5, 6]));
});
