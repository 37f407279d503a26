import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExecuteRequest } from './execute-request.ts';
import type { ExecuteBody } from './execute-request.ts';

const body: ExecuteBody = { platforms: 'smartlead,lemlist', syncMode: 'full_historical' };

function configOf(more: Partial<ExecuteBody>) {
  const parsed = parseExecuteRequest({ ...body, ...more });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed;
}

function faultsOf(more: Partial<ExecuteBody>): readonly (readonly [string, string])[] {
  const parsed = parseExecuteRequest({ ...body, ...more });
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
  assert.match(faultsOf({ syncMode: 'delta_since_last' })[0]?.[1] ?? '', /not available .* full_historical/);
});

test('dates go with a date range only', () => {
  assert.deepEqual(
    faultsOf({ startDate: '2024-01-01', endDate: '2024-01-31' }).map(([pointer]) => pointer),
    ['/startDate', '/endDate'],
  );
});

test('a webhook address is an http address without credentials', () => {
  assert.equal(faultsOf({ webhookUrl: 'ftp://example.com' })[0]?.[0], '/webhookUrl');
  assert.equal(faultsOf({ webhookUrl: 'https://user:secret@example.com/' })[0]?.[0], '/webhookUrl');
  assert.equal(configOf({ webhookUrl: 'https://example.com/hook' }).config.webhookUrl, 'https://example.com/hook');
});

test('what is accepted without effect is said', () => {
  const { warnings } = configOf({
    enableProgressTracking: false,
    enableMixpanelTracking: true,
    enableAttioSync: true,
    webhookUrl: 'https://example.com/hook',
    rateLimitOverride: { requestsPerSecond: 5 },
    dateRange: { chunkSize: 7, delay: 1_000 },
  });
  const fields = warnings.map((warning) => warning.split(' ')[0]);
  assert.deepEqual(fields, [
    'enableProgressTracking',
    'enableMixpanelTracking',
    'enableAttioSync',
    'webhookUrl',
    'rateLimitOverride',
    'dateRange',
  ]);
  assert.deepEqual(configOf({ batchSize: 100, parallelWorkers: 3, namespaces: 'production' }).warnings, []);
});
