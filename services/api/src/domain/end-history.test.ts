import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEndHistory } from './end-history.ts';

test('a record came between the last look without it and the first one with it', () => {
  const history = createEndHistory();
  history.note('a', 10, 1_000);
  history.note('a', 10, 2_000);
  history.note('a', 15, 3_000);
  history.note('a', 15, 4_000);
  history.note('a', 20, 5_000);
  history.note('b', 12, 5_000);
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
  for (let look = 0; look < 800; look += 1) history.note('a', look, look * 1_000);
  assert.deepEqual(history.arrivalOf('a', 10), { afterMs: null, byMs: 100_000 });
  assert.deepEqual(history.arrivalOf('a', 200), { afterMs: 200_000, byMs: 201_000 });
  history.forget();
  assert.deepEqual(history.arrivalOf('a', 200), { afterMs: null, byMs: null });
});
