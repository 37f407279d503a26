import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSameKeys, compareKeys } from './compare.ts';

test('finds what is missing, what is too much and what is there twice', () => {
  assert.deepEqual(compareKeys(['a', 'b', 'c'], ['c', 'd', 'c', 'a']), {
    missing: ['b'],
    unexpected: ['d'],
    repeated: ['c'],
  });
});

test('holds equal what holds the same keys in another order', () => {
  assert.doesNotThrow(() => assertSameKeys(['a', 'b'], new Set(['b', 'a'])));
});

test('counts the differences and shows ten of them', () => {
  const expected = Array.from({ length: 12 }, (_, index) => `key-${10 + index}`);
  assert.throws(() => assertSameKeys(expected, ['x', 'x']), {
    message:
      'the keys differ: 12 missing: key-10, key-11, key-12, key-13, key-14, key-15, key-16, key-17, key-18, key-19 and 2 more; ' +
      '1 unexpected: x; 1 repeated: x',
  });
});
