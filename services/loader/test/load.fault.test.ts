import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { createKafkaProxy, createTcpProxy, kafkaApi, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import { countedRows, countsOf, events, leafTable, openBench } from './harness.ts';
import type { Bench } from './harness.ts';

const partitions = 12;
const perPartition = 4_000;

/** Publishes the same number of events to every partition; facts differ between partitions. */
async function publishEverywhere(bench: Bench, from = 0): Promise<number> {
  for (let partition = 0; partition < partitions; partition += 1) {
    const first = partition * 1_000_000 + from;
    await bench.publish(
      partition,
      events(first, perPartition, (n) => ({ source_offset: n - partition * 1_000_000 })),
    );
  }
  return partitions * perPartition;
}

async function assertExact(bench: Bench, total: number): Promise<void> {
  const { rows } = await bench.db.pool.query<{ rows: number; keys: number }>(
    'select count(*)::int as rows, count(distinct event_key)::int as keys from event_source',
  );
  assert.deepEqual(rows, [{ rows: total, keys: total }]);
  assert.deepEqual(await countedRows(bench.db), { stored: total, counted: total });
  assert.deepEqual(await countsOf(bench.db, 'job_a'), {
    records_accepted: total,
    events_derived: total,
    events_created: total,
    duplicates: 0,
    collisions: 0,
    dead_lettered: 0,
  });
}

const rowsNow = async (bench: Bench): Promise<number> =>
  (await bench.db.pool.query<{ rows: number }>('select count(*)::int as rows from event_source')).rows[0]?.rows ?? 0;

test('two loaders that are killed again and again leave each event once, and exact counts', async () => {
  await using bench = await openBench();
  const total = await publishEverywhere(bench);
  let kills = 0;
  // Each kill lands at another share of the rows, so that it meets other moments of the transaction.
  for (const share of [0.15, 0.5, 0.85]) {
    await using one = await bench.startLoader();
    await using two = await bench.startLoader();
    await waitFor(async () => (await rowsNow(bench)) >= total * share, {
      what: `${share} of the rows`,
      deadlineMs: 40_000,
      intervalMs: 2,
    });
    await Promise.all([one.kill('SIGKILL'), two.kill('SIGKILL')]);
    kills += 2;
  }
  await using last = await bench.startLoader();
  for (let partition = 0; partition < partitions; partition += 1) await bench.loaded(partition, perPartition, 60_000);
  assert.ok(kills === 6 && !last.hasExited());
  await assertExact(bench, total);
});

test('a loader frozen inside its transaction is overtaken, and finds nothing to do when it wakes', async () => {
  await using bench = await openBench();
  // A trigger that waits for the test freezes the first loader in mid-COPY, its position row locked.
  await bench.db.pool.query(`
    create table gate (open boolean); insert into gate values (false);
    create function wait_at_gate() returns trigger language plpgsql as $$ begin
      while not (select open from gate) loop perform pg_sleep(0.05); end loop; return null; end $$;
    create trigger wait_at_gate before insert on ${leafTable} for each statement execute function wait_at_gate()`);
  await bench.publish(0, events(0, 2_000));
  await using frozen = await bench.startLoader();
  const copying = `select count(*)::int as copies from pg_stat_activity where datname = current_database() and query ilike 'copy%' and state = 'active'`;
  await waitFor(async () => (await bench.db.pool.query<{ copies: number }>(copying)).rows[0]?.copies === 1, {
    what: 'the COPY to be open',
    deadlineMs: 60_000,
  });
  frozen.signal('SIGSTOP');
  await bench.db.pool.query('update gate set open = true');
  await using successor = await bench.startLoader();
  await bench.loaded(0, 2_000, 60_000);
  frozen.signal('SIGCONT');
  await bench.publish(0, events(2_000, 500));
  await bench.loaded(0, 2_500, 60_000);
  assert.ok(!successor.hasExited());
  await assertExact(bench, 2_500);
});

test('drains on SIGTERM: what is in work is committed, in Postgres and in the group', async () => {
  await using bench = await openBench();
  const total = await publishEverywhere(bench);
  const loader = await bench.startLoader();
  await waitFor(async () => (await rowsNow(bench)) > 0, { what: 'the first rows', intervalMs: 2, deadlineMs: 60_000 });
  assert.equal((await loader.kill('SIGTERM')).code, 0);
  const group = await bench.client.offsets.group('loader', topicNames.events);
  const { rows } = await bench.db.pool.query<{ partition: number; next_offset: string }>(
    'select partition, next_offset from event_positions where next_offset > 0',
  );
  assert.ok(rows.length > 0);
  for (const row of rows) assert.equal(group.get(row.partition), Number(row.next_offset));
  await using second = await bench.startLoader();
  for (let partition = 0; partition < partitions; partition += 1) await bench.loaded(partition, perPartition, 60_000);
  assert.ok(!second.hasExited());
  await assertExact(bench, total);
});

test('a lost answer to COMMIT and a broken database connection double nothing', async () => {
  await using bench = await openBench();
  const target = new URL(stackAddresses().databaseUrl);
  await using proxy = await createTcpProxy({ target: { host: target.hostname, port: Number(target.port) } });
  const url = new URL(bench.env.DATABASE_URL ?? '');
  url.port = String(proxy.port);
  const env = { ...bench.env, DATABASE_URL: url.href };
  let total = 0;
  for (const [round, fault] of (['commit', 'cut', 'commit'] as const).entries()) {
    total += await publishEverywhere(bench, round * perPartition);
    const struck = fault === 'commit' ? proxy.dropReplyOnce((bytes) => bytes.includes('commit\0')) : undefined;
    await using loader = await spawnService({ name: 'loader', env });
    if (struck === undefined) {
      const before = await rowsNow(bench);
      await waitFor(async () => (await rowsNow(bench)) > before, {
        what: 'more rows',
        intervalMs: 2,
        deadlineMs: 40_000,
      });
      proxy.cut();
    }
    await waitFor(() => loader.hasExited(), { what: `the loader to end after ${fault}`, deadlineMs: 40_000 });
    const exit = await loader.exited;
    assert.ok(exit.code === 1 || exit.code === 3, `exit ${String(exit.code)}: ${loader.output()}`);
    await struck;
  }
  await using last = await bench.startLoader();
  for (let partition = 0; partition < partitions; partition += 1)
    await bench.loaded(partition, 3 * perPartition, 60_000);
  assert.ok(!last.hasExited());
  await assertExact(bench, total);
});

test('a lost answer to an offset commit, and a broker out of reach for a while, double nothing', async () => {
  await using bench = await openBench();
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  const env = { ...bench.env, KAFKA_BROKERS: proxy.brokers };
  const total = await publishEverywhere(bench);
  await using loader = await spawnService({ name: 'loader', env });
  const lost = proxy.dropReplyOnce(kafkaApi.offsetCommit);
  await waitFor(async () => loader.hasExited() || (await rowsNow(bench)) > total / 4, {
    what: 'progress',
    deadlineMs: 40_000,
  });
  await lost;
  proxy.cut();
  await using helper = await bench.startLoader();
  for (let partition = 0; partition < partitions; partition += 1) await bench.loaded(partition, perPartition, 60_000);
  assert.ok(!helper.hasExited());
  await assertExact(bench, total);
});
