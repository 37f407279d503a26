import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEtaErrors } from './eta-errors.ts';

test('an estimate is judged by what was left half-way', () => {
  const errors = createEtaErrors();
  for (let atMs = 0; atMs < 100_000; atMs += 250) errors.note('job', atMs, 60_000);
  const error = errors.ended('job', 0, 100_000);
  assert.equal(error?.direction, 'too_long');
  assert.ok(Math.abs(error.ratio - 0.2) < 0.02, String(error.ratio));
});

test('one that said too little is too short', () => {
  const errors = createEtaErrors();
  errors.note('job', 20_000, 5_000);
  assert.deepEqual(errors.ended('job', 0, 40_000), { ratio: 0.75, direction: 'too_short' });
});

test('a short job, one that nobody watched half-way and one that was forgotten say nothing', () => {
  const errors = createEtaErrors();
  errors.note('short', 4_000, 1_000);
  assert.equal(errors.ended('short', 0, 8_000), null);
  errors.note('unseen', 1_000, 1_000);
  assert.equal(errors.ended('unseen', 0, 100_000), null);
  errors.note('gone', 50_000, 1_000);
  errors.forget('gone');
  assert.equal(errors.ended('gone', 0, 100_000), null);
  assert.equal(errors.ended('never', 0, 100_000), null);
});
