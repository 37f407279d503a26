import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OrderedRows } from './ordered-rows.ts';

const change = fc.oneof(
  fc.record({ insertAt: fc.integer({ min: -5, max: 60 }) }),
  fc.record({ removeNth: fc.nat({ max: 100 }) }),
);

test('inserted and removed rows leave an order by time in which every row stands once', () => {
  fc.assert(
    fc.property(fc.nat({ max: 30 }), fc.array(change, { maxLength: 20 }), (count, changes) => {
      const rows = new OrderedRows(count, (ref) => Math.floor(ref / 2) * 4);
      const expected = new Set(Array.from({ length: count }, (_, ref) => ref));
      for (const step of changes) {
        if ('insertAt' in step) {
          expected.add(rows.insert(step.insertAt));
        } else if (rows.length > 0) {
          const ref = rows.refAt(step.removeNth % rows.length);
          rows.remove(ref);
          expected.delete(ref);
        }
      }
      const refs = Array.from({ length: rows.length }, (_, position) => rows.refAt(position));
      assert.deepEqual(new Set(refs), expected);
      assert.equal(refs.length, expected.size);
      const times = refs.map((ref) => rows.timeOf(ref));
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      for (const bound of [-1, 0, 3, 4, 17, 100]) {
        assert.equal(rows.lowerBound(rows, bound), times.filter((time) => time < bound).length);
      }
    }),
  );
});

test('a filtered view holds what passes, and is made anew after a change', () => {
  const rows = new OrderedRows(10, (ref) => ref);
  const even = (ref: number): boolean => ref % 2 === 0;
  assert.equal(rows.filtered('even', even).length, 5);
  rows.insert(3.5);
  rows.remove(4);
  const view = rows.filtered('even', even);
  assert.deepEqual(
    Array.from({ length: view.length }, (_, position) => view.refAt(position)),
    [0, 2, 10, 6, 8],
  );
  assert.equal(rows.lowerBound(view, 3), 2);
});
