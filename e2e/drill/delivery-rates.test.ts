import assert from 'node:assert/strict';
import { test } from 'node:test';
import { budgetUse, growthOf } from './delivery-rates.ts';
import type { ArrivedWrite } from './delivery-rates.ts';

test('the use of a budget in steady state: all of it, half of it, what came before and what was refused', () => {
  const every = (ms: number, count: number): ArrivedWrite[] =>
    Array.from({ length: count }, (_, i) => ({ at: i * ms, accepted: true }));
  assert.deepEqual(budgetUse(every(40, 2_501), 25, 0), { share: 1, throttled: 0, seconds: 90 });
  assert.deepEqual(budgetUse(every(80, 1_251), 25, 0), { share: 0.5, throttled: 0, seconds: 90 });
  const busy = [0, 1, 2].map((at) => ({ at, accepted: false }));
  const late = every(40, 2_501).map(({ at }) => ({ at: at + 5_000, accepted: true }));
  assert.deepEqual(budgetUse([...busy, ...late], 25, 4_000), { share: 1, throttled: 0, seconds: 90 });
  const refused = late.map((write, i) => ({ ...write, accepted: i !== 1_000 }));
  assert.equal(budgetUse(refused, 25, 0)?.throttled, 1);
  assert.equal(budgetUse(every(40, 200), 25, 0), null);
});

test('growth is measured from where it begins to where it ends', () => {
  const samples = [0, 0, 0, 500, 1_000, 2_000, 2_000, 2_000].map((count, i) => ({ at: i * 100, count }));
  assert.deepEqual(growthOf(samples), { perSecond: 2_000 / 0.3, seconds: 0.3 });
  assert.equal(growthOf(samples.slice(0, 3)), null);
  assert.equal(growthOf([]), null);
});
