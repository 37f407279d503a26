import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { EnvironmentError } from '@full-sync/runtime';
import { namingBrokerGone } from './broker-gone.ts';

test('a lost connection is the environment, also behind exhausted retries', () => {
  const lost = new kafkajs.KafkaJSConnectionError('Connection error: write ECONNRESET', {
    broker: 'b:1',
    code: 'ECONNRESET',
  });
  const givenUp = new kafkajs.KafkaJSNumberOfRetriesExceeded(lost, { retryCount: 5, retryTime: 100 });
  for (const error of [lost, givenUp]) {
    const named = namingBrokerGone(error);
    assert.ok(named instanceof EnvironmentError);
    assert.match(named.message, /ECONNRESET/);
    assert.equal(named.cause, error);
  }
});

test('an error of another kind stays what it is', () => {
  const error = new TypeError('x is not a function', { cause: new Error('inner') });
  assert.equal(namingBrokerGone(error), error);
});
