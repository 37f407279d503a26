import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countPerSpan, judgeRate, mostInAnySpan, utilisationOf } from './arrivals.ts';

const limit = { count: 3, spanMs: 1_000 };

test('a span counts both of its ends, and looks everywhere', () => {
  assert.equal(mostInAnySpan([], 1_000), 0);
  assert.equal(mostInAnySpan([5], 1_000), 1);
  assert.equal(mostInAnySpan([0, 1_000], 1_000), 2);
  assert.equal(mostInAnySpan([0, 1_000.5], 1_000), 1);
  // Aligned seconds hold two each; the span between them holds four.
  assert.equal(mostInAnySpan([0, 800, 900, 1_100, 1_200, 2_900], 1_000), 4);
});

test('the busiest span is what counting around every arrival finds', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 })), fc.integer({ min: 0, max: 1_000 }), (times, spanMs) => {
      const around = times.map((from) => times.filter((time) => time >= from && time <= from + spanMs).length);
      assert.equal(mostInAnySpan(times, spanMs), Math.max(0, ...around));
    }),
  );
});

test('spans follow each other from the given moment; what lies outside counts for none', () => {
  const times = [-1, 0, 999, 1_000, 2_500, 2_999, 3_000];
  assert.deepEqual(countPerSpan(times, { fromMs: 0, spanMs: 1_000, spans: 3 }), [2, 1, 2]);
});

test('utilisation is the share over all spans, with the emptiest and the fullest beside it', () => {
  assert.deepEqual(utilisationOf([3, 2, 3, 3], limit), { spans: 4, share: 11 / 12, fewest: 2, most: 3 });
});

test('a limit kept and used has no problem', () => {
  const utilisation = { spans: 10, share: 0.95, fewest: 2, most: 3 };
  assert.deepEqual(judgeRate({ platform: 'lemlist', limit, utilisation, mostInAnySpan: 3, refused: 0 }), []);
});

test('an exceeded limit, refusals and an unused budget are named', () => {
  const utilisation = { spans: 10, share: 0.949, fewest: 2, most: 3 };
  assert.deepEqual(judgeRate({ platform: 'lemlist', limit, utilisation, mostInAnySpan: 4, refused: 2 }), [
    'lemlist: 4 requests in 1 s, and 3 are allowed',
    'lemlist: 2 requests were refused (429)',
    'lemlist: only 94.9 % of the limit was used over 10 spans',
  ]);
  const nothing = utilisationOf([], limit);
  assert.match(
    judgeRate({ platform: 'lemlist', limit, utilisation: nothing, mostInAnySpan: 0, refused: 0 }).join(),
    /NaN/,
  );
});
