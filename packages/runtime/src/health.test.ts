import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHealth } from './health.ts';
import { startMetricsServer } from './metrics.ts';
import { createInstruments, loaderMetrics, MetricRegistry } from '@full-sync/metrics';

function clockAt(start: number) {
  let now = start;
  return { now: () => now, sleep: async () => undefined, advance: (ms: number) => void (now += ms) };
}

test('a loop that has never beaten is not missed; one that has is, after 30 s', () => {
  const clock = clockAt(1_000_000);
  const health = createHealth(clock);
  clock.advance(60_000);
  assert.equal(health.report().live, true);
  health.beat('walk');
  clock.advance(30_000);
  assert.equal(health.report().live, true);
  clock.advance(1000);
  assert.deepEqual(health.report(), { live: false, ready: false, reason: 'loop walk has not turned for 31 s' });
  health.beat('walk');
  assert.equal(health.report().live, true);
  clock.advance(60_000);
  health.retire('walk');
  assert.equal(health.report().live, true);
});

test('metrics, liveness and readiness are served with the right status', async () => {
  const clock = clockAt(0);
  const health = createHealth(clock);
  const registry = new MetricRegistry('tester');
  createInstruments(registry, loaderMetrics).retries.inc({}, 7);
  await using server = await startMetricsServer({ host: '127.0.0.1', port: 0, registry, health });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return { status: response.status, text: await response.text() };
  };

  assert.deepEqual(await get('/readyz'), { status: 503, text: '{"live":true,"ready":false,"reason":"starting"}' });
  health.setReady(true);
  assert.deepEqual(await get('/readyz?verbose'), { status: 200, text: '{"live":true,"ready":true}' });
  health.beat();
  clock.advance(31_000);
  assert.equal((await get('/livez')).status, 503);
  const metrics = await get('/metrics');
  assert.equal(metrics.status, 200);
  assert.match(metrics.text, /full_sync_loader_flush_retries_total\{service="tester"\} 7/);
  assert.equal((await get('/')).status, 404);

  await assert.rejects(startMetricsServer({ host: '127.0.0.1', port: server.port, registry, health }), {
    name: 'EnvironmentError',
    exitCode: 3,
  });
});
