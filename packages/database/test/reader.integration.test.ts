import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connectDatabase, ensureNamespace, migrate, sqlState } from '../src/index.ts';
import type { Database } from '../src/index.ts';
import { freshDatabase, randomSuffix } from '@full-sync/testing';

async function open(url: string): Promise<Database> {
  const config = { DATABASE_URL: url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 2 };
  return await connectDatabase({ config, applicationName: 'full-sync-test' });
}

async function addNamespace(db: Database, namespace: string): Promise<void> {
  await db.transaction((client) => ensureNamespace(client, { namespace, platforms: ['smartlead'] }));
}

test('the reader reads events, also those of later namespaces, and nothing else; it writes nothing', async () => {
  await using database = await freshDatabase();
  await using db = await open(database.url);
  await migrate(db);
  await addNamespace(db, 'later');
  const asReader = async (statement: string): Promise<string | undefined> => {
    const client = await db.pool.connect();
    try {
      await client.query('set role full_sync_reader');
      await client.query(statement);
      return undefined;
    } catch (error) {
      return sqlState(error) ?? String(error);
    } finally {
      client.release(true);
    }
  };
  for (const relation of [
    'event_source',
    'event_source_1',
    'event_source_1_smartlead',
    'event_collisions',
    'namespaces',
    'events_by_day',
    'campaign_funnel',
    'latest_activity_per_lead',
  ])
    assert.equal(await asReader(`select * from ${relation}`), undefined, relation);
  for (const relation of ['jobs', 'accounts', 'api_keys', 'dead_letters', 'streams', 'event_positions'])
    assert.equal(await asReader(`select * from ${relation}`), '42501', relation);
  for (const statement of [
    'delete from event_source',
    'truncate event_source_1_smartlead',
    `update event_source set event_type = 'x'`,
    'insert into event_collisions select * from event_collisions',
    'create table public.mine (n integer)',
  ])
    assert.equal(await asReader(statement), '42501', statement);
});

test('a role that may not make roles migrates all the same, and is told what is missing', async () => {
  await using database = await freshDatabase();
  const name = `full_sync_test_${randomSuffix()}`;
  await using admin = await open(database.url);
  await admin.pool.query(`create role ${name} login password 'test-only'`);
  try {
    await admin.pool.query(`alter database ${database.name} owner to ${name}`);
    const url = Object.assign(new URL(database.url), { username: name, password: 'test-only' }).href;
    await using db = await open(url);
    await migrate(db);
    await addNamespace(db, 'one');

    // Once more, for a role that no other database of this server can have made.
    const missing = `full_sync_test_${randomSuffix()}`;
    const sql = await readFile(new URL('../sql/0009_reader.sql', import.meta.url), 'utf8');
    const client = await db.pool.connect();
    const notices: string[] = [];
    client.on('notice', (notice) => notices.push(notice.message ?? ''));
    try {
      await client.query('drop function grant_all_to_reader, grant_to_reader');
      await client.query(sql.replaceAll('full_sync_reader', missing));
      assert.match(notices.join('\n'), /could not be made: have it made, then run "select grant_all_to_reader\(\)"/);
      await addNamespace(db, 'two');
      const granted = async (): Promise<boolean | undefined> => {
        const { rows } = await client.query<{ done: boolean }>('select grant_all_to_reader() as done');
        return rows[0]?.done;
      };
      assert.equal(await granted(), false);
      await admin.pool.query(`create role ${missing} nologin`);
      assert.equal(await granted(), true);
      const { rows } = await client.query<{ reads: boolean }>(
        `select has_table_privilege($1, 'event_source_2_smartlead', 'select') as reads`,
        [missing],
      );
      assert.deepEqual(rows, [{ reads: true }]);
    } finally {
      client.release(true);
      await admin.pool.query(
        `do $$ begin if exists (select from pg_roles where rolname = '${missing}') then drop owned by ${missing}; drop role ${missing}; end if; end $$`,
      );
    }
  } finally {
    await admin.pool.query(`reassign owned by ${name} to current_user; drop owned by ${name}; drop role ${name}`);
  }
});
