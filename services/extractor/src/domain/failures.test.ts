import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeFailure } from './failures.ts';
import type { Failure } from './failures.ts';

const half = (): number => 0.5;
const stream = {
  attempt: 0,
  kind: 'statistics',
  retryAttempts: null,
  keyName: 'SMARTLEAD_API_KEY',
  urlName: 'SMARTLEAD_BASE_URL',
};
const judge = (failure: Failure, more: Partial<typeof stream> = {}) =>
  judgeFailure(failure, { ...stream, ...more }, half);

test('a failure that may pass is tried again, later each time, and says after what', () => {
  const failure: Failure = { kind: 'retry', reason: 'status', status: 502, detail: 'Bad Gateway' };
  assert.deepEqual(judge(failure), { kind: 'waiting', waitMs: 500, waitingFor: 'retry 1 after 502', attempt: 1 });
  assert.deepEqual(judge(failure, { attempt: 2 }), {
    kind: 'waiting',
    waitMs: 2_000,
    waitingFor: 'retry 3 after 502',
    attempt: 3,
  });
  const asked = judge({ ...failure, status: 503, retryAfterMs: 7_000 });
  assert.ok(asked.kind === 'waiting' && asked.waitMs === 7_500);
});

test('gives up a broken line after 20 failures in a row, an upstream that talks nonsense after 8', () => {
  const broken: Failure = { kind: 'retry', reason: 'network', detail: 'the connection failed: ECONNRESET' };
  assert.equal(judge(broken, { attempt: 18 }).kind, 'waiting');
  const given = judge(broken, { attempt: 19 });
  assert.ok(given.kind === 'failed' && given.error.code === 'UPSTREAM_UNAVAILABLE');
  assert.match(given.error.message, /^20 attempts in a row failed, the last with network: .*SMARTLEAD_API_KEY/);
  for (const failure of [
    { kind: 'malformed', detail: 'statistics without a data array' },
    { kind: 'retry', reason: 'html', status: 200, detail: 'html instead of JSON' },
    { kind: 'retry', reason: 'empty', status: 200, detail: 'empty body' },
  ] as const) {
    assert.equal(judge(failure, { attempt: 6 }).kind, 'waiting');
    const verdict = judge(failure, { attempt: 7 });
    assert.ok(verdict.kind === 'failed' && verdict.error.code === 'UPSTREAM_MALFORMED');
  }
});

test('neither a 429 nor an open circuit counts as an attempt of the stream', () => {
  assert.deepEqual(judge({ kind: 'throttled', detail: '', retryAfterMs: 1_000 }, { attempt: 3 }), {
    kind: 'throttled',
    waitMs: 1_050,
    waitingFor: 'rate limit',
    attempt: 3,
  });
  assert.deepEqual(judge({ kind: 'circuit-open', retryAfterMs: 900 }, { attempt: 3 }), {
    kind: 'waiting',
    waitMs: 900,
    waitingFor: 'circuit open',
    attempt: 3,
  });
});

test('a 429 without a word pauses for 2 s and a little', () => {
  const verdict = judge({ kind: 'throttled', detail: '' });
  assert.ok(verdict.kind === 'throttled' && verdict.waitMs === 2_100);
});

test('refusals fail at once and name the variable at fault', () => {
  const message = (code: string, status: number, detail: string): string => {
    const verdict = judge({ kind: 'refused', code, status, detail });
    assert.ok(verdict.kind === 'failed' && verdict.error.code === code);
    return verdict.error.message;
  };
  assert.equal(
    message('UPSTREAM_UNAUTHORIZED', 401, 'Invalid API Key'),
    'SMARTLEAD_API_KEY was refused (401): Invalid API Key',
  );
  assert.equal(message('UPSTREAM_PLAN', 402, 'x'), 'the plan of SMARTLEAD_API_KEY does not include this (402): x');
  assert.equal(message('UPSTREAM_FORBIDDEN', 403, 'x'), 'SMARTLEAD_API_KEY may not do this (403): x');
  assert.equal(message('UPSTREAM_WRONG_PATH', 404, 'x'), 'SMARTLEAD_BASE_URL does not lead to the API (404): x');
  assert.equal(message('UPSTREAM_BAD_REQUEST', 400, 'x'), 'the request was refused (400): x');
});

test('a campaign that is gone is skipped, a list that is not there is a failure', () => {
  const gone: Failure = { kind: 'gone', status: 404, detail: 'Campaign not found' };
  assert.deepEqual(judge(gone), { kind: 'skipped', warning: 'the campaign is gone (404): Campaign not found' });
  const list = judge(gone, { kind: 'discover' });
  assert.ok(list.kind === 'failed' && list.error.code === 'UPSTREAM_NOT_FOUND');
});
