import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DATA_END, DATA_START, WORK_SPAN_MS, isoOf, parseIso, timestampOf, wallTimeOf } from './timeline.ts';

test('times are written as Date writes them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(2999, 11, 31) }), (ms) => {
      assert.equal(isoOf(ms), new Date(ms).toISOString());
      assert.equal(`${timestampOf(ms, ' ')}Z`, new Date(ms).toISOString().replace('T', ' '));
    }),
  );
});

test('working time maps onto weekdays between the bounds, in order', () => {
  fc.assert(
    fc.property(fc.nat({ max: WORK_SPAN_MS }), fc.nat({ max: WORK_SPAN_MS }), (a, b) => {
      const [first, second] = [wallTimeOf(Math.min(a, b)), wallTimeOf(Math.max(a, b))];
      assert.ok(first <= second);
      assert.ok(first >= DATA_START && second < DATA_END);
    }),
  );
});

test('dates are read in all their forms, and impossible ones are not', () => {
  const at = Date.UTC(2026, 2, 10, 8, 41, 12, 507);
  for (const text of [
    '2026-03-10T08:41:12.507Z',
    '2026-03-10 08:41:12.507Z',
    '2026-03-10T08:41:12.507',
    '2026-03-10T10:41:12.507+02:00',
    '2026-03-10T08:41:12.507999+0000',
  ]) {
    assert.equal(parseIso(text), at, text);
  }
  assert.equal(parseIso('2026-03-10'), Date.UTC(2026, 2, 10));
  for (const text of ['', 'yesterday', '2026-02-30', '2026-13-01', '2026-03-10T24:00:00Z', '10.03.2026']) {
    assert.equal(parseIso(text), null, text);
  }
});
