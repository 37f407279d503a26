import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutRange, smallestWindowMs, splitWindow, widen } from './windows.ts';

const day = 86_400_000;
const time = fc.integer({ min: 0, max: 10_000 * day });

test('a range is cut into windows that touch, do not overlap and have a day or more each', () => {
  fc.assert(
    fc.property(time, time, fc.integer({ min: 1, max: 30 }), (a, b, parts) => {
      const [start, end] = a < b ? [a, b] : [b, a];
      const windows = cutRange(start, end, parts);
      assert.equal(windows[0]?.start, start);
      assert.equal(windows.at(-1)?.end, end);
      for (const [index, window] of windows.entries()) {
        if (index > 0) assert.equal(window.start, (windows[index - 1]?.end ?? NaN) + 1);
        assert.ok(windows.length === 1 || (window.end ?? 0) - (window.start ?? 0) + 1 >= day);
      }
      assert.ok(windows.length <= parts);
    }),
  );
});

test('halving a window again and again ends, and its halves are the whole', () => {
  const bound = fc.option(time, { nil: null });
  fc.assert(
    fc.property(bound, bound, time, fc.integer({ min: 0, max: 3 * day }), fc.boolean(), (a, b, min, span, upper) => {
      let window = a !== null && b !== null && a > b ? { start: b, end: a } : { start: a, end: b };
      const seen = { min, max: min + span };
      for (let depth = 0; ; depth += 1) {
        assert.ok(depth < 100);
        const halves = splitWindow(window, seen);
        if (halves === null) break;
        const [low, high] = halves;
        assert.equal(low.start, window.start);
        assert.equal(high.end, window.end);
        assert.equal(high.start, (low.end ?? NaN) + 1);
        assert.ok(low.start === null || low.start <= (low.end ?? 0));
        assert.ok(high.end === null || (high.start ?? 0) <= high.end);
        window = upper ? high : low;
        if (window.start === null && window.end !== null && window.end < seen.min) break;
        if (window.end === null && window.start !== null && window.start > seen.max) break;
      }
    }),
  );
});

test('a window of a second or less is not cut, nor is one without bounds in which nothing was seen', () => {
  assert.equal(splitWindow({ start: 5, end: 5 + smallestWindowMs }, { min: 5, max: 900 }), null);
  assert.equal(splitWindow({ start: null, end: 1_000_000 }, null), null);
});

test('rows of one second in an open window are set apart from all that may lie before and after', () => {
  const seen = { min: 5_000, max: 5_900 };
  assert.deepEqual(splitWindow({ start: null, end: 9_000 }, seen), [
    { start: null, end: 4_999 },
    { start: 5_000, end: 9_000 },
  ]);
  assert.deepEqual(splitWindow({ start: 5_000, end: 9_000 }, seen), [
    { start: 5_000, end: 5_900 },
    { start: 5_901, end: 9_000 },
  ]);
});

test('times that cannot be read widen nothing', () => {
  assert.equal(widen(null, [null, null]), null);
  assert.deepEqual(widen({ min: 3, max: 4 }, [null, 1, 9]), { min: 1, max: 9 });
});
