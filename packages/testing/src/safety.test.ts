import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropTestDatabase } from './fresh-database.ts';
import { randomPrefix, randomSuffix } from './names.ts';
import { stackAddresses } from './stack-addresses.ts';

// Port 1 refuses at once: a name that passed would fail with ECONNREFUSED and not with the refusal.
const nowhere = 'postgres://nobody@127.0.0.1:1/postgres';

for (const name of ['postgres', 'full_sync', 'test"; DROP DATABASE x; --', 'TEST', '']) {
  test(`refuses to drop the database "${name}"`, async () => {
    await assert.rejects(dropTestDatabase(nowhere, name), /refusing to drop the database/);
  });
}

test('would drop a test database', async () => {
  await assert.rejects(dropTestDatabase(nowhere, 'full_sync_test_1'), { code: 'ECONNREFUSED' });
});

test('says how to run a file that was started without the stack', () => {
  assert.throws(() => stackAddresses({ KAFKA_BROKERS: 'a:1', SCHEMA_REGISTRY_URL: '' }), {
    message: 'SCHEMA_REGISTRY_URL is not set: run this test by `npm test -- <its path>`, which starts the stack',
  });
});

test('gives every test other names', () => {
  assert.notEqual(randomPrefix(), randomPrefix());
  assert.match(randomPrefix(), /^test-[0-9a-f]{8}\.$/);
  assert.match(randomSuffix(), /^[0-9a-f]{8}$/);
});
