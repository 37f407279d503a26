import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetUse, growthOf } from './delivery-rates.ts';

test('the use of a budget: all of it, half of it, and a slow beginning that the middle does not show', () => {
  const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * ms);
  const full = budgetUse(every(40, 2_501), 25);
  assert.deepEqual([full?.whole, full?.steady, full?.seconds], [1, 1, 100]);
  assert.ok(Math.abs((budgetUse(every(80, 1_251), 25)?.steady ?? 0) - 0.5) < 0.01);
  const late = budgetUse([0, ...every(40, 2_376).map((at) => at + 5_000)], 25);
  assert.ok((late?.whole ?? 1) < 0.96 && (late?.steady ?? 0) > 0.99);
  assert.equal(budgetUse(every(40, 10), 25), null);
});

test('growth is measured from where it begins to where it ends', () => {
  const samples = [0, 0, 0, 500, 1_000, 2_000, 2_000, 2_000].map((count, i) => ({ at: i * 100, count }));
  assert.deepEqual(growthOf(samples), { perSecond: 2_000 / 0.3, seconds: 0.3 });
  assert.equal(growthOf(samples.slice(0, 3)), null);
  assert.equal(growthOf([]), null);
});
