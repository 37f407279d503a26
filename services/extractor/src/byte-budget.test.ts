import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createByteBudget } from './byte-budget.ts';

test('refuses a share for which there is no room, and gives it once another is returned', () => {
  const budget = createByteBudget(100);
  const first = budget.tryReserve(60);
  assert.ok(first);
  assert.equal(budget.tryReserve(60), null);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.equal(budget.held(), 0);
  assert.ok(budget.tryReserve(60));
});

test('a chunk that is alone is never refused, however large', () => {
  const budget = createByteBudget(100);
  const large = budget.tryReserve(1_000);
  assert.ok(large);
  assert.equal(budget.tryReserve(1), null);
});

test('a chunk that turns out larger keeps new ones out', () => {
  const budget = createByteBudget(100);
  const share = budget.tryReserve(10);
  share?.grow(95);
  share?.grow(20);
  assert.equal(budget.held(), 95);
  assert.equal(budget.tryReserve(10), null);
});
