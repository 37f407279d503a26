import assert from 'node:assert/strict';
import { test } from 'node:test';
import { givenAddresses, placesOf } from './addresses.ts';

test('an empty address counts as none', () => {
  const given = givenAddresses({ KAFKA_BROKERS: ' ', DATABASE_URL: 'postgres://db/full_sync' });
  assert.deepEqual([...given], [['postgres', 'postgres://db/full_sync']]);
});

test('addresses name their places, with the default port of their kind', () => {
  assert.deepEqual(placesOf('kafka', 'one:9092, [::1]:9093'), [
    { host: 'one', port: 9092 },
    { host: '::1', port: 9093 },
  ]);
  assert.deepEqual(placesOf('postgres', 'postgres://user:secret@db/full_sync'), [{ host: 'db', port: 5432 }]);
  assert.deepEqual(placesOf('registry', 'https://registry/apis/ccompat/v7'), [{ host: 'registry', port: 443 }]);
});

test('what is no address is refused without repeating it, because it may hold a password', () => {
  assert.throws(
    () => placesOf('postgres', 'user:secret'),
    (error: Error) => error.message.startsWith('DATABASE_URL') && !error.message.includes('secret'),
  );
});
