import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { freshDatabase } from '@full-sync/testing';
import type { RateLimit } from '@full-sync/runtime';
import {
  claimStream,
  commitChunk,
  connectDatabase,
  ensureAccount,
  ensureNamespace,
  insertJob,
  migrate,
  noteRefusal,
  renewLease,
  returnUnused,
  settlePermit,
} from '../src/index.ts';
import type { ChunkCommit, ChunkProgress, Claim, Database } from '../src/index.ts';

const topicId = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const leaseMs = 10_000;

async function openDatabase(): Promise<Database & AsyncDisposable> {
  const fresh = await freshDatabase();
  const config = { DATABASE_URL: fresh.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 10 };
  const database = await connectDatabase({ config, applicationName: 'test' });
  await migrate(database);
  return {
    ...database,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

async function openAccount(database: Database, limit: RateLimit | null = null): Promise<number> {
  const keyHash = randomBytes(32);
  return await ensureAccount(database.pool, { platform: 'smartlead', keyHash, label: 'KEY', configuredLimit: limit });
}

/** A job with one discovery, and `walks` more streams. */
async function openJob(
  database: Database,
  job: { readonly id: string; readonly accountId: number; readonly walks?: number; readonly workers?: number },
): Promise<void> {
  const { id, accountId, walks = 0, workers = 4 } = job;
  await database.transaction(async (client) => {
    await ensureNamespace(client, { namespace: id, platforms: ['smartlead'] });
    await insertJob(client, {
      jobId: id,
      syncMode: 'full_historical',
      config: {},
      warnings: [],
      parallelWorkers: workers,
      batchSize: null,
      windowEnd: new Date(),
      targets: [{ namespace: id, platform: 'smartlead', accountId }],
    });
    await client.query(
      `insert into streams (job_id, namespace, platform, account_id, kind, campaign_id)
       select $1, $1, 'smartlead', $2, 'statistics', n::text from generate_series(1, $3) n`,
      [id, accountId, walks],
    );
  });
}

const claim = (database: Database, accountId: number, lease = leaseMs): Promise<Claim> =>
  claimStream(database, { accountId, owner: 'test', leaseMs: lease, requestTimeoutMs: 30_000 });

async function claimed(database: Database, accountId: number, lease = leaseMs) {
  const result = await claim(database, accountId, lease);
  assert.equal(result.kind, 'claimed');
  assert.ok(result.kind === 'claimed');
  return result;
}

const progress: ChunkProgress = {
  continuation: { at: 1 },
  records: 5,
  recordsExpected: 9,
  shareDone: 0.5,
  targets: [{ topic: 'outreach.smartlead.raw', topicId, partition: 3, lastOffset: 40 }],
  newStreams: [],
};

const commitOf = (
  stream: { readonly streamId: number; readonly epoch: number; readonly jobId: string },
  more: Partial<ChunkCommit> = {},
): ChunkCommit => ({
  streamId: stream.streamId,
  epoch: stream.epoch,
  jobId: stream.jobId,
  progress,
  outcome: { kind: 'open' },
  warning: null,
  abandoned: false,
  ...more,
});

async function rowOf(database: Database, streamId: number): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query<Record<string, unknown>>('select * from streams where stream_id = $1', [
    streamId,
  ]);
  return rows[0] ?? {};
}

test('a claim starts a queued job, and no second claim gets the same stream', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  const { stream, permit } = await claimed(database, accountId);
  assert.equal(stream.kind, 'discover');
  assert.equal(permit.permitId, null);
  const { rows } = await database.pool.query<{ status: string; started_at: Date | null }>('select * from jobs');
  assert.equal(rows[0]?.status, 'in_progress');
  assert.ok(rows[0]?.started_at);
  assert.equal((await claim(database, accountId)).kind, 'nothing');
});

test('claims of many processes at once never share a stream', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId, walks: 30, workers: 32 });
  const claims = await Promise.all(Array.from({ length: 31 }, () => claim(database, accountId)));
  const streams = claims.flatMap((result) => (result.kind === 'claimed' ? result.stream.streamId : []));
  assert.equal(new Set(streams).size, streams.length);
  assert.equal(streams.length, 31);
});

test('a job has no more streams in flight than its workers, and two jobs take turns', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'a', accountId, walks: 10, workers: 2 });
  await openJob(database, { id: 'b', accountId, walks: 10, workers: 4 });
  const order: string[] = [];
  for (;;) {
    const result = await claim(database, accountId);
    if (result.kind !== 'claimed') break;
    order.push(result.stream.jobId);
  }
  assert.deepEqual(order, ['a', 'b', 'a', 'b', 'b', 'b']);
});

test('nothing is claimed of a job that is paused, ending or ended, nor of a stream that waits', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  const set = (change: string): Promise<unknown> => database.pool.query(`update jobs set ${change}`);
  await set(`status = 'paused'`);
  assert.equal((await claim(database, accountId)).kind, 'nothing');
  await set(`status = 'in_progress', ending = 'cancelled'`);
  assert.equal((await claim(database, accountId)).kind, 'nothing');
  await set(`ending = null, completed_at = now()`);
  assert.equal((await claim(database, accountId)).kind, 'nothing');
  await set(`completed_at = null`);
  const { stream } = await claimed(database, accountId);
  const waiting = { kind: 'waiting', waitMs: 60_000, waitingFor: 'retry 1 after 502', attempt: 1 } as const;
  assert.equal(await commitChunk(database, commitOf(stream, { progress: null, outcome: waiting })), 'committed');
  assert.equal((await claim(database, accountId)).kind, 'nothing');
  const row = await rowOf(database, stream.streamId);
  assert.equal(row['waiting_for'], 'retry 1 after 502');
  assert.equal(row['attempt'], 1);
});

test('a chunk commits continuation, counts, targets and new streams together, and gives the lease back', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  const { stream } = await claimed(database, accountId);
  const window = { windowStartMs: 1_700_000_000_123, windowEndMs: 1_700_000_000_456 };
  const newStreams = [{ kind: 'activities', campaignId: null, campaignName: null, ...window }];
  assert.equal(await commitChunk(database, commitOf(stream, { progress: { ...progress, newStreams } })), 'committed');
  const again = await claimed(database, accountId);
  assert.deepEqual(again.stream.continuation, { at: 1 });
  assert.equal(again.stream.recordsCommitted, 5);
  assert.equal(again.stream.chunksCommitted, 1);
  assert.equal((await rowOf(database, stream.streamId))['abandoned'], 0);

  const lower = [{ topic: 'outreach.smartlead.raw', topicId, partition: 3, lastOffset: 7 }];
  await commitChunk(
    database,
    commitOf(again.stream, { progress: { ...progress, targets: lower }, outcome: { kind: 'done' } }),
  );
  const { rows } = await database.pool.query<{ last_offset: string }>('select last_offset from job_raw_targets');
  assert.deepEqual(rows, [{ last_offset: '40' }]);
  const added = await claimed(database, accountId);
  assert.equal(added.stream.kind, 'activities');
  assert.equal(added.stream.windowStartMs, window.windowStartMs);
  assert.equal(added.stream.windowEndMs, window.windowEndMs);
});

test('whoever lost the lease can neither renew it nor commit, and what it may have published is counted', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  const lost = await claimed(database, accountId, -1);
  const taken = await claimed(database, accountId);
  assert.equal(taken.stream.streamId, lost.stream.streamId);
  assert.equal(taken.stream.epoch, lost.stream.epoch + 1);
  assert.equal(await renewLease(database.pool, { ...lost.stream, leaseMs }), false);
  assert.equal(await commitChunk(database, commitOf(lost.stream)), 'stale');
  const row = await rowOf(database, lost.stream.streamId);
  assert.equal(row['abandoned'], 1);
  assert.equal(row['records_committed'], '0');
  assert.equal((await database.pool.query('select from job_raw_targets')).rowCount, 0);
  assert.equal(await renewLease(database.pool, { ...taken.stream, leaseMs }), true);
  assert.equal(await commitChunk(database, commitOf(taken.stream)), 'committed');
});

test('a lease that ran out and was taken by nobody still commits', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  const { stream } = await claimed(database, accountId, -1);
  assert.equal(await commitChunk(database, commitOf(stream)), 'committed');
  assert.equal((await rowOf(database, stream.streamId))['abandoned'], 0);
});

test('a chunk of a job that has ended changes nothing', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  const { stream } = await claimed(database, accountId);
  await database.pool.query('update jobs set completed_at = now()');
  assert.equal(await commitChunk(database, commitOf(stream)), 'stale');
  assert.equal((await rowOf(database, stream.streamId))['records_committed'], '0');
});

test('a failed stream says why, and keeps what was committed before', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  await database.pool.query(`update streams set campaign_id = '7', campaign_name = 'Wave 2'`);
  const { stream } = await claimed(database, accountId);
  const error = { code: 'UPSTREAM_PLAN', message: 'no' };
  await commitChunk(database, commitOf(stream, { outcome: { kind: 'failed', error }, warning: 'w', abandoned: true }));
  const row = await rowOf(database, stream.streamId);
  assert.equal(row['status'], 'failed');
  assert.deepEqual(row['error'], { ...error, campaign: 'Wave 2' });
  assert.equal(row['records_committed'], '5');
  assert.equal(row['warning'], 'w');
  assert.equal(row['abandoned'], 1);
  assert.ok(row['ended_at']);
});

test('slots are spread, given out at most 200 ms ahead, and free again one span after the answer', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database, [{ count: 2, spanMs: 400 }]);
  await openJob(database, { id: 'job', accountId, walks: 20, workers: 32 });
  const first = await claimed(database, accountId);
  const second = await claimed(database, accountId);
  assert.ok(second.permit.earliestMs - first.permit.earliestMs > 150);
  assert.ok(first.permit.latestMs - first.permit.earliestMs <= 100);
  // Both places are taken until they are answered: for all anybody knows the requests are still under way.
  const full = await claim(database, accountId);
  assert.ok(full.kind === 'wait' && full.waitMs > 29_000);
  await settlePermit(database.pool, { permitId: first.permit.permitId ?? 0, offer: first.permit.offer });
  const soon = await claim(database, accountId);
  assert.ok(soon.kind === 'wait' && soon.waitMs > 200 && soon.waitMs <= 402, JSON.stringify(soon));
});

test('a permit that was never used gives its place back at once', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database, [{ count: 1, spanMs: 100 }]);
  await openJob(database, { id: 'job', accountId });
  const { stream, permit } = await claimed(database, accountId);
  await returnUnused(database.pool, { ...stream, permitId: permit.permitId });
  const again = await claimed(database, accountId);
  assert.equal(again.stream.streamId, stream.streamId);
  assert.equal((await rowOf(database, stream.streamId))['abandoned'], 0);
});

test('a refusal pauses the account and lowers its budget once for all requests that were under way', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database, [{ count: 1_000, spanMs: 1_000 }]);
  await openJob(database, { id: 'job', accountId, walks: 10 });
  const first = await claimed(database, accountId);
  const second = await claimed(database, accountId);
  for (const { permit } of [first, second]) {
    await noteRefusal(database.pool, { accountId, permitId: permit.permitId, pauseMs: 5_000 });
  }
  const { rows } = await database.pool.query<{ throttle: number }>('select throttle from accounts');
  assert.equal(rows[0]?.throttle, 0.8);
  const paused = await claim(database, accountId);
  assert.ok(paused.kind === 'wait' && paused.waitMs > 4_000 && paused.waitMs <= 5_000);
});

test('a pause holds where limits are off, too', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId });
  await noteRefusal(database.pool, { accountId, permitId: null, pauseMs: 5_000 });
  assert.equal((await claim(database, accountId)).kind, 'wait');
});

/** Gives a job a pace of its own on an account. */
async function setPace(database: Database, job: string, requestsPerSecond: number, burstSize: number): Promise<void> {
  await database.pool.query('update job_accounts set requests_per_second = $2, burst_size = $3 where job_id = $1', [
    job,
    requestsPerSecond,
    burstSize,
  ]);
}

test('a job with a pace of its own gets its burst and then waits, without holding up another', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'slow', accountId, walks: 20, workers: 32 });
  await setPace(database, 'slow', 0.01, 3);
  for (let count = 0; count < 3; count += 1) {
    const { stream } = await claimed(database, accountId);
    assert.equal(stream.job.paced, true);
  }
  const held = await claim(database, accountId);
  assert.ok(held.kind === 'wait' && held.for === 'pace', JSON.stringify(held));
  assert.ok(held.waitMs > 60_000 && held.waitMs <= 100_000, `${held.waitMs} ms`);

  await openJob(database, { id: 'quick', accountId, walks: 5, workers: 32 });
  for (let count = 0; count < 6; count += 1) {
    const { stream } = await claimed(database, accountId);
    assert.equal(stream.jobId, 'quick');
  }
  assert.equal((await claim(database, accountId)).kind, 'wait');
});

test('a turn that was not used is given back to the pace', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId, walks: 5, workers: 32 });
  await setPace(database, 'job', 0.01, 1);
  const { stream } = await claimed(database, accountId);
  assert.equal((await claim(database, accountId)).kind, 'wait');
  await returnUnused(database.pool, { ...stream, permitId: null });
  assert.equal((await claim(database, accountId)).kind, 'claimed');
});

test('law: at a pace of r with a burst of b no more than b + r * t requests go in any time t', async () => {
  await using database = await openDatabase();
  const accountId = await openAccount(database);
  await openJob(database, { id: 'job', accountId, walks: 80, workers: 32 });
  const [rate, burst] = [50, 4];
  await setPace(database, 'job', rate, burst);
  const times: number[] = [];
  while (times.length < 30) {
    const result = await claim(database, accountId);
    if (result.kind !== 'claimed') continue;
    const { rows } = await database.pool.query<{ at: number }>(
      'select (extract(epoch from last_served_at) * 1000)::float8 as at from job_accounts',
    );
    times.push(rows[0]?.at ?? 0);
    await commitChunk(database, commitOf(result.stream));
  }
  for (const [first, from] of times.entries()) {
    for (const [last, to] of times.entries()) {
      if (last < first) continue;
      // The clock that grants and the one that notes are read some microseconds apart.
      const allowed = burst + (rate * (to - from + 5)) / 1_000;
      assert.ok(last - first + 1 <= allowed + 1e-6, `${last - first + 1} in ${to - from} ms`);
    }
  }
});

test('three jobs over two accounts: each turn goes to the one served least lately, so a small job waits for two others at most', async () => {
  await using database = await openDatabase();
  const accounts = [await openAccount(database), await openAccount(database)] as const;
  await openJob(database, { id: 'large', accountId: accounts[0], walks: 60 });
  await openJob(database, { id: 'small', accountId: accounts[0], walks: 8 });
  await openJob(database, { id: 'third', accountId: accounts[0], walks: 60 });
  // Two of them also read the other account: turns there are no turns here.
  for (const id of ['large', 'third']) {
    await database.pool.query('insert into job_accounts (job_id, account_id) values ($1, $2)', [id, accounts[1]]);
    await database.pool.query(
      `insert into streams (job_id, namespace, platform, account_id, kind, campaign_id)
       select $1, $1, 'smartlead', $2, 'statistics', 'b' || n from generate_series(1, 60) n`,
      [id, accounts[1]],
    );
  }
  const served: string[] = [];
  const elsewhere = new Map<string, number>();
  for (let turn = 0; turn < 60; turn += 1) {
    const { stream } = await claimed(database, accounts[0]);
    served.push(stream.jobId);
    await commitChunk(database, commitOf(stream, { outcome: { kind: 'done' } }));
    const other = (await claimed(database, accounts[1])).stream;
    elsewhere.set(other.jobId, (elsewhere.get(other.jobId) ?? 0) + 1);
    await commitChunk(database, commitOf(other, { outcome: { kind: 'done' } }));
  }
  const turns = served.flatMap((jobId, turn) => (jobId === 'small' ? [turn + 1] : []));
  assert.equal(turns.length, 9, 'all walks of the small job and its discovery');
  for (const [index, turn] of turns.entries())
    assert.ok(turn <= 3 * (index + 1), `turn ${turn} for its ${index + 1}th`);
  const count = (jobId: string): number => served.filter((id) => id === jobId).length;
  assert.ok(Math.abs(count('large') - count('third')) <= 1, `${count('large')} and ${count('third')}`);
  assert.deepEqual([...elsewhere.values()], [30, 30]);
});
