import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSightingWindow } from './window.ts';

const one = Buffer.from('0000000000000001', 'hex');
const two = Buffer.from('0000000000000002', 'hex');

test('a key is first, then a duplicate; under another fingerprint it is a collision', () => {
  const window = createSightingWindow(10);
  assert.equal(window.see(0, 'k', one), 'first');
  assert.equal(window.see(0, 'k', one), 'duplicate');
  assert.equal(window.see(0, 'k', two), 'collision');
  assert.equal(window.see(0, 'k', one), 'duplicate', 'the first sighting stays the one compared with');
});

test('each partition has a window of its own, bounded, that forgets what was not seen for longest', () => {
  const window = createSightingWindow(2);
  window.see(0, 'a', one);
  window.see(0, 'b', one);
  window.see(0, 'a', one);
  window.see(0, 'c', one);
  assert.equal(window.see(0, 'a', one), 'duplicate');
  assert.equal(window.see(0, 'b', one), 'first');
  assert.equal(window.see(1, 'a', one), 'first');
  assert.equal(window.size(), 3);
});

test('a cleared window says how much it held and has forgotten it', () => {
  const window = createSightingWindow(10);
  window.see(0, 'a', one);
  window.see(3, 'a', one);
  assert.equal(window.clear(), 2);
  assert.equal(window.size(), 0);
  assert.equal(window.see(0, 'a', one), 'first');
  assert.deepEqual(window.lookups(), { asked: 3, remembered: 0 });
});

test('it counts what it was asked and what it remembered', () => {
  const window = createSightingWindow(10);
  window.see(0, 'a', one);
  window.see(0, 'a', one);
  window.see(0, 'a', two);
  assert.deepEqual(window.lookups(), { asked: 3, remembered: 2 });
});
