import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { freshDatabase } from '@full-sync/testing';
import {
  claimStream,
  commitChunk,
  connectDatabase,
  endJob,
  ensureAccount,
  ensureNamespace,
  insertJob,
  markExtracted,
  migrate,
  readCursors,
  readKnownTotals,
} from '../src/index.ts';
import type { CampaignFilter, Database, Ending, NewJob, NewStream, StreamOutcome } from '../src/index.ts';

const hour = 3_600_000;
const t0 = Date.UTC(2026, 5, 10, 12);
const counts = { sent_count: 12, open_count: 3 };

/** A database of the test's own with one account and one namespace. */
interface Fixture extends AsyncDisposable {
  readonly database: Database;
  readonly accountId: number;
  readonly cursors: () => ReturnType<typeof readCursors>;
}

async function openFixture(platform = 'smartlead'): Promise<Fixture> {
  const fresh = await freshDatabase();
  const config = { DATABASE_URL: fresh.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 4 };
  const database = await connectDatabase({ config, applicationName: 'test' });
  await migrate(database);
  const accountId = await ensureAccount(database.pool, {
    platform,
    keyHash: randomBytes(32),
    label: 'KEY',
    configuredLimit: null,
  });
  return {
    database,
    accountId,
    cursors: () => readCursors(database.pool, { namespace: 'acme', platform, accountId }),
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

interface Walk {
  readonly campaignId: string | null;
  readonly start?: number;
  readonly end?: number;
  readonly counts?: object;
  readonly moves?: boolean;
  readonly records?: number;
  readonly backdated?: boolean;
  readonly outcome?: StreamOutcome;
}

const failure: StreamOutcome = { kind: 'failed', error: { code: 'X', message: 'x' } };

/** Runs a job over the given walks and ends it. */
async function run(
  { database, accountId }: Fixture,
  job: {
    readonly id: string;
    readonly platform?: string;
    readonly at?: number;
    readonly syncMode?: string;
    readonly filter?: CampaignFilter | null;
    readonly range?: NewJob['range'];
    readonly walks: readonly Walk[];
    readonly cancelled?: boolean;
    readonly ending?: Partial<Ending>;
  },
): Promise<void> {
  const { id, platform = 'smartlead', at = t0, walks, range = null } = job;
  await database.transaction(async (client) => {
    await ensureNamespace(client, { namespace: 'acme', platforms: [platform] });
    await insertJob(client, {
      jobId: id,
      syncMode: job.syncMode ?? 'full_historical',
      config: {},
      warnings: [],
      parallelWorkers: 32,
      batchSize: null,
      windowEnd: new Date(at),
      targets: [{ namespace: 'acme', platform, accountId, filter: job.filter ?? null }],
      range,
    });
  });
  const claim = async () => {
    const claimed = await claimStream(database, { accountId, owner: 'test', leaseMs: 10_000, requestTimeoutMs: 1_000 });
    assert.ok(claimed.kind === 'claimed');
    return claimed.stream;
  };
  const chunk = { recordsExpected: null, shareDone: 1, targets: [], continuation: null };
  const discover = await claim();
  const kind = platform === 'lemlist' ? 'activities' : 'statistics';
  const newStreams = walks.map(({ campaignId, start, end, backdated = false }): NewStream => ({
    kind,
    campaignId,
    campaignName: null,
    windowStartMs: start ?? null,
    windowEndMs: end ?? at,
    readsUpToMs: range === null ? at : null,
    backdated,
  }));
  await commitChunk(database, {
    ...discover,
    progress: { ...chunk, records: 0, newStreams },
    outcome: { kind: 'done' },
    warning: null,
    abandoned: false,
  });
  for (const walk of walks) {
    const { records = 0, moves = true } = walk;
    await commitChunk(database, {
      ...(await claim()),
      progress: { ...chunk, records, newStreams: [], cursor: { counts: walk.counts ?? null, moves } },
      outcome: walk.outcome ?? { kind: 'done' },
      warning: null,
      abandoned: false,
    });
  }
  if (job.cancelled === true) await database.pool.query(`update jobs set ending = 'cancelled' where job_id = $1`, [id]);
  await markExtracted(database, id);
  const ended = await endJob(database, id, () => ({
    status: 'completed',
    summary: {},
    progress: {},
    error: null,
    warnings: [],
    movesCursors: true,
    ...job.ending,
  }));
  assert.ok(ended !== null, 'the job did not end');
}

const ids = (cursors: Awaited<ReturnType<typeof readCursors>>): readonly string[] => [...cursors.keys()].toSorted();

test('a job moves the cursors of its campaigns and of the account, with what was counted', async () => {
  await using fixture = await openFixture();
  const filter = { campaigns: ['1', '2'], exclude: [] };
  await run(fixture, { id: 'job', filter, walks: [{ campaignId: '1', counts }, { campaignId: '2' }] });
  const cursors = await fixture.cursors();
  assert.deepEqual(ids(cursors), ['', '1', '2']);
  assert.deepEqual(cursors.get('1'), { readUpToMs: t0, counts, backdatedAtMs: null, filter });
  assert.equal(cursors.get('2')?.counts, null);
});

test('a walk that failed moves neither its cursor nor that of the account, a campaign that is gone holds none up', async () => {
  await using fixture = await openFixture();
  const walks = [{ campaignId: '1' }, { campaignId: '2', outcome: { kind: 'skipped' } as const }];
  await run(fixture, { id: 'gone', walks });
  assert.deepEqual(ids(await fixture.cursors()), ['', '1']);
  await run(fixture, {
    id: 'failed',
    at: t0 + hour,
    walks: [{ campaignId: '1' }, { campaignId: '3', outcome: failure }],
  });
  const cursors = await fixture.cursors();
  assert.deepEqual(ids(cursors), ['', '1']);
  assert.equal(cursors.get('1')?.readUpToMs, t0 + hour);
  assert.equal(cursors.get('')?.readUpToMs, t0);
});

test('a cancelled job moves what it read to the end, not the account', async () => {
  await using fixture = await openFixture();
  await run(fixture, { id: 'job', cancelled: true, walks: [{ campaignId: '1' }], ending: { status: 'cancelled' } });
  assert.deepEqual(ids(await fixture.cursors()), ['1']);
});

test('where rows may be missing no cursor moves', async () => {
  await using fixture = await openFixture();
  await run(fixture, { id: 'job', walks: [{ campaignId: '1' }], ending: { status: 'failed', movesCursors: false } });
  assert.equal((await fixture.cursors()).size, 0);
});

test('a campaign in which nothing changed keeps its cursor, and the account moves on', async () => {
  await using fixture = await openFixture();
  await run(fixture, { id: 'full', walks: [{ campaignId: '1', counts }] });
  const walks = [{ campaignId: '1', counts: { sent_count: 99 }, moves: false }];
  await run(fixture, { id: 'delta', syncMode: 'delta_since_last', at: t0 + hour, walks });
  const cursors = await fixture.cursors();
  assert.deepEqual([cursors.get('1')?.readUpToMs, cursors.get('1')?.counts], [t0, counts]);
  assert.equal(cursors.get('')?.readUpToMs, t0 + hour);
});

test('cursors only rise, and forget counts that do not belong to the last walk', async () => {
  await using fixture = await openFixture();
  await run(fixture, { id: 'first', walks: [{ campaignId: '1', counts }] });
  await run(fixture, { id: 'second', at: t0 + hour, walks: [{ campaignId: '1' }] });
  assert.deepEqual(
    [...(await fixture.cursors()).values()].map(({ counts: of }) => of),
    [null, null],
  );
  await run(fixture, { id: 'earlier', at: t0, walks: [{ campaignId: '1', counts }] });
  const { readUpToMs, counts: kept } = (await fixture.cursors()).get('1') ?? {};
  assert.deepEqual([readUpToMs, kept], [t0 + hour, null]);
});

test('a range moves none', async () => {
  await using fixture = await openFixture();
  const range = { start: new Date(t0 - hour), end: new Date(t0) };
  await run(fixture, { id: 'job', syncMode: 'date_range', range, walks: [{ campaignId: '1', counts }] });
  assert.equal((await fixture.cursors()).size, 0);
});

test('the cursor of a Lemlist account needs all of its windows, and remembers how much there was', async () => {
  await using fixture = await openFixture('lemlist');
  const lemlist = { platform: 'lemlist' };
  const older = { campaignId: null, end: t0 - hour, records: 70 };
  const newer = { campaignId: null, start: t0 - hour + 1, records: 5 };
  await run(fixture, { ...lemlist, id: 'failed', walks: [older, { ...newer, outcome: failure }] });
  assert.equal((await fixture.cursors()).size, 0);
  await run(fixture, { ...lemlist, id: 'full', walks: [older, newer] });
  assert.deepEqual((await fixture.cursors()).get('')?.counts, { records: 75 });
  const walks = [{ campaignId: null, start: t0, records: 3, backdated: true }];
  await run(fixture, { ...lemlist, id: 'delta', syncMode: 'delta_since_last', at: t0 + hour, walks });
  assert.deepEqual((await fixture.cursors()).get(''), {
    readUpToMs: t0 + hour,
    counts: { records: 75 },
    backdatedAtMs: t0 + hour,
    filter: null,
  });
});

test('a Lemlist job over named campaigns says nothing of the whole account', async () => {
  await using fixture = await openFixture('lemlist');
  await run(fixture, {
    id: 'job',
    platform: 'lemlist',
    filter: { campaigns: ['cam_a'], exclude: [] },
    walks: [{ campaignId: 'cam_a' }],
  });
  assert.deepEqual(ids(await fixture.cursors()), ['cam_a']);
});

test('a reset that completed puts its cursors in the place of the others, one that did not changes none', async () => {
  await using fixture = await openFixture();
  await run(fixture, { id: 'full', walks: [{ campaignId: '1' }, { campaignId: '2' }] });
  const reset = { syncMode: 'namespace_reset', at: t0 + hour, walks: [{ campaignId: '1' }] };
  await run(fixture, { ...reset, id: 'failed', ending: { status: 'failed' } });
  assert.deepEqual(ids(await fixture.cursors()), ['', '1', '2']);
  assert.equal((await fixture.cursors()).get('1')?.readUpToMs, t0);
  await run(fixture, { ...reset, id: 'reset' });
  assert.deepEqual(ids(await fixture.cursors()), ['', '1']);
  assert.equal((await fixture.cursors()).get('1')?.readUpToMs, t0 + hour);
});

test('what the readings of an account counted is known to all of its namespaces', async () => {
  await using fixture = await openFixture();
  const { database, accountId } = fixture;
  const walks = [
    { campaignId: '1', counts: { sent_count: 2_500 } },
    { campaignId: '2', counts: { sent_count: 10 } },
    { campaignId: '3' },
  ];
  await run(fixture, { id: 'full', walks });
  const of = { accountId, rowsPerPage: 999 };
  assert.deepEqual(await readKnownTotals(database.pool, { ...of, namespace: 'acme', filter: null }), {
    campaigns: 3,
    sends: 2_510,
    pages: 5,
    records: null,
    started: true,
  });
  const filter = { campaigns: ['1', '2'], exclude: ['1'] };
  assert.deepEqual(await readKnownTotals(database.pool, { ...of, namespace: 'other', filter }), {
    campaigns: 1,
    sends: 10,
    pages: 1,
    records: null,
    started: false,
  });
});
