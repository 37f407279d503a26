import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Bounds, Budget } from './budget.ts';
import { emptyBudget, giveSlots, noteUses, toleranceMs, travelMs } from './budget.ts';

const anyBounds: fc.Arbitrary<Bounds> = fc.constantFrom<Bounds>(
  [{ count: 25, spanMs: 1000 }],
  [{ count: 1, spanMs: 300 }],
  [
    { count: 3, spanMs: 200 },
    { count: 10, spanMs: 3000 },
  ],
);

function busiest(arrivals: readonly number[], spanMs: number): number {
  const sorted = arrivals.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.map((at, i) => sorted.filter((other, j) => j >= i && other - at < spanMs).length));
}

test('no span ever sees more arrivals than its bound, however late slots are used, told of, or not at all', () => {
  const step = fc.record({
    waitMs: fc.nat(400),
    wanted: fc.nat(12),
    lateMs: fc.array(fc.double({ min: 0, max: toleranceMs, noNaN: true }), { minLength: 12, maxLength: 12 }),
    travels: fc.array(fc.double({ min: 0, max: travelMs, noNaN: true }), { minLength: 12, maxLength: 12 }),
    fates: fc.array(fc.constantFrom('told', 'untold', 'unused'), { minLength: 12, maxLength: 12 }),
  });
  fc.assert(
    fc.property(anyBounds, fc.array(step, { maxLength: 40 }), (bounds, steps) => {
      let budget: Budget = emptyBudget;
      let nowMs = 1_000_000;
      const arrivals: number[] = [];
      let uses: { readonly id: number; readonly sentMs: number | null; readonly knownMs: number }[] = [];
      for (const { waitMs, wanted, lateMs, travels, fates } of steps) {
        nowMs += waitMs;
        const known = uses.filter(({ knownMs }) => knownMs <= nowMs);
        uses = uses.filter(({ knownMs }) => knownMs > nowMs);
        const given = giveSlots(noteUses(budget, known), bounds, { nowMs, wanted, aheadMs: 250 });
        budget = given.budget;
        given.slots.forEach(({ id, atMs }, i) => {
          assert.ok(atMs >= nowMs && atMs <= nowMs + 250);
          const sentMs = atMs + (lateMs[i] ?? 0);
          if (fates[i] !== 'unused') arrivals.push(sentMs + (travels[i] ?? 0));
          if (fates[i] !== 'untold') uses.push({ id, sentMs: fates[i] === 'unused' ? null : sentMs, knownMs: sentMs });
        });
      }
      for (const { count, spanMs } of bounds) assert.ok(busiest(arrivals, spanMs) <= count);
    }),
  );
});

test('with work enough at least 97 % of the bound is used', () => {
  const bounds = [{ count: 25, spanMs: 1000 }];
  let budget: Budget = emptyBudget;
  let sent: { readonly id: number; readonly sentMs: number }[] = [];
  let total = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 150) {
    const known = sent.filter(({ sentMs }) => sentMs <= nowMs);
    sent = sent.filter(({ sentMs }) => sentMs > nowMs);
    const given = giveSlots(noteUses(budget, known), bounds, { nowMs, wanted: 12, aheadMs: 250 });
    budget = given.budget;
    total += given.slots.length;
    sent.push(...given.slots.map(({ id, atMs }) => ({ id, sentMs: atMs + 3 })));
  }
  assert.ok(total >= 60 * 25 * 0.97 && total <= 60 * 25 + 25, String(total));
});

test('without bounds everybody goes at once, and nothing is kept', () => {
  const { budget, slots } = giveSlots(emptyBudget, [], { nowMs: 5, wanted: 3, aheadMs: 0 });
  assert.deepEqual(
    slots.map(({ atMs }) => atMs),
    [5, 5, 5],
  );
  assert.deepEqual(budget.permits, []);
});

test('a void slot is free at once', () => {
  const bounds = [{ count: 1, spanMs: 1000 }];
  const first = giveSlots(emptyBudget, bounds, { nowMs: 5000, wanted: 2, aheadMs: 900 });
  assert.equal(first.slots.length, 1);
  const freed = noteUses(first.budget, [{ id: first.slots[0]?.id ?? 0, sentMs: null }]);
  assert.equal(giveSlots(freed, bounds, { nowMs: 5000, wanted: 1, aheadMs: 900 }).slots[0]?.atMs, 5900);
});
