import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { freshDatabase, waitFor } from '@full-sync/testing';
import pg from 'pg';
import {
  connectDatabase,
  createShadows,
  endJob,
  ensureAccount,
  ensureNamespace,
  insertJob,
  markExtracted,
  migrate,
  prepareSwap,
  ResetRefusedError,
  SwapBlockedError,
} from '../src/index.ts';
import type { Database, Ending, EndingFacts } from '../src/index.ts';

const live = 'event_source_1_smartlead';
const shadow = `${live}_reset`;

interface Fixture extends AsyncDisposable {
  readonly db: Database;
  /** A connection of a user's own. */
  readonly connect: () => Promise<pg.Client>;
  /** Submits a reset whose reading has ended. */
  readonly reset: () => Promise<string>;
}

async function openFixture(): Promise<Fixture> {
  await using stack = new AsyncDisposableStack();
  const fresh = stack.use(await freshDatabase());
  const config = { DATABASE_URL: fresh.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 4 };
  const db = stack.use(await connectDatabase({ config, applicationName: 'test' }));
  await migrate(db);
  const accountId = await ensureAccount(db.pool, {
    platform: 'smartlead',
    keyHash: randomBytes(32),
    label: 'test',
    configuredLimit: null,
  });
  await db.transaction((client) => ensureNamespace(client, { namespace: 'test', platforms: ['smartlead', 'lemlist'] }));
  const owned = stack.move();
  return {
    db,
    connect: async () => {
      const client = new pg.Client({ connectionString: fresh.url });
      await client.connect();
      owned.defer(() => client.end());
      return client;
    },
    reset: async () => {
      const jobId = `job_${randomBytes(6).toString('hex')}`;
      await db.transaction(async (client) => {
        await insertJob(client, {
          jobId,
          syncMode: 'namespace_reset',
          config: {},
          warnings: [],
          parallelWorkers: 4,
          batchSize: null,
          windowEnd: new Date(),
          targets: [{ namespace: 'test', platform: 'smartlead', accountId }],
        });
        await createShadows(client, jobId);
      });
      await db.pool.query(`update streams set status = 'done', ended_at = now() where job_id = $1`, [jobId]);
      assert.equal(await markExtracted(db, jobId), true);
      return jobId;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Rows of one build: `event_type` tells them apart. */
async function fill(db: Database, table: string, rows: number, build: string, platform = 'smartlead'): Promise<void> {
  await db.pool.query(
    `insert into ${table} (event_id, event_key, namespace, platform, event_type, source_type, occurred_at,
       occurred_at_approximate, properties, fingerprint, job_id)
     select md5(n::text)::uuid, 'key_' || n, 'test', $3, $2, 'sent', now(), false, '{}', '\\x0000000000000000', 'job'
     from generate_series(1, $1::integer) n`,
    [rows, build, platform],
  );
}

function endingAs(status: Ending['status']): (facts: EndingFacts) => Ending {
  const ending = { summary: {}, progress: {}, error: null, warnings: [], movesCursors: true };
  return () => ({ ...ending, status });
}

async function swap(db: Database, jobId: string): Promise<void> {
  assert.equal(await prepareSwap(db, jobId), true);
  assert.notEqual(await endJob(db, jobId, endingAs('completed')), null);
}

async function valueOf(db: Database, text: string): Promise<unknown> {
  const { rows } = await db.pool.query<{ value: unknown }>(`select (${text}) as value`);
  return rows[0]?.value;
}

test('indexes, constraints, triggers, grants, policies, settings and comments survive under their names', async () => {
  await using fixture = await openFixture();
  const { db } = fixture;
  const role = `reader_test_${randomBytes(4).toString('hex')}`;
  await db.pool.query(`create role ${role}`);
  try {
    await db.pool.query(`
      create table audit (rows bigint not null); insert into audit values (0);
      create table kinds (kind text primary key); insert into kinds values ('old'), ('new');
      create function count_row() returns trigger language plpgsql as $$ begin update audit set rows = rows + 1; return new; end $$;
      create index by_lead on ${live} (lower(lead_email), occurred_at desc) where lead_email is not null;
      comment on index by_lead is 'It''s mine';
      create index everywhere on event_source (campaign_id);
      alter table ${live} add constraint "Late" check (occurred_at > '2000-01-01');
      alter table ${live} add constraint one_key unique (event_key) deferrable initially deferred;
      alter table ${live} add constraint known_kind foreign key (event_type) references kinds;
      create trigger count_here after insert on ${live} for each row when (new.job_id <> '') execute function count_row();
      create trigger count_everywhere before insert on event_source for each row execute function count_row();
      alter table ${live} disable trigger count_here;
      grant select, references on ${live} to ${role} with grant option;
      grant update (campaign_name) on ${live} to ${role};
      alter table ${live} set (autovacuum_vacuum_insert_scale_factor = 0.05);
      comment on table ${live} is 'a \\ comment';
      alter table ${live} enable row level security;
      create policy only_old on ${live} for select to ${role} using (event_type <> 'x');
      create view own_view with (security_barrier = true) as select event_type, count(*) as events from ${live} group by 1;
      create view whole_view as select event_type, count(*) as events from event_source group by 1;
      grant select on own_view, whole_view to ${role}`);
    const shape = `select jsonb_build_object(
      'indexes', (select jsonb_agg(indexdef || coalesce(obj_description(to_regclass(indexname)), '') order by indexname) from pg_indexes where tablename = '${live}'),
      'attached', (select jsonb_agg(inhrelid::regclass::text order by inhrelid::regclass::text) from pg_inherits where inhparent in (select indexrelid from pg_index where indrelid = 'event_source_1'::regclass)),
      'constraints', (select jsonb_agg(conname || pg_get_constraintdef(oid) order by conname) from pg_constraint where conrelid = '${live}'::regclass),
      'triggers', (select jsonb_agg(concat(pg_get_triggerdef(oid), tgenabled, tgparentid <> 0) order by tgname) from pg_trigger where tgrelid = '${live}'::regclass and not tgisinternal),
      'grants', (select jsonb_agg(concat(privilege_type, is_grantable, grantee::regrole) order by concat(privilege_type, grantee)) from pg_class, aclexplode(relacl) where oid = '${live}'::regclass),
      'columns', (select jsonb_agg(concat(attname, attacl) order by attname) from pg_attribute where attrelid = '${live}'::regclass and attacl is not null),
      'policies', (select jsonb_agg(to_jsonb(p)) from pg_policies p where tablename = '${live}'),
      'table', (select jsonb_build_array(reloptions, relrowsecurity, relforcerowsecurity, relowner, obj_description(oid)) from pg_class where oid = '${live}'::regclass),
      'views', (select jsonb_agg(concat(viewname, definition, c.relacl, c.reloptions) order by viewname) from pg_views join pg_class c on c.relname = viewname where viewname like '%\\_view'))`;
    await fill(db, live, 3, 'old');
    const [before, oldOid] = [await valueOf(db, shape), await valueOf(db, `'${live}'::regclass::oid`)];
    const jobId = await fixture.reset();
    await fill(db, shadow, 5, 'new');
    await swap(db, jobId);
    assert.deepEqual(await valueOf(db, shape), before);
    assert.notEqual(await valueOf(db, `'${live}'::regclass::oid`), oldOid);
    const rows = `select jsonb_agg(v) from`;
    assert.deepEqual(await valueOf(db, `${rows} own_view v`), [{ event_type: 'new', events: 5 }]);
    assert.deepEqual(await valueOf(db, `${rows} whole_view v`), [{ event_type: 'new', events: 5 }]);
    // Three old rows and five new ones, each met by the trigger of the whole table.
    assert.equal(await valueOf(db, 'select rows from audit'), '8');
    assert.deepEqual(
      await valueOf(db, `select jsonb_agg(relname) from pg_class where relname like '%reset%'`),
      null,
      'nothing is left of the reset',
    );
    assert.deepEqual(await valueOf(db, `select shadow_leaf from leaf_states where platform = 'smartlead'`), null);
    // And once more, since the second reset starts from what the first one left.
    const second = await fixture.reset();
    await fill(db, shadow, 2, 'new');
    await swap(db, second);
    assert.deepEqual(await valueOf(db, shape), before);
  } finally {
    await db.pool.query(`drop owned by ${role}; drop role ${role}`);
  }
});

test('what was changed on the live table during the reset is there after it', async () => {
  await using fixture = await openFixture();
  const { db } = fixture;
  await db.pool.query(`create index dropped on ${live} (lead_id); create index changed on ${live} (lead_id)`);
  await fill(db, live, 3, 'old');
  const jobId = await fixture.reset();
  await fill(db, shadow, 3, 'new');
  await db.pool.query(`
    drop index dropped; drop index changed; create index changed on ${live} (campaign_id);
    create unique index added on ${live} (event_key); create index all_of_them on event_source (source_id);
    alter table ${live} add constraint typed check (event_type <> '')`);
  await swap(db, jobId);
  const indexes = `select array_agg(indexname::text order by indexname) from pg_indexes where tablename = '${live}'`;
  assert.deepEqual(await valueOf(db, indexes), [
    'added',
    'changed',
    `${live}_created_at_idx`,
    `${live}_pkey`,
    `${live}_source_id_idx`,
  ]);
  assert.match(String(await valueOf(db, `pg_get_indexdef('changed'::regclass)`)), /campaign_id/);
  assert.equal(
    await valueOf(db, `exists (select from pg_constraint where conrelid = '${live}'::regclass and conname = 'typed')`),
    true,
  );
});

test('a rule made during the reset that the new rows break, and what hangs on the old table, keep the old content', async () => {
  await using fixture = await openFixture();
  const { db } = fixture;
  await fill(db, live, 3, 'old');
  const jobId = await fixture.reset();
  await fill(db, shadow, 3, 'new');
  await db.pool.query(`alter table ${live} add constraint old_only check (event_type = 'old')`);
  await assert.rejects(
    prepareSwap(db, jobId),
    (error) => error instanceof ResetRefusedError && /old_only/.test(error.message),
  );
  await db.pool.query(`alter table ${live} drop constraint old_only;
    create function reads() returns bigint begin atomic select count(*) from ${live}; end`);
  assert.equal(await prepareSwap(db, jobId), true);
  await assert.rejects(
    endJob(db, jobId, endingAs('completed')),
    (error) => error instanceof ResetRefusedError && /depend/.test(error.message),
  );
  assert.equal(await valueOf(db, `select string_agg(distinct event_type, ' ') from event_source`), 'old');
  assert.notEqual(await endJob(db, jobId, endingAs('failed')), null);
  assert.equal(await valueOf(db, `to_regclass('${shadow}')`), null);
  assert.equal(await valueOf(db, 'select count(*) from event_source'), '3');
});

test('a reset waits for a transaction that has read the table, and keeps others waiting only briefly for it', async (t) => {
  await using fixture = await openFixture();
  const { db } = fixture;
  await fill(db, live, 1_000, 'old');
  await fill(db, 'event_source_1_lemlist', 7, 'other', 'lemlist');
  const jobId = await fixture.reset();
  await fill(db, shadow, 1_000, 'new');
  const builds = `select string_agg(distinct event_type, ' ' order by event_type) as builds, count(*)::int as rows, count(distinct tableoid)::int as tables from event_source where platform = 'smartlead'`;
  const holder = await fixture.connect();
  await holder.query('begin isolation level repeatable read');
  assert.deepEqual((await holder.query(builds)).rows, [{ builds: 'old', rows: 1_000, tables: 1 }]);

  const reader = await fixture.connect();
  const stopped = new AbortController();
  let [reads, longestMs] = [0, 0];
  const seen = new Map<string, number>();
  const startedAt = performance.now();
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      const since = performance.now();
      const { rows } = await reader.query(builds);
      longestMs = Math.max(longestMs, performance.now() - since);
      const key = JSON.stringify(rows[0]);
      seen.set(key, (seen.get(key) ?? 0) + 1);
      reads += 1;
    }
  })();
  assert.equal(await prepareSwap(db, jobId), true);
  for (let attempt = 0; attempt < 3; attempt += 1)
    await assert.rejects(
      endJob(db, jobId, endingAs('completed')),
      (error) => error instanceof SwapBlockedError && !error.needsPreparing,
    );
  assert.deepEqual((await holder.query(builds)).rows, [{ builds: 'old', rows: 1_000, tables: 1 }]);
  await holder.query('commit');
  const swappedFrom = performance.now();
  await waitFor(
    async () => {
      try {
        return (await endJob(db, jobId, endingAs('completed'))) !== null;
      } catch (error) {
        if (error instanceof SwapBlockedError) return false;
        throw error;
      }
    },
    { what: 'the swap', deadlineMs: 60_000 },
  );
  const swapMs = performance.now() - swappedFrom;
  await waitFor(() => seen.size > 1, { what: 'the reader to see the new content', deadlineMs: 5_000 });
  stopped.abort();
  await loop;
  const hertz = (reads * 1000) / (performance.now() - startedAt);
  t.diagnostic(
    `${reads} readings at ${hertz.toFixed(0)} Hz, longest stall ${longestMs.toFixed(0)} ms, ending with swap ${swapMs.toFixed(0)} ms`,
  );
  assert.deepEqual(
    [...seen.keys()],
    [
      JSON.stringify({ builds: 'old', rows: 1_000, tables: 1 }),
      JSON.stringify({ builds: 'new', rows: 1_000, tables: 1 }),
    ],
  );
  assert.equal(await valueOf(db, `select count(*) from event_source where platform = 'lemlist'`), '7');
});
