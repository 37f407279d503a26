import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Bounds, Budget, SlotUse } from './budget.ts';
import { emptyBudget, giveSlots, margin, marginOf, noteUses, raiseMargin, toleranceMs } from './budget.ts';

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
    travels: fc.array(fc.double({ min: 0, max: margin.leastMs, noNaN: true }), { minLength: 12, maxLength: 12 }),
    works: fc.array(fc.nat(300), { minLength: 12, maxLength: 12 }),
    fates: fc.array(fc.constantFrom('told', 'untold', 'unused'), { minLength: 12, maxLength: 12 }),
  });
  fc.assert(
    fc.property(anyBounds, fc.array(step, { maxLength: 40 }), (bounds, steps) => {
      let budget: Budget = emptyBudget;
      let nowMs = 1_000_000;
      const arrivals: number[] = [];
      let uses: (SlotUse & { readonly knownMs: number })[] = [];
      for (const { waitMs, wanted, lateMs, travels, works, fates } of steps) {
        nowMs += waitMs;
        const known = uses.filter(({ knownMs }) => knownMs <= nowMs);
        uses = uses.filter(({ knownMs }) => knownMs > nowMs);
        const given = giveSlots(noteUses(budget, known, nowMs), bounds, { nowMs, wanted, aheadMs: 250 });
        budget = given.budget;
        given.slots.forEach(({ id, atMs }, i) => {
          assert.ok(atMs >= nowMs && atMs <= nowMs + 250);
          const sentMs = atMs + (lateMs[i] ?? 0);
          const travel = travels[i] ?? 0;
          const delayMs = travel + (works[i] ?? 0);
          if (fates[i] !== 'unused') arrivals.push(sentMs + travel);
          if (fates[i] === 'told') uses.push({ id, sentMs, delayMs, knownMs: sentMs + delayMs });
          if (fates[i] === 'unused') uses.push({ id, sentMs: null, delayMs: null, knownMs: sentMs });
        });
      }
      for (const { count, spanMs } of bounds) assert.ok(busiest(arrivals, spanMs) <= count);
    }),
  );
});

test('with work enough at least 97 % of the bound is used', () => {
  const bounds = [{ count: 25, spanMs: 1000 }];
  let budget: Budget = emptyBudget;
  let sent: { readonly id: number; readonly sentMs: number; readonly delayMs: number }[] = [];
  let total = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += 150) {
    const known = sent.filter(({ sentMs }) => sentMs <= nowMs);
    sent = sent.filter(({ sentMs }) => sentMs > nowMs);
    const given = giveSlots(noteUses(budget, known, nowMs), bounds, { nowMs, wanted: 12, aheadMs: 250 });
    budget = given.budget;
    total += given.slots.length;
    sent.push(...given.slots.map(({ id, atMs }) => ({ id, sentMs: atMs + 3, delayMs: id % 20 })));
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
  const freed = noteUses(first.budget, [{ id: first.slots[0]?.id ?? 0, sentMs: null, delayMs: null }], 5000);
  assert.equal(giveSlots(freed, bounds, { nowMs: 5000, wanted: 1, aheadMs: 900 }).slots[0]?.atMs, 5900);
});

test('a refusal doubles the margin, several of one moment once, and time halves it', () => {
  const raised = raiseMargin(emptyBudget, 100_000);
  assert.equal(marginOf(raised, 100_000), 2 * margin.leastMs);
  assert.equal(raiseMargin(raised, 100_400), raised);
  const again = raiseMargin(raised, 101_000);
  assert.ok(marginOf(again, 101_000) > 3.9 * margin.leastMs);
  assert.ok(marginOf(again, 101_000 + margin.halvedAfterMs) < 2 * margin.leastMs);
  assert.equal(marginOf(again, 1_000_000), margin.leastMs);
  let most = again;
  for (let nowMs = 102_000; nowMs < 120_000; nowMs += 1000) most = raiseMargin(most, nowMs);
  assert.equal(marginOf(most, 119_000), margin.mostMs);
});

test('a place whose answer was late is free later, by no more than the margin', () => {
  const bounds = [{ count: 1, spanMs: 1000 }];
  const first = giveSlots(emptyBudget, bounds, { nowMs: 5000, wanted: 1, aheadMs: 0 });
  const freeAfter = (delayMs: number | null): number => {
    const noted = noteUses(first.budget, [{ id: first.slots[0]?.id ?? 0, sentMs: 5000, delayMs }], 5100);
    return (giveSlots(noted, bounds, { nowMs: 5100, wanted: 1, aheadMs: 2000 }).slots[0]?.atMs ?? 0) - 6000;
  };
  assert.ok(freeAfter(0) < freeAfter(20));
  assert.ok(freeAfter(20) < freeAfter(90));
  assert.equal(freeAfter(90), freeAfter(5000));
  assert.equal(freeAfter(null), freeAfter(5000));
});
