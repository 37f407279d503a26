import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figureLines } from './figures.ts';

test('figures come one a line, with their places, and columns aligned', () => {
  const tree = { pool: { max: 10, rows: 1_234_567 }, rate: 0.123456, paused: null, accounts: [{ account: 'a' }] };
  assert.deepEqual(figureLines(tree).split('\n'), [
    'pool.max            10',
    'pool.rows           1,234,567',
    'rate                0.1235',
    'paused              -',
    'accounts.0.account  a',
  ]);
});
