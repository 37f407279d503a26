import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExecuteRequest } from './execute-request.ts';
import type { ExecuteBody } from './execute-request.ts';

const body: ExecuteBody = { platforms: 'smartlead,lemlist', syncMode: 'full_historical' };

const now = Date.UTC(2026, 5, 1, 12);

function configOf(more: Partial<ExecuteBody>) {
  const parsed = parseExecuteRequest({ ...body, ...more }, now);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed;
}

function faultsOf(more: Partial<ExecuteBody>): readonly (readonly [string, string])[] {
  const parsed = parseExecuteRequest({ ...body, ...more }, now);
  assert.ok(!parsed.ok);
  return parsed.faults.map(({ pointer, message }) => [pointer, message]);
}

test('what is left out gets its default', () => {
  assert.deepEqual(configOf({}).config, {
    platforms: ['smartlead', 'lemlist'],
    syncMode: 'full_historical',
    namespaces: ['default'],
    batchSize: 'auto',
    parallelWorkers: 4,
    enableProgressTracking: true,
    enableMixpanelTracking: false,
    enableAttioSync: false,
  });
  assert.deepEqual(configOf({}).warnings, []);
});

test('lists are comma texts or arrays, trimmed, each item once', () => {
  const { config } = configOf({ platforms: [' lemlist', 'lemlist '], namespaces: ' a, b,,a ' });
  assert.deepEqual(config.platforms, ['lemlist']);
  assert.deepEqual(config.namespaces, ['a', 'b']);
});

test('faults point at their place, all at once', () => {
  assert.deepEqual(faultsOf({ platforms: ['smartlead', 'Hubspot'], namespaces: 'UPPER' }), [
    ['/platforms/1', '"Hubspot" is not a platform; known: smartlead, lemlist'],
    ['/namespaces', '"UPPER" is not a namespace: 1 to 63 of a-z, 0-9, "_" and "-"'],
  ]);
  assert.deepEqual(faultsOf({ platforms: ' , ' })[0]?.[0], '/platforms');
  assert.deepEqual(faultsOf({ namespaces: 'x'.repeat(64) })[0]?.[0], '/namespaces');
});

test('a mode that this release does not have is refused, never replaced by another', () => {
  assert.match(faultsOf({ syncMode: 'full' })[0]?.[1] ?? '', /not available .* full_historical/);
});

test('dates go with a date range only', () => {
  for (const syncMode of ['full_historical', 'delta_since_last']) {
    assert.deepEqual(faultsOf({ syncMode, startDate: '2024-01-01', endDate: '2024-01-31' }), [
      ['/startDate', 'goes only with "syncMode": "date_range"'],
      ['/endDate', 'goes only with "syncMode": "date_range"'],
    ]);
  }
});

test('both days of a range are included, and equal days are one day', () => {
  const parsed = configOf({ syncMode: 'date_range', startDate: '2024-01-15', endDate: ' 2024-01-20 ' });
  assert.deepEqual(parsed.range, { startMs: Date.UTC(2024, 0, 15), endMs: Date.UTC(2024, 0, 21) - 1 });
  const { startDate, endDate } = parsed.config;
  assert.deepEqual([startDate, endDate], ['2024-01-15', '2024-01-20']);
  const day = configOf({ syncMode: 'date_range', startDate: '2024-02-29', endDate: '2024-02-29' });
  assert.deepEqual(day.range, { startMs: Date.UTC(2024, 1, 29), endMs: Date.UTC(2024, 2, 1) - 1 });
  assert.equal(configOf({}).range, null);
});

test('a range needs both dates, real ones, in order', () => {
  const range = { syncMode: 'date_range' };
  assert.deepEqual(
    faultsOf(range).map(([pointer]) => pointer),
    ['/startDate', '/endDate'],
  );
  assert.equal(faultsOf({ ...range, startDate: '2024-01-01' })[0]?.[0], '/endDate');
  assert.match(faultsOf({ ...range, startDate: '2024-02-30', endDate: '2024-03-01' })[0]?.[1] ?? '', /2024-02-30/);
  assert.deepEqual(faultsOf({ ...range, startDate: '2024-03-02', endDate: '2024-03-01' }), [
    ['/startDate', 'is after endDate'],
  ]);
  const instant = '2024-03-01T12:00:00Z';
  assert.deepEqual(configOf({ ...range, startDate: instant, endDate: instant }).range, {
    startMs: Date.UTC(2024, 2, 1, 12),
    endMs: Date.UTC(2024, 2, 1, 12),
  });
});

test('a range on Smartlead means the send time, and one in the future is cut: both are said', () => {
  const warningsOf = (startDate: string, endDate: string, platforms = 'smartlead,lemlist') =>
    configOf({ platforms, syncMode: 'date_range', startDate, endDate }).warnings;
  assert.match(warningsOf('2024-01-01', '2024-01-02').join(), /^smartlead can only be asked by send time/);
  assert.deepEqual(warningsOf('2024-01-01', '2024-01-02', 'lemlist'), []);
  assert.deepEqual(warningsOf('2026-06-01', '2026-06-01', 'lemlist'), []);
  assert.match(warningsOf('2026-05-01', '2026-07-01', 'lemlist').join(), /ends in the future/);
  assert.match(warningsOf('2026-07-01', '2026-07-01', 'lemlist').join(), /lies in the future/);
});

test('the override has two names, of which one is given', () => {
  const limits = { lemlist: { requestsPerSecond: 50, burstSize: 100, retryAttempts: 5 } };
  assert.deepEqual(configOf({ rateLimitConfig: limits }).config.rateLimitOverride, limits);
  assert.equal(faultsOf({ rateLimitConfig: limits, rateLimitOverride: limits })[0]?.[0], '/rateLimitConfig');
});

test('a webhook address is an http address without credentials', () => {
  assert.equal(faultsOf({ webhookUrl: 'ftp://example.com' })[0]?.[0], '/webhookUrl');
  assert.equal(faultsOf({ webhookUrl: 'https://user:secret@example.com/' })[0]?.[0], '/webhookUrl');
  assert.equal(configOf({ webhookUrl: 'https://example.com/hook' }).config.webhookUrl, 'https://example.com/hook');
});

test('what is accepted without effect is said', () => {
  const { warnings } = configOf({
    enableProgressTracking: false,
    webhookUrl: 'https://example.com/hook',
    dateRange: { delay: 1_000 },
  });
  const fields = warnings.map((warning) => warning.split(' ')[0]);
  assert.deepEqual(fields, ['enableProgressTracking', 'dateRange.delay']);
  assert.deepEqual(configOf({ dateRange: { chunkSize: 7, delay: 1_000 } }).warnings, []);
  assert.deepEqual(configOf({ rateLimitOverride: { requestsPerSecond: 5 } }).warnings, []);
  assert.deepEqual(configOf({ batchSize: 100, parallelWorkers: 3, namespaces: 'production' }).warnings, []);
});
