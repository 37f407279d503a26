import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  connectDatabase,
  endJob,
  ensureAccount,
  ensureNamespace,
  insertJob,
  markExtracted,
  migrate,
} from '../src/index.ts';
import { commitChunk, insertDeadLetters, readJob, readJobFacts, readLastRun, saveProgress } from '../src/index.ts';
import type { Database } from '../src/index.ts';
import { freshDatabase, randomSuffix, waitFor } from '@full-sync/testing';

const scope = new AsyncDisposableStack();
let db: Database;
before(async () => {
  const { url } = scope.use(await freshDatabase());
  const config = { DATABASE_URL: url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 8 };
  db = scope.use(await connectDatabase({ config, applicationName: 'database-test' }));
  await migrate(db);
});
after(async () => {
  await scope.disposeAsync();
});

async function newJob(
  namespace = `n${randomSuffix()}`,
): Promise<{ readonly jobId: string; readonly namespace: string }> {
  const jobId = `job_${randomSuffix()}`;
  await db.transaction(async (client) => {
    await ensureNamespace(client, { namespace, platforms: ['smartlead'] });
    const account = { platform: 'smartlead', keyHash: Buffer.alloc(32), label: 'a key', configuredLimit: null };
    const accountId = await ensureAccount(client, account);
    await insertJob(client, {
      jobId,
      syncMode: 'full_historical',
      config: {},
      warnings: [],
      parallelWorkers: 4,
      batchSize: null,
      windowEnd: new Date('2025-01-01T00:00:00.123Z'),
      targets: [{ namespace, platform: 'smartlead', accountId }],
    });
  });
  return { jobId, namespace };
}

const progressOf = async (jobId: string): Promise<Record<string, unknown>> =>
  Object.fromEntries(Object.entries((await readJob(db.pool, jobId))?.progress ?? {}));

test('a job comes with its first walk, pinned to its upper bound', async () => {
  const { jobId, namespace } = await newJob();
  const { rows } = await db.pool.query(
    'select namespace, kind, status, window_start, window_end from streams where job_id = $1',
    [jobId],
  );
  const windowEnd = new Date('2025-01-01T00:00:00.123Z');
  assert.deepEqual(rows, [
    { namespace, kind: 'discover', status: 'pending', window_start: null, window_end: windowEnd },
  ]);
});

test('what is shown never falls and stays below 100, whoever writes in whatever order', async () => {
  const { jobId } = await newJob();
  const write = async (percentage: number, items: number, observedAtMs: number): Promise<void> => {
    const progress = { percentage, processed_items: items, total_items: items };
    await saveProgress(db.pool, jobId, { progress, summary: {}, observedAtMs });
  };
  let last = 0;
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      Array.from({ length: 6 }, async (_, copy) => {
        await write((round * 7 + copy * 13) % 120, (round * 11 + copy * 5) % 90, round * 10 + copy);
      }),
    );
    const { percentage, processed_items: items, total_items: total } = await progressOf(jobId);
    assert.ok(Number(percentage) >= last && Number(percentage) <= 99);
    assert.ok(Number(total) >= Number(items));
    last = Number(percentage);
  }
  await write(99, 5_000, 1);
  assert.ok(Number((await progressOf(jobId))['processed_items']) < 5_000, 'an older snapshot changes nothing');
});

test('making a partition waits neither for readers nor for writers of the table', async () => {
  const { namespace } = await newJob();
  const reader = await db.pool.connect();
  try {
    await reader.query('begin');
    await reader.query('select count(*) from event_source');
    await reader.query(
      `insert into event_source (event_id, event_key, namespace, platform, event_type, source_type, occurred_at,
         occurred_at_approximate, properties, fingerprint, job_id)
       values (gen_random_uuid(), 'k', $1, 'smartlead', 't', 't', now(), false, '{}', '\\x0000000000000000', 'j')`,
      [namespace],
    );
    const made = await db.transaction(async (client) => {
      await client.query(`set local statement_timeout = '3s'`);
      return await ensureNamespace(client, { namespace: `n${randomSuffix()}`, platforms: ['smartlead', 'lemlist'] });
    });
    assert.equal(made.created, true);
    await reader.query('commit');
  } finally {
    reader.release();
  }
});

test('callers that make one namespace at once get the same leaves', async () => {
  const namespace = `n${randomSuffix()}`;
  const made = await Promise.all(
    [['smartlead'], ['lemlist'], ['smartlead', 'lemlist'], ['lemlist', 'smartlead']].map(
      async (platforms) =>
        await db.transaction(async (client) => await ensureNamespace(client, { namespace, platforms })),
    ),
  );
  assert.equal(made.filter(({ created }) => created).length, 1);
  assert.equal(new Set(made.map(({ namespaceId }) => namespaceId)).size, 1);
  const { rows } = await db.pool.query('select platform from leaf_states where namespace = $1 order by 1', [namespace]);
  assert.deepEqual(rows, [{ platform: 'lemlist' }, { platform: 'smartlead' }]);
});

const ending = {
  status: 'completed',
  summary: {},
  progress: {},
  error: null,
  warnings: [],
  movesCursors: false,
} as const;

test('ending a job waits for a loader that holds its row, and then sees what that has committed', async () => {
  const { jobId } = await newJob();
  await db.pool.query(`update streams set status = 'done' where job_id = $1`, [jobId]);
  assert.equal(await markExtracted(db, jobId), true);
  const loader = await db.pool.connect();
  try {
    await loader.query('begin');
    await loader.query('select from jobs where job_id = $1 for key share', [jobId]);
    const counted = Promise.withResolvers<number>();
    const ended = endJob(db, jobId, (facts) => {
      counted.resolve(facts.tallies[0]?.recordsAccepted ?? -1);
      return ending;
    });
    await loader.query(
      `insert into job_counts (job_id, platform, partition, records_accepted) values ($1, 'smartlead', 0, 7)`,
      [jobId],
    );
    await loader.query('commit');
    assert.equal((await ended)?.status, 'completed');
    assert.equal(await counted.promise, 7);
  } finally {
    loader.release();
  }
  assert.equal(await endJob(db, jobId, () => assert.fail('it has ended')), null);
  assert.equal(await readJobFacts(db.pool, jobId), null);
});

test('the facts say until when limits, pauses and the pace of the job let nothing through', async () => {
  const { jobId } = await newJob();
  const account = { platform: 'smartlead', keyHash: Buffer.alloc(32, 7), label: 'a key' };
  const configuredLimit = [
    { count: 2, spanMs: 60_000 },
    { count: 3, spanMs: 600_000 },
  ];
  const accountId = await ensureAccount(db.pool, { ...account, configuredLimit });
  await db.pool.query('update job_accounts set account_id = $2 where job_id = $1', [jobId, accountId]);
  const limitedMs = async (): Promise<number> =>
    Math.round(((await readJobFacts(db.pool, jobId))?.accounts[0]?.limitedUntilMs ?? NaN) - Date.UTC(2025, 0, 1));
  const settleAt = async (second: number): Promise<void> => {
    await db.pool.query(
      `insert into permits (account_id, slot_at, settled_at)
       select $1, at, at from to_timestamp($2::float8 / 1000) as at`,
      [accountId, Date.UTC(2025, 0, 1) + second * 1_000],
    );
  };
  await settleAt(0);
  assert.equal(await limitedMs(), -Date.UTC(2025, 0, 1), 'a place is free');
  await settleAt(10);
  assert.equal(await limitedMs(), 60_000);
  await settleAt(20);
  assert.equal(await limitedMs(), 600_000, 'the longer span holds up longer');
  await db.pool.query(
    `update job_accounts set requests_per_second = 0.01, burst_size = 2, paced_until = '2025-01-01T01:00:00Z'
     where job_id = $1`,
    [jobId],
  );
  assert.equal(await limitedMs(), 3_500_000);
  await db.pool.query(`update accounts set paused_until = '2025-01-01T02:00:00Z' where account_id = $1`, [accountId]);
  assert.equal(await limitedMs(), 7_200_000);
});

test('a job does not end while a lease is live, nor before its extraction has', async () => {
  const { jobId } = await newJob();
  const judge = (): never => assert.fail('it must not be judged');
  assert.equal(await endJob(db, jobId, judge), null);
  await db.pool.query(`update jobs set ending = 'failed' where job_id = $1`, [jobId]);
  await db.pool.query(
    `update streams set lease_epoch = 1, lease_owner = 'x', lease_until = now() + interval '1 minute' where job_id = $1`,
    [jobId],
  );
  assert.equal(await markExtracted(db, jobId), false);
});

test('when a job is ending, a silent extractor is fenced off: its late chunk is stale', async () => {
  const { jobId } = await newJob();
  const { rows } = await db.pool.query<{ stream_id: string }>(
    `update streams set lease_epoch = 1, lease_owner = 'x', lease_until = now() - interval '1 s'
     where job_id = $1 returning stream_id`,
    [jobId],
  );
  assert.equal(await markExtracted(db, jobId), false, 'a job that is not ending waits for its walks');
  await db.pool.query(`update jobs set ending = 'cancelled' where job_id = $1`, [jobId]);
  assert.equal(await markExtracted(db, jobId), true);
  const late = await commitChunk(db, {
    streamId: Number(rows[0]?.stream_id),
    epoch: 1,
    jobId,
    progress: null,
    outcome: { kind: 'done' },
    warning: null,
    abandoned: false,
  });
  assert.equal(late, 'stale');
});

test('streams that a chunk adds while its job is looked at are not overlooked', async () => {
  const { jobId, namespace } = await newJob();
  const chunk = await db.pool.connect();
  try {
    await chunk.query('begin');
    await chunk.query(`update streams set status = 'done' where job_id = $1`, [jobId]);
    await chunk.query(
      `insert into streams (job_id, namespace, platform, account_id, kind)
       select job_id, namespace, platform, account_id, 'statistics' from streams where job_id = $1`,
      [jobId],
    );
    const extracted = markExtracted(db, jobId);
    await waitFor(
      async () => {
        const { rowCount } = await db.pool.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rowCount === 1;
      },
      { what: `the walks of ${namespace} to be waited for` },
    );
    await chunk.query('commit');
    assert.equal(await extracted, false);
  } finally {
    chunk.release();
  }
});

test('the last run is one of the same mode and exactly the same targets', async () => {
  const { jobId, namespace } = await newJob();
  await db.pool.query(
    `update jobs set status = 'completed', created_at = now() - interval '1 minute', completed_at = now(),
       summary = '{"records_fetched": 12}' where job_id = $1`,
    [jobId],
  );
  const target = { namespace, platform: 'smartlead' };
  const like = async (targets: readonly (typeof target)[]) =>
    await readLastRun(db.pool, { syncMode: 'full_historical', targets });
  assert.deepEqual(await like([target]), { durationMs: 60_000, records: 12 });
  assert.equal(await like([target, { namespace, platform: 'lemlist' }]), null);
});

test('a dead letter is stored once per origin, in whatever text its detail is', async () => {
  const letter = {
    origin: randomSuffix(),
    stage: 'keyer',
    code: 'TIME_UNREADABLE',
    detail: 'a \0 and a \uD800',
    pointer: '/sent_time',
    job_id: 'job_x',
    namespace: 'default',
    platform: 'smartlead',
    origin_topic: 'outreach.smartlead.raw',
    origin_partition: 3,
    origin_offset: 2 ** 40,
    origin_index: 0,
    stream_id: null,
    attempt: 1,
    record: Buffer.from([0, 255, 34, 92]),
    record_bytes: 4,
    record_sha256: Buffer.alloc(32, 7),
    truncated: false,
    failed_at: 1_700_000_000_123,
  };
  const stored = await insertDeadLetters(db.pool, [letter, { ...letter, origin: randomSuffix() }]);
  assert.equal(stored.length, 2);
  assert.deepEqual(await insertDeadLetters(db.pool, [letter]), []);
  const { rows } = await db.pool.query(
    'select record, origin_offset, failed_at, detail from dead_letters where origin = $1',
    [letter.origin],
  );
  assert.deepEqual(rows, [
    {
      record: letter.record,
      origin_offset: String(2 ** 40),
      failed_at: new Date(1_700_000_000_123),
      detail: 'a \u{FFFD} and a \u{FFFD}',
    },
  ]);
});
