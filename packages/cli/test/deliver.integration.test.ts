import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import {
  claimBackfill,
  connectDatabase,
  endBackfill,
  ensureNamespace,
  migrate,
  noteDestination,
} from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { freshDatabase, waitFor } from '@full-sync/testing';
import { runCli } from './run-cli.ts';

async function openDatabase(url: string): Promise<Database> {
  const config = { DATABASE_URL: url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 2 };
  const db = await connectDatabase({ config, applicationName: 'test' });
  await migrate(db);
  await db.transaction((client) => ensureNamespace(client, { namespace: 'acme', platforms: ['smartlead'] }));
  return db;
}

const order = ['deliver', '--destination', 'mixpanel', '--namespace', 'acme'];

test('an order is stored for the service of the destination, listed, and can be ended', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  await using db = await openDatabase(database.url);
  assert.match((await runCli(['deliveries', 'list'], env)).stdout, /Nothing has been ordered/);
  const stored = await runCli([...order, '--since', '2024-02-29', '--detach'], env);
  const id = stored.stdout.trim();
  assert.match(id, /^deliver_[0-9a-z]+$/);
  const { rows } = await db.pool.query('select destination, namespace, since, status from delivery_backfills');
  assert.deepEqual(rows, [
    { destination: 'mixpanel', namespace: 'acme', since: new Date('2024-02-29T00:00:00Z'), status: 'waiting' },
  ]);
  assert.match((await runCli(['deliveries', 'list'], env)).stdout, new RegExp(`${id} +mixpanel +acme .* waiting`));
  assert.match((await runCli(['deliveries', 'cancel', id], env)).stdout, /cancelled/);
  assert.equal((await runCli(['deliveries', 'cancel', id], env)).code, 1);
  assert.equal(await claimBackfill(db.pool, { destination: 'mixpanel', owner: 'test', leaseMs: 1_000 }), null);
});

test('the command follows its order to the end, and its exit code says how that was', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  await using db = await openDatabase(database.url);
  for (const [status, code] of [
    ['done', 0],
    ['failed', 1],
  ] as const) {
    const running = runCli(order, env);
    const claim = () => claimBackfill(db.pool, { destination: 'mixpanel', owner: 'test', leaseMs: 60_000 });
    const claimed = await waitFor(claim, { deadlineMs: 60_000, what: 'the order to be stored' });
    assert.ok(claimed !== null && typeof claimed === 'object');
    await db.pool.query('update delivery_backfills set total = 1200, looked_at = 1200, sent = 1000, skipped = 200');
    const error = status === 'failed' ? { code: 'NO_CREDENTIALS', message: 'There are no credentials.' } : null;
    await endBackfill(db.pool, claimed, { status, error });
    const run = await running;
    assert.equal(run.code, code);
    assert.match(run.stdout, new RegExp(`${status}: 1,200 of 1,200 events looked at, 1,000 sent, 200 skipped`));
    if (error !== null) assert.match(run.stdout, /There are no credentials/);
  }
});

test('what cannot be meant is refused, with what was expected', async () => {
  await using database = await freshDatabase();
  const env = { DATABASE_URL: database.url, FULL_SYNC_HOME: tmpdir() };
  await using db = await openDatabase(database.url);
  for (const since of ['yesterday', '2024-02-30', '2024-13-01', '2024-01-01T25:00'])
    assert.equal((await runCli([...order, '--since', since], env)).code, 2, since);
  const unknown = await runCli(['deliver', '--destination', 'mixpanel', '--namespace', 'nobody'], env);
  assert.deepEqual([unknown.code, /no namespace nobody/.test(unknown.stderr)], [1, true]);
  assert.equal((await runCli(['deliver', '--destination', 'Mix Panel', '--namespace', 'acme'], env)).code, 2);
  await noteDestination(db.pool, 'file');
  const misspelt = await runCli(['deliver', '--destination', 'mixpanle', '--namespace', 'acme', '--detach'], env);
  assert.equal(misspelt.code, 2);
  assert.match(misspelt.stderr, /there is no destination mixpanle; expected one of attio, file, mixpanel/);
  assert.equal((await runCli(['deliver', '--namespace', 'acme'], env)).code, 2);
  assert.equal((await runCli(['deliver', '--destination', 'mixpanel'], env)).code, 2);
  const { rows } = await db.pool.query('select from delivery_backfills');
  assert.equal(rows.length, 0);
  const own = await runCli(['deliver', '--destination', 'file', '--namespace', 'acme', '--detach'], env);
  assert.equal(own.code, 0, own.stderr);
});
