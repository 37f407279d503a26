import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKafkaProxy, stackAddresses, waitFor } from '@full-sync/testing';
import { ledgerTexts, openBench, recordTexts } from './bench.ts';
import type { Bench } from './bench.ts';

const platforms = ['smartlead', 'lemlist'] as const;
const size = { smartlead: { campaigns: 6, rows: 6_000 }, lemlist: { campaigns: 4, activities: 6_000 } };

/** Records in the raw topics. */
async function published(bench: Bench): Promise<number> {
  let sum = 0;
  for (const platform of platforms) {
    for (const end of (await bench.client.offsets.end(`outreach.${platform}.raw`)).values()) sum += end;
  }
  return sum;
}

/** Leases of the dead run out at once instead of in 10 s. */
async function expireLeases(bench: Bench): Promise<void> {
  await bench.database.pool.query(
    `update streams set lease_until = clock_timestamp() - interval '1 second' where lease_until is not null`,
  );
}

async function publishedIsLedger(bench: Bench): Promise<void> {
  for (const platform of platforms) {
    const texts = new Set(recordTexts(await bench.raw(platform)));
    assert.deepEqual([...texts].sort(), [...new Set(ledgerTexts(bench.simulators, platform))]);
  }
}

test('SIGKILLs at any instant lose nothing, and what is published twice was counted as abandoned', async () => {
  await using bench = await openBench({ size, smartlead: { bodyBytes: 500 }, lemlist: { latencyMs: 3 } });
  await bench.pretendKeyed();
  const jobId = await bench.submit();
  const total = size.smartlead.rows + size.lemlist.activities;
  for (let kill = 1; kill <= 6; kill += 1) {
    const extractor = await bench.startExtractor();
    // Somewhere after the next part of the records, wherever the process is then.
    const mark = (await published(bench)) + Math.floor(total / 12);
    await waitFor(async () => (await published(bench)) >= mark, {
      what: 'more records',
      deadlineMs: 40_000,
      intervalMs: 1,
    });
    await extractor.kill('SIGKILL');
    await expireLeases(bench);
  }
  await bench.startExtractor();
  const streams = await bench.extracted(jobId, 60_000);
  assert.ok(streams.every(({ status }) => status === 'done'));
  await publishedIsLedger(bench);
  const committed = streams.reduce((sum, stream) => sum + stream.records_committed, 0);
  const abandoned = streams.reduce((sum, stream) => sum + stream.abandoned, 0);
  const repeats = (await published(bench)) - committed;
  assert.equal(
    committed,
    platforms.reduce((sum, platform) => sum + ledgerTexts(bench.simulators, platform).length, 0),
  );
  assert.ok(repeats >= 0);
  assert.ok(abandoned > 0, 'no kill hit a chunk');
});

test('SIGTERM finishes what is under way, gives every lease back and exits 0', async () => {
  await using bench = await openBench({ size, smartlead: { latencyMs: 20 }, lemlist: { latencyMs: 20 } });
  const extractor = await bench.startExtractor();
  const jobId = await bench.submit();
  await waitFor(async () => (await published(bench)) > 500, { what: 'the first records' });
  assert.deepEqual(await extractor.kill('SIGTERM'), { code: 0, signal: null });
  const { rows } = await bench.database.pool.query('select from streams where lease_until is not null');
  assert.equal(rows.length, 0);
  await bench.startExtractor();
  const streams = await bench.extracted(jobId, 60_000);
  assert.equal(
    streams.reduce((sum, { abandoned }) => sum + abandoned, 0),
    0,
  );
  for (const platform of platforms) {
    assert.deepEqual(recordTexts(await bench.raw(platform)), ledgerTexts(bench.simulators, platform));
  }
});

test('acknowledgements that are lost on their way publish nothing twice', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using bench = await openBench({ size, smartlead: { bodyBytes: 0 } });
  await bench.startExtractor({ KAFKA_BROKERS: proxy.brokers });
  const lost = proxy.dropReplyOnce();
  const jobId = await bench.submit();
  await lost;
  await bench.extracted(jobId, 60_000);
  for (const platform of platforms) {
    assert.deepEqual(recordTexts(await bench.raw(platform)), ledgerTexts(bench.simulators, platform));
  }
});

test('a broker that is gone for a while is waited for, and what it left open is repeated', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using bench = await openBench({ size, smartlead: { latencyMs: 30 }, lemlist: { latencyMs: 30 } });
  const extractor = await bench.startExtractor({ KAFKA_BROKERS: proxy.brokers });
  const jobId = await bench.submit({ parallelWorkers: 2 });
  await waitFor(async () => (await published(bench)) > 300, { what: 'the first records' });
  proxy.refuse();
  const idle = async (): Promise<boolean> => {
    const before = await published(bench);
    await bench.database.pool.query('select pg_sleep(1)');
    return (await published(bench)) === before;
  };
  await waitFor(idle, { what: 'publishing to stop', deadlineMs: 60_000 });
  proxy.accept();
  await bench.extracted(jobId, 90_000);
  assert.equal(extractor.hasExited(), false, extractor.output());
  await publishedIsLedger(bench);
});

test('claims stop while the stages behind lag by more than 30 s, and go on when they have caught up', async () => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 1, rows: 1 }, lemlist: { campaigns: 2, activities: 20_000 } },
    limits: { lemlist: '5/1s' },
  });
  const extractor = await bench.startExtractor();
  const { control } = bench.simulators.lemlist;
  await bench.submit({ platforms: ['lemlist'] });
  const held = async (): Promise<boolean> => (await extractor.metric('full_sync_extractor_held_back')) === 1;
  await waitFor(held, { what: 'extraction to pause', deadlineMs: 50_000, intervalMs: 200 });
  const leased = async (): Promise<boolean> =>
    (await bench.database.pool.query('select from streams where lease_until is not null')).rows.length === 0;
  await waitFor(leased, { what: 'the last chunks to end' });
  const atPause = control.arrivalCount();
  await bench.database.pool.query('select pg_sleep(2)');
  assert.equal(control.arrivalCount(), atPause);
  await bench.pretendKeyed();
  await waitFor(() => control.arrivalCount() > atPause + 5, { what: 'extraction to go on' });
});

test('a database that is gone ends the process with exit code 3, and its chunks are repeated', async () => {
  await using bench = await openBench({ size, smartlead: { latencyMs: 20 }, lemlist: { latencyMs: 20 } });
  const extractor = await bench.startExtractor();
  const jobId = await bench.submit();
  await waitFor(async () => (await published(bench)) > 300, { what: 'the first records' });
  await bench.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'full-sync-extractor'`,
  );
  const { code } = await extractor.exited;
  assert.equal(code, 3, extractor.output());
  await expireLeases(bench);
  await bench.startExtractor();
  await bench.extracted(jobId, 60_000);
  await publishedIsLedger(bench);
});

test('an answer that takes longer than a lease is waited for by its holder, and by nobody else', async () => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 1, rows: 5 }, lemlist: { campaigns: 1, activities: 1 } },
  });
  const { control } = bench.simulators.smartlead;
  control.fault({ kind: 'latency', ms: 13_000, path: '/statistics' });
  await bench.startExtractor();
  await bench.startExtractor();
  const streams = await bench.extracted(await bench.submit({ platforms: ['smartlead'] }), 30_000);
  assert.deepEqual(
    streams.map(({ kind, status, abandoned }) => [kind, status, abandoned]),
    [
      ['discover', 'done', 0],
      ['statistics', 'done', 0],
    ],
  );
  assert.equal(control.arrivalCount(), 3);
});

test('two jobs on one account get a third of its requests each, or more', async () => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 1, rows: 1 }, lemlist: { campaigns: 4, activities: 30_000 } },
    limits: { lemlist: '20/1s' },
  });
  await bench.startExtractor();
  await bench.startExtractor();
  const many = await bench.submit({ platforms: ['lemlist'], namespace: 'many', parallelWorkers: 16 });
  const { control } = bench.simulators.lemlist;
  await waitFor(() => control.arrivalCount() >= 20, { what: 'the first job to be under way' });
  const few = await bench.submit({ platforms: ['lemlist'], namespace: 'few', parallelWorkers: 2 });
  const chunks = async (jobId: string): Promise<number> =>
    (await bench.streams(jobId)).reduce((sum, { chunks_committed: count }) => sum + count, 0);
  await waitFor(async () => (await chunks(few)) > 0, { what: 'the second job to be under way' });
  const before = { many: await chunks(many), few: await chunks(few) };
  const at = control.arrivalCount();
  await waitFor(() => control.arrivalCount() >= at + 90, { what: '90 requests', deadlineMs: 60_000 });
  const served = { many: (await chunks(many)) - before.many, few: (await chunks(few)) - before.few };
  const least = Math.min(served.many, served.few) / (served.many + served.few);
  assert.ok(least >= 1 / 3, JSON.stringify(served));
});
