import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase, ensureNamespace, migrate, optimizations, optimizeDatabase, sqlState } from '../src/index.ts';
import type { Applied, Database, Optimization } from '../src/index.ts';
import { freshDatabase, waitFor } from '@full-sync/testing';

interface Bench extends AsyncDisposable {
  readonly db: Database;
  readonly url: string;
}

/** A database with rows in two leaves. */
async function openBench(): Promise<Bench> {
  const database = await freshDatabase();
  const config = { DATABASE_URL: database.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 6 };
  const db = await connectDatabase({ config, applicationName: 'full-sync-test' });
  await migrate(db);
  await addNamespace(db, 'one');
  await db.pool.query(
    `insert into event_source (event_id, event_key, namespace, platform, event_type, source_type, campaign_id, campaign_name,
       lead_email, occurred_at, occurred_at_approximate, properties, fingerprint, job_id)
     select md5(n::text || p)::uuid, 'k' || n, 'one', p, 'email_' || n % 4, 'x', n % 9, 'Campaign ' || n % 9,
       'lead' || n % 300 || '@example.test', now() - n * interval '1 minute', false, '{}', '\\x0000000000000000', 'job_a'
     from generate_series(1, 3000) n, unnest(array['smartlead', 'lemlist']) p`,
  );
  return {
    db,
    url: database.url,
    [Symbol.asyncDispose]: async () => {
      await db[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function addNamespace(db: Database, namespace: string): Promise<void> {
  await db.transaction((client) => ensureNamespace(client, { namespace, platforms: ['smartlead', 'lemlist'] }));
}

async function optimize(db: Database, wanted: readonly Optimization[], recreateIndexes = false) {
  const outcome = await optimizeDatabase(db, wanted, { recreateIndexes });
  assert.equal(outcome.kind, 'applied', outcome.kind);
  return outcome.kind === 'applied' ? outcome.applied : [];
}

const named = (applied: readonly Applied[], name: Optimization): Applied => {
  const found = applied.find((one) => one.name === name);
  assert.ok(found);
  return found;
};

/** How many leaves' indexes hang under the root's, and how many indexes are invalid. */
async function indexTree(db: Database): Promise<{ readonly attached: number; readonly invalid: number }> {
  const { rows } = await db.pool.query<{ attached: number; invalid: number }>(
    `select (select count(*)::int from unnest(array['event_source_lead', 'event_source_occurred', 'event_source_campaign']) root,
         pg_partition_tree(root::regclass) t where t.isleaf and t.level = 2) as attached,
       (select count(*)::int from pg_index where not indisvalid) as invalid`,
  );
  return rows[0] ?? { attached: -1, invalid: -1 };
}

test('each optimization does its work once, and new tables of events have the indexes from the start', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const first = await optimize(db, optimizations);
  assert.deepEqual(
    first.map(({ name }) => name),
    ['sync_indexes', 'bulk_operations', 'connection_pool', 'query_optimization'],
  );
  const indexes = named(first, 'sync_indexes');
  assert.equal(indexes.indexesCreated.length, 6);
  assert.equal((indexes.after['indexes'] ?? 0) - (indexes.before['indexes'] ?? 0), 6);
  assert.ok((indexes.after['index_bytes'] ?? 0) > (indexes.before['index_bytes'] ?? 0));
  assert.deepEqual(await indexTree(db), { attached: 6, invalid: 0 });
  const bulk = named(first, 'bulk_operations');
  assert.deepEqual([bulk.before['tuned_tables'], bulk.after['tuned_tables']], [0, 2]);
  // A snapshot of autovacuum's can keep pages from being all-visible for a moment.
  await waitFor(
    async () => {
      const { after } = named(await optimize(db, ['bulk_operations']), 'bulk_operations');
      return (after['pages'] ?? 0) > 0 && after['all_visible_pages'] === after['pages'];
    },
    { what: 'all pages to be all-visible', deadlineMs: 60_000 },
  );
  const queries = named(first, 'query_optimization');
  assert.deepEqual([queries.before['extended_statistics'], queries.after['extended_statistics']], [0, 4]);
  assert.deepEqual([queries.after['tables'], queries.after['analyzed_tables']], [4, 4]);

  const again = await optimize(db, optimizations);
  assert.deepEqual(named(again, 'sync_indexes').actions, []);
  assert.deepEqual(named(again, 'sync_indexes').after, indexes.after);
  assert.equal(named(again, 'query_optimization').actions.length, 1, 'analyzed, nothing made');

  await addNamespace(db, 'two');
  assert.deepEqual(await indexTree(db), { attached: 12, invalid: 0 });
  assert.equal(
    named(await optimize(db, ['sync_indexes', 'query_optimization']), 'sync_indexes').indexesCreated.length,
    0,
  );
  const { rows } = await db.pool.query<{ name: string }>(
    `select count(*)::int as n from pg_statistic_ext where stxrelid in (select relid from pg_partition_tree('event_source'))`,
  );
  assert.deepEqual(rows, [{ n: 7 }], 'one for each table');
});

test('the indexes are used, and built anew when that is asked for', async () => {
  await using bench = await openBench();
  const { db } = bench;
  await optimize(db, ['sync_indexes', 'query_optimization']);
  const plan = async (where: string): Promise<string> => {
    const { rows } = await db.pool.query<Record<string, string>>(
      `explain select * from event_source where namespace = 'one' and platform = 'smartlead' and ${where}`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };
  assert.match(await plan(`lead_email = 'lead7@example.test'`), /event_source_1_smartlead_lead/);
  assert.match(await plan(`occurred_at > now() - interval '10 minutes'`), /event_source_1_smartlead_occurred/);
  const filenodes = async (): Promise<readonly number[]> => {
    const { rows } = await db.pool.query<{ node: number }>(
      `select relfilenode::int as node from pg_class where relname ~ '^event_source_1_[a-z]+_(lead|occurred|campaign)$' order by relname`,
    );
    return rows.map(({ node }) => node);
  };
  const before = await filenodes();
  const rebuilt = named(await optimize(db, ['sync_indexes'], true), 'sync_indexes');
  assert.deepEqual([rebuilt.indexesCreated.length, rebuilt.indexesRecreated.length], [0, 6]);
  const after = await filenodes();
  assert.equal(after.length, 6);
  assert.ok(after.every((node) => !before.includes(node)));
  assert.deepEqual(await indexTree(db), { attached: 6, invalid: 0 });
});

test('what a failed build left behind is dropped and built again, what was built and not attached is taken', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const holder = await db.pool.connect();
  await holder.query('begin');
  await holder.query('insert into event_source_1_smartlead select * from event_source_1_smartlead limit 0');
  const builder = await db.pool.connect();
  try {
    await builder.query(`set statement_timeout = '400ms'`);
    await assert.rejects(
      builder.query('create index concurrently event_source_1_smartlead_lead on event_source_1_smartlead (lead_email)'),
      (error) => sqlState(error) === '57014',
    );
  } finally {
    builder.release(true);
    await holder.query('rollback');
    holder.release();
  }
  assert.equal((await indexTreeInvalid(db)).length, 1);
  await db.pool.query('create index event_source_1_lemlist_occurred on event_source_1_lemlist (occurred_at)');
  const done = named(await optimize(db, ['sync_indexes']), 'sync_indexes');
  assert.deepEqual(done.indexesDropped, ['event_source_1_smartlead_lead']);
  assert.equal(done.indexesCreated.length, 5);
  assert.deepEqual(await indexTree(db), { attached: 6, invalid: 0 });
});

test('one at a time; rows can be written and read while an index is built', async () => {
  await using bench = await openBench();
  const { db } = bench;
  const holder = await db.pool.connect();
  await holder.query('begin');
  await holder.query('insert into event_source_1_smartlead select * from event_source_1_smartlead limit 0');
  const running = optimizeDatabase(db, ['sync_indexes'], { recreateIndexes: false });
  try {
    const building = async (): Promise<boolean> => {
      const { rowCount } = await db.pool.query(
        `select from pg_stat_activity where datname = current_database() and query like 'create index concurrently%'`,
      );
      return rowCount === 1;
    };
    await waitFor(building, { what: 'an index to be built' });
    assert.deepEqual(await optimizeDatabase(db, ['sync_indexes'], { recreateIndexes: false }), { kind: 'busy' });
    const { rowCount } = await db.pool.query('delete from event_source_1_smartlead where event_key = $1', ['k1']);
    assert.equal(rowCount, 1);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  const outcome = await running;
  assert.equal(outcome.kind, 'applied');
  assert.deepEqual(await indexTree(db), { attached: 6, invalid: 0 });
  // The lock went back with the connection.
  await optimize(db, ['sync_indexes']);
});

async function indexTreeInvalid(db: Database): Promise<readonly string[]> {
  const { rows } = await db.pool.query<{ name: string }>(
    'select indexrelid::regclass::text as name from pg_index where not indisvalid',
  );
  return rows.map(({ name }) => name);
}

test('connections of ours that nobody uses any more are closed, and only those', async () => {
  await using bench = await openBench();
  const { db, url } = bench;
  const config = { DATABASE_URL: url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 1 };
  const pidOf = async (of: Database): Promise<number> => {
    const { rows } = await of.pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    return rows[0]?.pid ?? 0;
  };
  await using live = await connectDatabase({ config, applicationName: 'full-sync-live' });
  await using other = await connectDatabase({ config, applicationName: 'somebody-else' });
  const pids = [await pidOf(live), await pidOf(other)];
  const [none] = await optimize(db, ['connection_pool']);
  assert.deepEqual(none?.actions, []);
  assert.equal(none?.before['orphaned'], 0);
  assert.deepEqual([await pidOf(live), await pidOf(other)], pids, 'nobody lost a connection');

  // As if they had been idle for that long.
  const outcome = await optimizeDatabase(db, ['connection_pool'], { recreateIndexes: false, orphanAfterMs: 0 });
  assert.ok(outcome.kind === 'applied' && outcome.applied[0]?.actions.length === 1);
  const { rows } = await db.pool.query<{ pid: number }>('select pid from pg_stat_activity where pid = any($1)', [pids]);
  assert.deepEqual(
    rows.map(({ pid }) => pid),
    pids.slice(1),
  );
});
