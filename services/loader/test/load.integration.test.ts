import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { deleteRecordsBelow, spawnService, tableChecksum, waitFor } from '@full-sync/testing';
import { countedRows, countsOf, event, events, leafTable, openBench } from './harness.ts';

test('writes each field of an event as it was published', async () => {
  await using bench = await openBench();
  await using loader = await bench.startLoader();
  assert.ok(loader.pid);
  const sent = event(7, { lead_id: 'lea_1', campaign_id: null, campaign_name: null });
  await bench.publish(3, [sent]);
  await bench.loaded(3, 1);
  const { rows } = await bench.db.pool.query(
    `select *, replace(event_id::text, '-', '') as hash, (extract(epoch from occurred_at) * 1000)::bigint::text as at,
       created_at <= now() as created from event_source`,
  );
  const [row] = rows;
  assert.equal(rows.length, 1);
  assert.equal(row.hash, sent.event_key.slice(-32));
  for (const column of [
    'event_key',
    'namespace',
    'platform',
    'event_type',
    'source_type',
    'source_id',
    'job_id',
  ] as const)
    assert.equal(row[column], sent[column]);
  assert.equal(row.campaign_id, null);
  assert.equal(row.campaign_name, null);
  assert.equal(row.lead_email, sent.lead_email);
  assert.equal(row.lead_id, 'lea_1');
  assert.equal(row.at, String(sent.occurred_at));
  assert.equal(row.occurred_at_approximate, false);
  assert.deepEqual(row.properties, JSON.parse(sent.properties));
  assert.deepEqual(row.fingerprint, sent.fingerprint);
  assert.equal(row.created, true);
});

test('drops what Kafka or the keyer repeats, counts what the source repeats, sets collisions aside', async () => {
  await using bench = await openBench();
  await using loader = await bench.startLoader();
  await bench.publish(0, events(0, 500));
  await bench.loaded(0, 500);
  const once = await tableChecksum(bench.db.pool, leafTable);

  // The keyer publishes its last records again: same source positions.
  await bench.publish(0, events(300, 200));
  await bench.loaded(0, 700);
  assert.deepEqual(await countsOf(bench.db, 'job_a'), {
    records_accepted: 500,
    events_derived: 500,
    events_created: 500,
    duplicates: 0,
    collisions: 0,
    dead_lettered: 0,
  });
  assert.equal(await loader.metric('full_sync_loader_dropped_records_total', { reason: 'replayed' }), 200);
  const { rows: efforts } = await bench.db.pool.query<Record<string, number>>(
    `select batches::int, attempts::int, events::int, rows_written::int, busy_ms, write_ms from event_positions where partition = 0`,
  );
  const [effort] = efforts;
  assert.ok(effort !== undefined && (effort['batches'] ?? 0) >= 1, 'batches are counted with their rows');
  // A batch of repeats alone is none.
  assert.deepEqual([effort['events'], effort['rows_written'], effort['attempts']], [500, 500, effort['batches']]);
  assert.ok((effort['write_ms'] ?? 0) > 0 && (effort['busy_ms'] ?? 0) > (effort['write_ms'] ?? 0));

  // Another job reads the source again: same facts at new source positions; one fact has changed under its id.
  const changed = Buffer.from('0102030405060708', 'hex');
  await bench.publish(
    0,
    events(0, 500, (n) => ({
      job_id: 'job_b',
      source_offset: 1_000 + n,
      ...(n === 42 ? { fingerprint: changed, properties: '{"changed":true}' } : {}),
    })),
  );
  await bench.loaded(0, 1_200);
  assert.deepEqual(await countsOf(bench.db, 'job_b'), {
    records_accepted: 500,
    events_derived: 500,
    events_created: 0,
    duplicates: 499,
    collisions: 1,
    dead_lettered: 0,
  });
  assert.deepEqual(await tableChecksum(bench.db.pool, leafTable), once);
  const { rows } = await bench.db.pool.query('select * from event_collisions');
  assert.deepEqual(await countedRows(bench.db), { stored: 500, counted: 500 });
  assert.equal(rows.length, 1);
  assert.deepEqual(rows[0].fingerprint, changed);
  assert.deepEqual(rows[0].kept_fingerprint, event(42).fingerprint);
  assert.deepEqual(rows[0].properties, { changed: true });
  assert.equal(Number(rows[0].times_seen), 1);
  const { rows: users } = await bench.db.pool.query(
    'select job_id, count(*)::int as leads from job_users group by 1 order by 1',
  );
  assert.deepEqual(users, [
    { job_id: 'job_a', leads: 50 },
    { job_id: 'job_b', leads: 50 },
  ]);
});

test('settles repeats and collisions within one batch in the order of the log', async () => {
  await using bench = await openBench();
  const other = Buffer.from('ffffffffffffffff', 'hex');
  const batch = [
    ...events(0, 20),
    event(3, { source_offset: 20 }),
    event(4, { source_offset: 21, fingerprint: other, lead_email: 'second@example.test' }),
    event(4, { source_offset: 22, fingerprint: other, job_id: 'job_b' }),
    event(30, { source_offset: 23, job_id: 'job_b' }),
  ];
  await bench.publish(5, batch);
  await using loader = await bench.startLoader();
  await bench.loaded(5, batch.length);
  assert.ok(!loader.hasExited());
  assert.deepEqual(await countsOf(bench.db, 'job_a'), {
    records_accepted: 22,
    events_derived: 22,
    events_created: 20,
    duplicates: 1,
    collisions: 1,
    dead_lettered: 0,
  });
  const counts = await countsOf(bench.db, 'job_b');
  assert.deepEqual([counts.events_derived, counts.events_created, counts.collisions], [2, 1, 1]);
  const { rows } = await bench.db.pool.query('select lead_email, times_seen::int from event_collisions');
  assert.deepEqual(rows, [{ lead_email: 'second@example.test', times_seen: 2 }]);
  assert.deepEqual(await countedRows(bench.db), { stored: 21, counted: 21 });
  const kept = await bench.db.pool.query('select fingerprint from event_source where source_id = $1', ['s4']);
  assert.deepEqual(kept.rows[0].fingerprint, event(4).fingerprint);
});

test('drops the late events of a job that has ended', async () => {
  await using bench = await openBench();
  await bench.db.pool.query(`update jobs set completed_at = now(), status = 'cancelled' where job_id = 'job_b'`);
  await bench.publish(1, [...events(0, 5), ...events(5, 5, () => ({ job_id: 'job_b' })), ...events(10, 5)]);
  await using loader = await bench.startLoader();
  await bench.loaded(1, 15);
  assert.equal((await countsOf(bench.db, 'job_a')).events_created, 10);
  assert.equal((await countsOf(bench.db, 'job_b')).events_derived, 0);
  assert.equal(await loader.metric('full_sync_loader_dropped_records_total', { reason: 'late' }), 5);
});

test('fills the table of a reset with its events alone, and both with those of other writers', async () => {
  await using bench = await openBench();
  const shadow = `${leafTable}_reset`;
  await bench.db.pool.query(`
    create table ${shadow} (like ${leafTable} including all);
    create unique index one_subject on ${shadow} (campaign_name) where source_id = 's20' or source_id = 's21';
    update leaf_states set shadow_leaf = '${shadow}', shadow_job_id = 'job_b'`);
  const other = Buffer.from('ffffffffffffffff', 'hex');
  const reset = (n: number) => ({ job_id: n % 2 === 0 ? 'job_a' : 'job_b' });
  await bench.publish(3, [
    // Even ones of another writer, odd ones of the reset, in one batch.
    ...events(0, 20, reset),
    // What the reset has may be in both, and collide in both: counted by the live table.
    event(4, { source_offset: 20, job_id: 'job_b' }),
    event(0, { source_offset: 21, fingerprint: other }),
    // The new content refuses the second of these, the old one does not.
    event(20, { source_offset: 22 }),
    event(21, { source_offset: 23 }),
  ]);
  await using loader = await bench.startLoader();
  await bench.loaded(3, 24);
  assert.ok(!loader.hasExited());
  const keys = async (table: string): Promise<readonly number[]> => {
    const { rows } = await bench.db.pool.query<{ n: number }>(
      `select substr(source_id, 2)::int as n from ${table} order by 1`,
    );
    return rows.map(({ n }) => n);
  };
  const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);
  const even = upTo(20).filter((n) => n % 2 === 0);
  assert.deepEqual(await keys(leafTable), [...even, 20, 21]);
  assert.deepEqual(await keys(shadow), upTo(21));
  const [others, own] = [await countsOf(bench.db, 'job_a'), await countsOf(bench.db, 'job_b')];
  assert.deepEqual([others.events_created, others.collisions, others.dead_lettered], [12, 1, 0]);
  assert.deepEqual([own.events_derived, own.events_created, own.duplicates], [11, 10, 1]);
  const { rows: seen } = await bench.db.pool.query('select times_seen::int from event_collisions');
  assert.deepEqual(seen, [{ times_seen: 1 }]);
  // Nobody loses the row that only the new content refused: its letter can be replayed.
  assert.equal((await bench.client.offsets.end(topicNames.deadLetters)).get(0), 1);
  const { rows: counted } = await bench.db.pool.query('select leaf, rows::int from leaf_rows order by leaf');
  assert.deepEqual(counted, [
    { leaf: leafTable, rows: 12 },
    { leaf: shadow, rows: 21 },
  ]);
});

test('dead-letters the rows that a rule of the user refuses and lands the rest', async () => {
  await using bench = await openBench();
  await bench.db.pool.query(`
    alter table event_source add constraint no_bounces check (event_type <> 'email_bounced');
    create unique index one_subject on ${leafTable} (campaign_name) where source_id like 's1%' and campaign_name like 'unique%';
    create function swallow() returns trigger language plpgsql as
      $$ begin if new.source_id = 's77' then return null; end if; return new; end $$;
    create trigger swallow before insert on ${leafTable} for each row execute function swallow()`);
  const bad = events(0, 100, (n) => {
    if (n === 13) return { event_type: 'email_bounced' };
    if (n === 10 || n === 11) return { campaign_name: 'unique name' };
    if (n === 60) return { properties: '{not json' };
    return {};
  });
  await bench.publish(2, bad);
  await bench.producer.send(topicNames.events, [{ partition: 2, key: 'x', value: Buffer.from('no event') }]);
  await using loader = await bench.startLoader();
  await bench.loaded(2, 101);
  assert.ok(!loader.hasExited());
  const counts = await countsOf(bench.db, 'job_a');
  assert.deepEqual([counts.events_derived, counts.events_created, counts.dead_lettered], [100, 96, 4]);
  const ends = await bench.client.offsets.end(topicNames.deadLetters);
  assert.equal(ends.get(0), 5);
  assert.deepEqual(await countedRows(bench.db), { stored: 96, counted: 96 });
});

test('reads again from its own position when the database is behind the group', async () => {
  await using bench = await openBench();
  await bench.publish(4, events(0, 50));
  {
    await using first = await bench.startLoader();
    await bench.loaded(4, 50);
    await waitFor(async () => (await bench.client.offsets.group('loader', topicNames.events)).get(4) === 50, {
      what: 'the group offset to follow',
    });
    assert.ok(!first.hasExited());
  }
  // As after restoring a backup: rows, counts and positions of an earlier moment.
  await bench.db.pool.query(
    `truncate event_source, job_counts; update event_positions set next_offset = 0, sources = '{}' where partition = 4`,
  );
  await bench.publish(4, events(50, 1));
  await using loader = await bench.startLoader();
  await bench.loaded(4, 51);
  assert.ok(!loader.hasExited());
  assert.equal((await countsOf(bench.db, 'job_a')).events_created, 51);
});

test('halts when records are gone before they were loaded, and says which', async () => {
  await using bench = await openBench();
  await bench.publish(6, events(0, 40));
  await deleteRecordsBelow(bench.client, topicNames.events, 6, 25);
  await using loader = await spawnService({ name: 'loader', env: bench.env });
  const exit = await loader.exited;
  assert.equal(exit.code, 1);
  assert.match(loader.output(), /Offsets 0 to 24 of outreach\.events\/6 are gone/);
  assert.match(loader.output(), /accept-gap --group loader --topic outreach\.events --partition 6/);
  assert.equal((await countsOf(bench.db, 'job_a')).events_created, 0);
});
