import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationText, estimateDuration } from './estimate.ts';

test('before the first run only the limits can be told', () => {
  const limits = [
    { platform: 'smartlead', limit: [{ count: 60, spanMs: 60_000 }] },
    { platform: 'lemlist', limit: null },
  ];
  assert.equal(
    estimateDuration({ lastRun: null, limits }),
    'unknown until the campaigns are listed; smartlead at most 60000 records a minute, lemlist without a request limit',
  );
});

test('the last run of the same kind is the best guess', () => {
  const lastRun = { durationMs: 45 * 60_000, records: 1_234 };
  assert.match(estimateDuration({ lastRun, limits: [] }), /^about 45 minutes, .*1234 records/);
});

test('durations read like a person says them', () => {
  assert.deepEqual([200, 1_000, 89_000, 90_000, 7_200_000].map(durationText), [
    '1 second',
    '1 second',
    '89 seconds',
    '2 minutes',
    '2 hours',
  ]);
});
