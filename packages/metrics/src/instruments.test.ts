import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInstruments } from './instruments.ts';
import { letterCodeLabel, statusLabel } from './labels.ts';
import { counter, gauge, histogram } from './model.ts';
import { MetricRegistry } from './registry.ts';

const common = { unit: 'events', services: 'every', meaning: 'Of a test.', whenHigh: 'Nothing.' } as const;
const part = {
  seen: counter({ ...common, name: 'test_seen_total', labels: { colour: ['red', 'blue'], size: ['s', 'l'] } }),
  waiting: gauge({ ...common, name: 'test_waiting', labels: { host: { of: 'hosts', like: '[a-z]+', atMost: 3 } } }),
  took: histogram({ ...common, name: 'test_took_seconds', labels: { path: ['a', 'b'] }, buckets: [1, 10] }),
};

async function linesOf(registry: MetricRegistry): Promise<readonly string[]> {
  return (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#') && line !== '');
}

test('series whose labels are known are there from the start, at zero', async () => {
  const registry = new MetricRegistry('tester');
  createInstruments(registry, part);
  const lines = await linesOf(registry);
  assert.equal(lines.filter((line) => /^test_seen_total\{.*service="tester"\} 0$/.test(line)).length, 4);
  assert.equal(lines.filter((line) => line.startsWith('test_waiting')).length, 0);
  assert.ok(lines.includes('test_took_seconds_bucket{le="+Inf",path="a",service="tester"} 0'));
});

test('a service that knows its labels shows those and no others', async () => {
  const registry = new MetricRegistry('tester');
  createInstruments(registry, part, { colour: ['red'], host: ['here'] });
  const lines = await linesOf(registry);
  assert.equal(lines.filter((line) => line.startsWith('test_seen_total')).length, 2);
  assert.ok(lines.includes('test_waiting{host="here",service="tester"} 0'));
});

test('a histogram counts into the bucket whose bound a value does not exceed', async () => {
  const registry = new MetricRegistry('tester');
  const { took } = createInstruments(registry, part);
  for (const value of [0.5, 1, 1.5, 10, 11]) took.observe({ path: 'a' }, value);
  took.series({ path: 'b' }).observe(0);
  const lines = (await linesOf(registry)).filter((line) => line.startsWith('test_took'));
  assert.deepEqual(
    lines.map((line) => line.replace('test_took_seconds_', '').replace(',service="tester"', '')),
    [
      'bucket{le="1",path="a"} 2',
      'bucket{le="10",path="a"} 4',
      'bucket{le="+Inf",path="a"} 5',
      'sum{path="a"} 24',
      'count{path="a"} 5',
      'bucket{le="1",path="b"} 1',
      'bucket{le="10",path="b"} 1',
      'bucket{le="+Inf",path="b"} 1',
      'sum{path="b"} 0',
      'count{path="b"} 1',
    ].map((line) => line.replaceAll(/^(sum|count)\{path="(.)"\}/g, '$1{path="$2"}')),
  );
});

test('a series is one, in whatever order its labels are given', async () => {
  const registry = new MetricRegistry('tester');
  const took = histogram({ ...common, name: 'test_took_seconds', labels: { path: ['a'], size: ['s'] }, buckets: [1] });
  const instruments = createInstruments(registry, { took });
  instruments.took.observe({ path: 'a', size: 's' }, 1);
  instruments.took.observe({ size: 's', path: 'a' }, 1);
  const counts = (await linesOf(registry)).filter((line) => line.startsWith('test_took_seconds_count'));
  assert.deepEqual(counts, ['test_took_seconds_count{path="a",size="s",service="tester"} 2']);
});

test('what is cleared and not set again is shown no more, and readers run before each scrape', async () => {
  const registry = new MetricRegistry('tester');
  const { waiting } = createInstruments(registry, part);
  waiting.set({ host: 'old' }, 1);
  let scrapes = 0;
  registry.onScrape(() => {
    scrapes += 1;
    waiting.clear();
    waiting.set({ host: 'new' }, scrapes);
  });
  await linesOf(registry);
  const lines = (await linesOf(registry)).filter((line) => line.startsWith('test_waiting'));
  assert.deepEqual(lines, ['test_waiting{host="new",service="tester"} 2']);
});

test('statuses and codes that are not listed are other, and a SQLSTATE is its class', () => {
  assert.deepEqual([statusLabel(200), statusLabel(418), statusLabel(undefined)], ['200', 'other', 'none']);
  assert.equal(letterCodeLabel('TIME_MISSING', 'keyer'), 'TIME_MISSING');
  assert.equal(letterCodeLabel('POSTGRES_23514', 'loader'), 'POSTGRES_23');
  assert.equal(letterCodeLabel('POSTGRES_XX000', 'loader'), 'other');
  assert.equal(letterCodeLabel('INVALID_EMAIL', 'attio'), 'DESTINATION_REFUSED');
});
