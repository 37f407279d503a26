import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { liesBeyond, samePosition } from './position.ts';
import type { SourcePosition } from './position.ts';

const places = fc.tuple(fc.nat(50), fc.nat(5)) as fc.Arbitrary<SourcePosition>;

test('however a keyer repeats its records, each place is taken once', () => {
  const starts = fc.array(fc.nat(19), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(starts, (restarts) => {
      const taken: number[] = [];
      let last: SourcePosition | undefined;
      // Each restart publishes again from some place it had published to before, up to the end.
      for (const start of [0, ...restarts]) {
        for (let offset = start; offset < 20; offset += 1) {
          if (!liesBeyond(last, offset, 0)) continue;
          taken.push(offset);
          last = [offset, 0];
        }
      }
      assert.deepEqual(taken, [...Array(20).keys()]);
    }),
  );
});

test('of two different places exactly one lies beyond the other', () => {
  fc.assert(
    fc.property(places, places, (a, b) => {
      const same = a[0] === b[0] && a[1] === b[1];
      const [ab, ba] = [liesBeyond(a, b[0], b[1]), liesBeyond(b, a[0], a[1])];
      assert.equal(ab || ba, !same);
      assert.equal(ab && ba, false);
    }),
  );
  assert.equal(liesBeyond(undefined, 0, 0), true);
});

test('positions are the same when all their places are', () => {
  const one = { nextOffset: 3, sources: { a: [1, 0], b: [2, 1] } } as const;
  assert.equal(samePosition(one, { nextOffset: 3, sources: { b: [2, 1], a: [1, 0] } }), true);
  assert.equal(samePosition(one, { ...one, nextOffset: 4 }), false);
  assert.equal(samePosition(one, { nextOffset: 3, sources: { a: [1, 0], b: [2, 2] } }), false);
  assert.equal(samePosition(one, { nextOffset: 3, sources: { a: [1, 0] } }), false);
});
