import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOf } from '@full-sync/runtime';
import pg from 'pg';
import { labelled, UnreachableError } from './unreachable.ts';

const state = (code: string): Error => Object.assign(new pg.DatabaseError('said', 4, 'error'), { code });
const system = (code: string): Error => Object.assign(new Error(`read ${code}`), { code });

test('tells a Postgres that is gone from a query that is wrong', () => {
  const gone = [
    state('57P01'),
    state('08006'),
    state('53300'),
    system('ECONNRESET'),
    system('EPIPE'),
    Object.assign(new AggregateError([system('ECONNREFUSED')]), { code: 'ECONNREFUSED' }),
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated due to connection timeout'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Client has encountered a connection error and is not queryable'),
  ];
  for (const error of gone) {
    const label = labelled(error);
    assert.ok(label instanceof UnreachableError, error.message);
    assert.equal(exitCodeOf(label), 3);
    assert.ok(label.message.endsWith(error.message) && label.hint !== undefined && label.cause === error);
  }
  const kafka = Object.assign(system('ECONNRESET'), { name: 'KafkaJSConnectionError' });
  for (const error of [
    state('23505'),
    state('40001'),
    state('22P02'),
    system('ENOENT'),
    kafka,
    new Error('bug'),
    'x',
  ]) {
    assert.equal(labelled(error), error);
  }
});
