import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigurationError, EnvironmentError, exitCodeOf, FullSyncError } from './errors.ts';

test('the exit code is that of the first labelled error along the causes', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const cases: readonly (readonly [unknown, number])[] = [
    [new Error('bug'), 1],
    ['thrown text', 1],
    [new FullSyncError('GAP', 'gap', { cause: refused }), 1],
    [new ConfigurationError([{ name: 'A', message: 'b' }]), 2],
    [new EnvironmentError('no broker'), 3],
    [new Error('start failed', { cause: new EnvironmentError('no broker') }), 3],
    [refused, 3],
    [Object.assign(new AggregateError([refused]), { code: 'ECONNREFUSED' }), 3],
    [Object.assign(new Error('taken'), { code: 'EADDRINUSE' }), 3],
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 3],
  ];
  for (const [error, code] of cases) assert.equal(exitCodeOf(error), code, String(error));
});

test('a ring of causes ends', () => {
  const first = new Error('a');
  first.cause = new Error('b', { cause: first });
  assert.equal(exitCodeOf(first), 1);
});
