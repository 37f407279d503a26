import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRateLimit } from './rate-limit.ts';

test('reads the documented forms', () => {
  assert.deepEqual(parseRateLimit('60/60s'), [{ count: 60, spanMs: 60_000 }]);
  assert.deepEqual(parseRateLimit('60/60s, 1000/3600s'), [
    { count: 60, spanMs: 60_000 },
    { count: 1000, spanMs: 3_600_000 },
  ]);
  assert.deepEqual(parseRateLimit('20/0.5s'), [{ count: 20, spanMs: 500 }]);
  assert.equal(parseRateLimit(' OFF '), 'off');
});

test('refuses everything else', () => {
  for (const text of [
    '',
    'abc',
    '60',
    '60/60',
    '60/60m',
    '0/60s',
    '60/0s',
    '-1/2s',
    '1/2s,',
    ',',
    '1/2s;3/4s',
    '1/2s,off',
  ]) {
    assert.throws(() => parseRateLimit(text), RangeError, text);
  }
});

test('reads back every bound it could have been given', () => {
  const bounds = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 999_999 }), spanMs: fc.integer({ min: 1, max: 604_800_000 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  fc.assert(
    fc.property(bounds, (limits) => {
      const text = limits.map(({ count, spanMs }) => `${count}/${spanMs / 1000}s`).join(',');
      assert.equal(JSON.stringify(parseRateLimit(text)), JSON.stringify(limits));
    }),
  );
});
