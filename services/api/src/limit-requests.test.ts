import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitHeaders, routeGroupOf } from './limit-requests.ts';

test('the routes of one noun are one group', () => {
  assert.equal(routeGroupOf('/api/full-sync/status/:jobId'), 'full-sync');
  assert.equal(routeGroupOf('/api/full-sync/execute'), 'full-sync');
  assert.equal(routeGroupOf('/api/dead-letters'), 'dead-letters');
  assert.equal(routeGroupOf('/'), 'root');
});

test('the headers tell how the caller stands, in the draft form and the older one', () => {
  assert.deepEqual(limitHeaders([{ count: 600, spanMs: 60_000, used: 1, freeInMs: 59_001 }], 'database'), {
    'ratelimit-policy': '"database";q=600;w=60',
    ratelimit: '"database";r=599;t=60',
    'x-ratelimit-limit': '600',
    'x-ratelimit-remaining': '599',
    'x-ratelimit-reset': '60',
  });
});

test('of several bounds the older form tells the one that leaves least', () => {
  const headers = limitHeaders(
    [
      { count: 10, spanMs: 1_500, used: 3, freeInMs: 800 },
      { count: 100, spanMs: 3_600_000, used: 98, freeInMs: 120_000 },
    ],
    'g',
  );
  assert.equal(headers['ratelimit-policy'], '"g-1";q=10;w=2, "g-2";q=100;w=3600');
  assert.equal(headers['ratelimit'], '"g-1";r=7;t=1, "g-2";r=2;t=120');
  assert.equal(headers['x-ratelimit-limit'], '100');
  assert.equal(headers['x-ratelimit-remaining'], '2');
});
