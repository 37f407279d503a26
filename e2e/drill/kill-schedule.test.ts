import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, planKills, summariseRecoveries } from './kill-schedule.ts';
import { createRandom } from './random.ts';

const counts = new Map([
  ['extractor', 20],
  ['loader', 3],
]);

test('the same seed plans the same kills, another seed others', () => {
  assert.deepEqual(planKills(counts, createRandom(7)), planKills(counts, createRandom(7)));
  assert.notDeepEqual(planKills(counts, createRandom(7)), planKills(counts, createRandom(8)));
});

test('every target gets its number of kills, one in each equal part of the rows, in order', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }), (seed, a, b) => {
      const plan = planKills(
        new Map([
          ['a', a],
          ['b', b],
        ]),
        createRandom(seed),
      );
      assert.deepEqual(
        plan.map(({ share }) => share),
        plan.map(({ share }) => share).toSorted((x, y) => x - y),
      );
      for (const [target, count] of [
        ['a', a],
        ['b', b],
      ] as const) {
        const parts = plan.filter((kill) => kill.target === target).map(({ share }) => ((share - 0.01) / 0.95) * count);
        assert.deepEqual(
          parts.map((part) => Math.floor(part + 1e-9)),
          Array.from({ length: count }, (_, index) => index),
        );
      }
    }),
  );
});

test('drawn numbers lie in [0, 1) and fill it', () => {
  const random = createRandom(1);
  const drawn = Array.from({ length: 10_000 }, random);
  assert.ok(drawn.every((value) => value >= 0 && value < 1));
  const tenths = Array.from({ length: 10 }, (_, tenth) => drawn.filter((v) => Math.floor(v * 10) === tenth).length);
  assert.ok(
    tenths.every((count) => count > 850 && count < 1150),
    String(tenths),
  );
});

test('the median is the middle value, or the mean of the middle two', () => {
  assert.equal(median([]), null);
  assert.equal(median([5]), 5);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 9]), 3);
});

test('recoveries are summed up per target; what was not seen counts as a kill and for no median', () => {
  const rows = summariseRecoveries([
    { target: 'loader', share: 0.4, readyMs: 10_000, movedMs: 10_500 },
    { target: 'keyer', share: 0.1, readyMs: 9_000, movedMs: 9_100 },
    { target: 'loader', share: 0.2, readyMs: 12_000, movedMs: null },
  ]);
  assert.deepEqual(rows, [
    {
      target: 'loader',
      kills: 2,
      from: 0.2,
      to: 0.4,
      medianReadyMs: 11_000,
      medianMovedMs: 10_500,
      longestMovedMs: 10_500,
    },
    {
      target: 'keyer',
      kills: 1,
      from: 0.1,
      to: 0.1,
      medianReadyMs: 9_000,
      medianMovedMs: 9_100,
      longestMovedMs: 9_100,
    },
  ]);
});
