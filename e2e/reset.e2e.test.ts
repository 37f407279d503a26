import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '@full-sync/testing';
import pg from 'pg';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const reset = { platforms: 'smartlead', syncMode: 'namespace_reset' };
const leaf = 'event_source_1_smartlead';
/** Some seconds of reading by these limits: a reset can be met in the middle of it. */
const options = {
  simulators: {
    seed: 61,
    size: { smartlead: { campaigns: 8, rows: 640 }, lemlist: { campaigns: 3, activities: 300 } },
  },
  env: { SMARTLEAD_RATE_LIMIT: '3/2s' },
  restart: true,
} as const;

/** Rows that the source does not have: gone when, and only when, the content was replaced. */
const staleRows = 25;

/** A first sync of both platforms, and what tells its rows from those of a reset. */
async function firstContent(pipeline: Pipeline): Promise<void> {
  const first = await pipeline.waitForEnd(await pipeline.execute());
  assert.equal(first.status, 'completed', JSON.stringify(first.error));
  await pipeline.pool.query(
    `insert into ${leaf} (event_id, event_key, namespace, platform, event_type, source_type, occurred_at,
       occurred_at_approximate, properties, fingerprint, job_id)
     select gen_random_uuid(), 'stale_' || n, 'default', 'smartlead', 'stale', 'stale', now(), false, '{}', '\\x0000000000000000', 'job'
     from generate_series(1, $1::integer) n`,
    [staleRows],
  );
}

/** Every row of a platform with its build and what it says, as one number. */
const contentSql = (platform: string): string =>
  `select count(*)::int as rows, count(*) filter (where event_type = 'stale')::int as stale,
     string_agg(distinct tableoid::text, ' ') as build from event_source where platform = '${platform}'`;

type Content = { readonly rows: number; readonly stale: number; readonly build: string | null };

async function contentOf({ pool }: Pipeline, platform: string): Promise<Content> {
  const { rows } = await pool.query<Content>(contentSql(platform));
  return rows[0] ?? { rows: 0, stale: 0, build: null };
}

/** Waits until the reset has gathered rows, with more to come. */
async function inTheMiddle(pipeline: Pipeline, jobId: string): Promise<void> {
  const gathered = async (): Promise<number> =>
    Number((await pipeline.pool.query<{ rows: string }>(`select count(*) as rows from ${leaf}_reset`)).rows[0]?.rows);
  await waitFor(async () => (await gathered()) > 0, { what: 'rows of the new content', deadlineMs: 60_000 });
  assert.equal((await pipeline.status(jobId)).completed_at, null);
}

async function assertNothingLeft({ pool }: Pipeline): Promise<void> {
  const { rows } = await pool.query<{ tables: string; states: string }>(
    `select (select count(*) from pg_class where relname like '%reset%') as tables,
       (select count(*) from leaf_states where shadow_leaf is not null or shadow_job_id is not null) as states`,
  );
  assert.deepEqual(rows, [{ tables: '0', states: '0' }], 'nothing is left of the reset');
}

/** Reads the leaf as often as it can on a connection of its own, and keeps every content that it saw, in order. */
async function startReader(pipeline: Pipeline) {
  const client = new pg.Client({ connectionString: pipeline.databaseUrl });
  await client.connect();
  const seen: string[] = [];
  const stopped = new AbortController();
  let [reads, longestMs] = [0, 0];
  const startedAt = performance.now();
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      const since = performance.now();
      const { rows } = await client.query(contentSql('smartlead'));
      longestMs = Math.max(longestMs, performance.now() - since);
      reads += 1;
      const content = JSON.stringify(rows[0]);
      if (seen.at(-1) !== content) seen.push(content);
    }
  })();
  const stop = async () => {
    stopped.abort();
    await loop;
    return { seen, hertz: (reads * 1_000) / (performance.now() - startedAt), longestMs };
  };
  return {
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await client.end();
    },
  };
}

test('readers see the old content or the new, through the death of each service in the middle of a reset', async (t) => {
  await using pipeline = await startPipeline(options);
  const expected = await expectSync(pipeline);
  await pipeline.explain(async () => {
    await firstContent(pipeline);
    await pipeline.pool.query(`
      create table met (rows bigint not null); insert into met values (0);
      create function meet() returns trigger language plpgsql as $$ begin update met set rows = rows + 1; return null; end $$;
      create trigger meet after insert on ${leaf} for each statement execute function meet();
      create index by_type on ${leaf} (event_type, occurred_at);
      create view types as select event_type, count(*)::int as events from event_source where platform = 'smartlead' group by 1;
      create view leaf_types as select event_type, count(*)::int as events from ${leaf} group by 1;
      grant select on ${leaf} to public`);
    const [before, lemlist] = [await contentOf(pipeline, 'smartlead'), await contentOf(pipeline, 'lemlist')];
    assert.ok(before.rows > 1_000, `only ${before.rows} rows`);

    await using reader = await startReader(pipeline);
    const jobId = await pipeline.execute(reset);
    await inTheMiddle(pipeline, jobId);
    // Somebody has read the table and goes on reading it in the same transaction.
    await using cleanUp = new AsyncDisposableStack();
    const holder = new pg.Client({ connectionString: pipeline.databaseUrl });
    await holder.connect();
    cleanUp.defer(() => holder.end());
    await holder.query('begin isolation level repeatable read');
    const held = async (): Promise<unknown> => (await holder.query(contentSql('smartlead'))).rows[0];
    assert.deepEqual(await held(), before);
    for (const service of ['loader', 'api', 'extractor', 'keyer'] as const)
      await pipeline.service(service).kill('SIGKILL');
    await Promise.all(pipeline.services.map((service) => service.ready()));
    assert.deepEqual(await contentOf(pipeline, 'smartlead'), before);
    await waitFor(
      async () => {
        assert.deepEqual(await held(), before);
        return (await pipeline.status(jobId)).progress.current_stage === 'finalizing';
      },
      { what: 'everything but the swap', deadlineMs: 120_000, intervalMs: 200 },
    );
    const heldFrom = performance.now();
    await waitFor(() => performance.now() - heldFrom > 3_000, { what: 'some attempts to swap', intervalMs: 250 });
    assert.deepEqual(await held(), before);
    assert.equal((await pipeline.status(jobId)).completed_at, null);
    await pipeline.service('api').kill('SIGKILL');
    await holder.query('commit');

    const job = await pipeline.waitForEnd(jobId);
    assert.equal(job.status, 'completed', JSON.stringify(job.error));
    const after = await contentOf(pipeline, 'smartlead');
    await waitFor(async () => (await contentOf(pipeline, 'smartlead')).build !== before.build, { what: 'new content' });
    const { seen, hertz, longestMs } = await reader.stop();
    t.diagnostic(
      `a leaf of ${before.rows} rows was read at ${hertz.toFixed(0)} Hz; longest stall ${longestMs.toFixed(0)} ms`,
    );
    assert.deepEqual(seen, [JSON.stringify(before), JSON.stringify(after)]);
    assert.deepEqual([after.stale, after.rows], [0, before.rows - staleRows]);
    assert.deepEqual(await contentOf(pipeline, 'lemlist'), lemlist);
    await assertRows(pipeline, expected);
    assertBalanced(job.summary);
    assert.equal(job.summary.events_created, after.rows);
    await assertNothingLeft(pipeline);

    const { rows } = await pipeline.pool.query(
      `select to_regclass('by_type') is not null as index, (select rows > 1 from met) as trigger,
         (select sum(events)::int from types) as view, (select sum(events)::int from leaf_types) as leaf_view,
         exists (select from pg_trigger where tgrelid = '${leaf}'::regclass and tgname = 'meet') as kept,
         has_table_privilege('full_sync_reader', '${leaf}', 'select') as granted,
         exists (select from pg_class, aclexplode(relacl) where oid = '${leaf}'::regclass and grantee = 0) as to_all`,
    );
    const all = { index: true, trigger: true, kept: true, granted: true, to_all: true };
    assert.deepEqual(rows, [{ ...all, view: after.rows, leaf_view: after.rows }]);

    const delta = await pipeline.waitForEnd(await pipeline.execute({ syncMode: 'delta_since_last' }));
    assert.equal(delta.status, 'completed', JSON.stringify(delta.error));
    assert.equal(delta.summary.events_created, 0, 'the cursors moved with the swap');
  });
});

test('a reset that fails, is cancelled or finds nothing keeps the old content, and the next one replaces it', async () => {
  await using pipeline = await startPipeline(options);
  await pipeline.explain(async () => {
    await firstContent(pipeline);
    const before = await contentOf(pipeline, 'smartlead');
    const { control } = pipeline.simulators.smartlead;
    const cursors = async (): Promise<unknown> =>
      (await pipeline.pool.query('select * from cursors order by platform, campaign_id')).rows;
    const cursorsBefore = await cursors();
    const assertKept = async (): Promise<void> => {
      assert.deepEqual(await contentOf(pipeline, 'smartlead'), before);
      assert.deepEqual(await cursors(), cursorsBefore);
      await assertNothingLeft(pipeline);
    };

    const cancelled = await pipeline.execute(reset);
    await inTheMiddle(pipeline, cancelled);
    assert.equal((await pipeline.call('DELETE', `/api/full-sync/cancel/${cancelled}`)).status, 200);
    await Promise.all(pipeline.services.map((service) => service.kill('SIGKILL')));
    await Promise.all(pipeline.services.map((service) => service.ready()));
    assert.equal((await pipeline.waitForEnd(cancelled)).status, 'cancelled');
    await assertKept();

    control.fault({ kind: 'rejectKey', path: '/statistics', probability: 1 });
    const failed = await pipeline.waitForEnd(await pipeline.execute(reset));
    assert.deepEqual([failed.status, failed.error?.code], ['failed', 'STREAMS_FAILED']);
    assert.match(failed.error?.message ?? '', /old content is kept/);
    control.clearFaults();
    await assertKept();

    // A rule that the new rows break, made when there was nothing to break it.
    const refused = await pipeline.execute(reset);
    await inTheMiddle(pipeline, refused);
    await pipeline.pool.query(`alter table ${leaf} add constraint only_stale check (event_type = 'stale') not valid`);
    await pipeline.pool.query(`alter table ${leaf} rename constraint only_stale to still_only_stale`);
    await pipeline.pool.query(
      `create unique index one_lead on ${leaf} (campaign_id, lead_email) where event_type <> 'stale' and false`,
    );
    await pipeline.pool.query(`create materialized view frozen as select count(*) from ${leaf}`);
    const verdict = await pipeline.waitForEnd(refused);
    assert.deepEqual([verdict.status, verdict.error?.code], ['failed', 'RESET_REFUSED'], JSON.stringify(verdict));
    assert.match(verdict.error?.message ?? '', /materialized view frozen/);
    await assertKept();
    const impossible = await pipeline.call('POST', '/api/full-sync/execute', reset);
    assert.equal(impossible.status, 400, impossible.text);
    assert.match(impossible.text, /materialized view frozen/);
    await pipeline.pool.query(`drop materialized view frozen; drop index one_lead;
      alter table ${leaf} drop constraint still_only_stale`);

    const completed = await pipeline.waitForEnd(await pipeline.execute(reset));
    assert.equal(completed.status, 'completed', JSON.stringify(completed.error));
    const after = await contentOf(pipeline, 'smartlead');
    assert.deepEqual([after.rows, after.stale], [before.rows - staleRows, 0]);

    const { rows: campaigns } = await pipeline.pool.query<{ id: string }>(
      `select distinct campaign_id as id from event_source where platform = 'smartlead'`,
    );
    const { rows: read } = await pipeline.pool.query<{ id: string }>(
      `select distinct campaign_id as id from streams where platform = 'smartlead' and campaign_id is not null`,
    );
    for (const id of new Set([...campaigns, ...read].map((row) => row.id)))
      control.fault({ kind: 'campaignDeleted', campaignId: id });
    const empty = await pipeline.waitForEnd(await pipeline.execute(reset));
    assert.deepEqual([empty.status, empty.error?.code], ['failed', 'RESET_EMPTY'], JSON.stringify(empty));
    assert.deepEqual(await contentOf(pipeline, 'smartlead'), after);
    await assertNothingLeft(pipeline);
  });
});
