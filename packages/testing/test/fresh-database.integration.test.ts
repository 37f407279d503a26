import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { freshDatabase, stackAddresses, tableChecksum } from '../src/index.ts';

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

test('creates an empty database and drops it afterwards, connections or not', async () => {
  const { databaseUrl } = stackAddresses();
  const exists = (name: string) =>
    withClient(databaseUrl, async (client) => {
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      return rowCount === 1;
    });
  const database = await freshDatabase();
  assert.match(database.name, /^full_sync_test_[0-9a-f]{8}$/);
  const lingering = new pg.Client({ connectionString: database.url });
  const ended = new Promise((resolve) => lingering.on('error', resolve));
  await lingering.connect();
  await lingering.query('CREATE TABLE mine (id int)');
  assert.equal(await exists(database.name), true);
  await database[Symbol.asyncDispose]();
  assert.equal(await exists(database.name), false);
  await ended;
});

test('the checksum of a table sees every column and no order', async () => {
  await using database = await freshDatabase();
  await withClient(database.url, async (client) => {
    await client.query('CREATE TABLE a (id int, note text); CREATE TABLE b (LIKE a)');
    assert.deepEqual(await tableChecksum(client, 'a'), { rows: 0, checksum: '0' });
    await client.query(`INSERT INTO a VALUES (1, 'x'), (2, 'y'); INSERT INTO b VALUES (2, 'y'), (1, 'x')`);
    const before = await tableChecksum(client, 'a');
    assert.equal(before.rows, 2);
    assert.deepEqual(await tableChecksum(client, 'b'), before);
    await client.query(`UPDATE b SET note = 'z' WHERE id = 1`);
    assert.notEqual((await tableChecksum(client, 'b')).checksum, before.checksum);
  });
});
