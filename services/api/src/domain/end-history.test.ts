import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEndHistory } from './end-history.ts';

const at = (ms: number) => ({ askedMs: ms, toldMs: ms });

test('a record came between the last look without it and the first one with it', () => {
  const history = createEndHistory();
  history.note('a', 10, at(1_000));
  history.note('a', 10, at(2_000));
  history.note('a', 15, at(3_000));
  history.note('a', 15, at(4_000));
  history.note('a', 20, at(5_000));
  history.note('b', 12, at(5_000));
  assert.deepEqual(history.arrivalOf('a', 9), { afterMs: null, byMs: 1_000 });
  assert.deepEqual(history.arrivalOf('a', 10), { afterMs: 2_000, byMs: 3_000 });
  assert.deepEqual(history.arrivalOf('a', 14), { afterMs: 2_000, byMs: 3_000 });
  assert.deepEqual(history.arrivalOf('a', 15), { afterMs: 4_000, byMs: 5_000 });
  assert.deepEqual(history.arrivalOf('a', 20), { afterMs: 5_000, byMs: null });
  assert.deepEqual(history.arrivalOf('b', 12), { afterMs: 5_000, byMs: null });
  assert.deepEqual(history.arrivalOf('c', 0), { afterMs: null, byMs: null });
});

test('what is forgotten, by its age or because it is told to, is not known', () => {
  const history = createEndHistory();
  for (let look = 0; look < 800; look += 1) history.note('a', look, at(look * 1_000));
  assert.deepEqual(history.arrivalOf('a', 10), { afterMs: null, byMs: 100_000 });
  assert.deepEqual(history.arrivalOf('a', 200), { afterMs: 200_000, byMs: 201_000 });
  history.forget();
  assert.deepEqual(history.arrivalOf('a', 200), { afterMs: null, byMs: null });
});

test('a record that came while a look was under way came after it was begun', () => {
  const history = createEndHistory();
  history.note('a', 10, { askedMs: 1_000, toldMs: 1_400 });
  history.note('a', 11, { askedMs: 5_000, toldMs: 5_300 });
  assert.deepEqual(history.arrivalOf('a', 10), { afterMs: 1_000, byMs: 5_300 });
});

test('looks in quick succession are kept a second apart, and tell as much to a second', () => {
  const history = createEndHistory();
  for (let ms = 0; ms <= 100_000; ms += 100) history.note('a', ms, at(ms));
  for (let ms = 5_000; ms < 100_000; ms += 1_700) {
    const { afterMs, byMs } = history.arrivalOf('a', ms);
    assert.ok(afterMs !== null && byMs !== null && afterMs <= ms && ms <= byMs && byMs - afterMs <= 1_100);
  }
  // Half an hour of it does not push out what is ten minutes old.
  for (let ms = 100_100; ms <= 700_000; ms += 100) history.note('a', ms, at(ms));
  assert.notEqual(history.arrivalOf('a', 101_000).afterMs, null);
});
