import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overrideOf, paceOf, ratePerSecond } from './pace.ts';

const smartlead = { platform: 'smartlead', limit: [{ count: 60, spanMs: 60_000 }], learnedCount: null };
const lemlist = { platform: 'lemlist', limit: [{ count: 20, spanMs: 2_000 }], learnedCount: null };

test('an override above what the account allows is lowered, and that is said', () => {
  const { pace, warnings } = paceOf({ requestsPerSecond: 50, burstSize: 100, retryAttempts: 5 }, lemlist);
  assert.deepEqual(pace, { requestsPerSecond: null, burstSize: null, retryAttempts: 5 });
  assert.deepEqual(warnings, [
    'rateLimitOverride: 50 requests per second of lemlist were lowered to the 10 that the account allows',
    'rateLimitOverride: the burst of 100 requests to lemlist was lowered to the 20 that the account allows',
  ]);
});

test('an override below it is the pace of the job; without a burst requests come one by one', () => {
  assert.deepEqual(paceOf({ requestsPerSecond: 0.5 }, smartlead), {
    pace: { requestsPerSecond: 0.5, burstSize: 1, retryAttempts: null },
    warnings: [],
  });
});

test('what an upstream said of its limit counts, and the tightest of several limits', () => {
  assert.equal(ratePerSecond({ ...smartlead, learnedCount: 30 }), 0.5);
  const two = [
    { count: 60, spanMs: 60_000 },
    { count: 360, spanMs: 3_600_000 },
  ];
  assert.equal(ratePerSecond({ ...smartlead, limit: two }), 0.1);
});

test('with limits off nothing is lowered', () => {
  const { pace, warnings } = paceOf({ requestsPerSecond: 50, burstSize: 100 }, { ...lemlist, limit: null });
  assert.deepEqual(pace, { requestsPerSecond: 50, burstSize: 100, retryAttempts: null });
  assert.deepEqual(warnings, []);
});

test('one override goes for all platforms, or each has its own', () => {
  const one = { requestsPerSecond: 5, burstSize: 5 };
  assert.equal(overrideOf(one, 'lemlist'), one);
  assert.equal(overrideOf({ smartlead: one }, 'smartlead'), one);
  assert.equal(overrideOf({ smartlead: one }, 'lemlist'), null);
  assert.equal(overrideOf(undefined, 'lemlist'), null);
});
