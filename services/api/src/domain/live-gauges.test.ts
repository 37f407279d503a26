import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceTelemetry } from '@full-sync/schemas';
import { addUpKeyers, liveKeyers, shareOf } from './live-gauges.ts';

const keyer = (at: number, gauges: ServiceTelemetry['gauges'] = {}): ServiceTelemetry => ({
  service: 'keyer',
  instance: String(at),
  at,
  gauges,
});

test('a keyer not heard of for more than 30 s is gone, and other services are no keyers', () => {
  const other = { ...keyer(100_000), service: 'loader' };
  assert.deepEqual(
    liveKeyers([keyer(70_000), keyer(69_999), other], 100_000).map(({ at }) => at),
    [70_000],
  );
});

test('gauges add up, and the hit rate is that of all lookups together', () => {
  const live = [
    keyer(1, { cache_size: 10, cache_lookups: 100, cache_hits: 90, keys_per_second: 5 }),
    keyer(2, { cache_size: 2, cache_lookups: 300, cache_hits: 10, keys_per_second: 1.5 }),
  ];
  assert.deepEqual(addUpKeyers(live), { copies: 2, cacheSize: 12, cacheHitRate: 0.25, keysPerSecond: 6.5 });
  assert.deepEqual(addUpKeyers([]), { copies: 0, cacheSize: 0, cacheHitRate: 0, keysPerSecond: 0 });
});

test('a share lies between 0 and 1, and is 0 before there is data', () => {
  assert.deepEqual([shareOf(0, 0), shareOf(1, 4), shareOf(5, 4), shareOf(-1, 4)], [0, 0.25, 1, 0]);
});
