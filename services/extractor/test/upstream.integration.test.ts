import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { SIZES } from '@full-sync/simulators';
import { waitFor } from '@full-sync/testing';
import { ledgerTexts, openBench, recordTexts } from './bench.ts';
import type { Bench, StreamRow } from './bench.ts';

const platforms = ['smartlead', 'lemlist'] as const;

const failuresOf = (streams: readonly StreamRow[]): unknown[] =>
  streams.flatMap(({ status, error }) => (status === 'failed' ? [error] : []));

async function publishedIsLedger(bench: Bench): Promise<void> {
  for (const platform of platforms) {
    const texts = new Set(recordTexts(await bench.raw(platform)));
    assert.deepEqual([...texts].sort(), [...new Set(ledgerTexts(bench.simulators, platform))]);
  }
}

test('broken lines, empty and half answers, pages instead of JSON and 5xx are tried again until all is there', async () => {
  await using bench = await openBench({ size: SIZES.small });
  const { smartlead, lemlist } = bench.simulators;
  const kinds = ['emptyBody', 'emptyObject', 'failureIn200', 'html', 'truncate', 'reset'] as const;
  for (const kind of kinds) smartlead.control.fault({ kind, path: '/statistics' });
  for (const kind of ['emptyObject', 'html', 'truncate', 'reset'] as const) {
    lemlist.control.fault({ kind, path: '/activities' });
  }
  for (const { control } of [smartlead, lemlist]) {
    control.fault({ kind: 'status', status: 502, body: 'html' });
    control.fault({ kind: 'status', status: 503, retryAfter: '0.3' });
  }
  await bench.startExtractor();
  const streams = await bench.extracted(await bench.submit(), 60_000);
  assert.deepEqual(failuresOf(streams), []);
  await publishedIsLedger(bench);
});

test('a 429 pauses the account for as long as it says, and nothing is lost', async () => {
  await using bench = await openBench({ size: SIZES.small, limits: { lemlist: '20/2s' } });
  const { control } = bench.simulators.lemlist;
  control.fault({ kind: 'status', status: 429, path: '/activities', skip: 2, retryAfter: '1.5' });
  await bench.startExtractor();
  const jobId = await bench.submit({ platforms: ['lemlist'] });
  const streams = await bench.extracted(jobId);
  assert.deepEqual(failuresOf(streams), []);
  assert.ok(streams.every(({ attempt }) => attempt === 0));
  const at = control.arrivals().map((arrival) => arrival.at);
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  assert.ok(Math.max(...pauses) >= 1_500, `${Math.max(...pauses)} ms`);
  const { rows } = await bench.database.pool.query<{ throttle: number }>(
    "select throttle from accounts where platform = 'lemlist'",
  );
  assert.equal(rows[0]?.throttle, 0.8);
  assert.deepEqual(recordTexts(await bench.raw('lemlist')), ledgerTexts(bench.simulators, 'lemlist'));
});

test('a lower limit in the headers lowers the budget', async () => {
  await using bench = await openBench({
    size: SIZES.small,
    lemlist: { rateLimit: '5/2s' },
    limits: { lemlist: '20/2s' },
  });
  await bench.startExtractor();
  await bench.extracted(await bench.submit({ platforms: ['lemlist'] }), 60_000);
  const { rows } = await bench.database.pool.query<{ learned_count: number }>(
    "select learned_count from accounts where platform = 'lemlist'",
  );
  assert.equal(rows[0]?.learned_count, 5);
  assert.deepEqual(recordTexts(await bench.raw('lemlist')), ledgerTexts(bench.simulators, 'lemlist'));
});

test('a key that is refused fails its streams by the name of its variable, and the other platform goes on', async () => {
  await using bench = await openBench({ size: SIZES.small });
  const extractor = await bench.startExtractor();
  bench.simulators.smartlead.control.fault({ kind: 'rejectKey', path: '/statistics', probability: 1 });
  const streams = await bench.extracted(await bench.submit());
  const failures = streams.filter(({ kind }) => kind === 'statistics');
  assert.equal(failures.length, SIZES.small.smartlead.campaigns);
  for (const { error } of failures) {
    assert.equal(error?.code, 'UPSTREAM_UNAUTHORIZED');
    assert.equal(error?.message, 'SMARTLEAD_API_KEY was refused (401): Invalid API Key');
    assert.ok(error?.campaign);
  }
  assert.deepEqual(recordTexts(await bench.raw('lemlist')), ledgerTexts(bench.simulators, 'lemlist'));
  assert.ok(!extractor.output().includes(bench.simulators.smartlead.apiKey));
});

test('a plan without API access fails at once and says so', async () => {
  await using bench = await openBench({ size: SIZES.small });
  bench.simulators.lemlist.control.fault({ kind: 'planGate', probability: 1 });
  await bench.startExtractor();
  const streams = await bench.extracted(await bench.submit({ platforms: ['lemlist'] }));
  assert.deepEqual(
    streams.map(({ kind, error }) => [kind, error?.code]),
    [['discover', 'UPSTREAM_PLAN']],
  );
  assert.match(streams[0]?.error?.message ?? '', /^the plan of LEMLIST_API_KEY does not include this \(402\): /);
});

test('a campaign that is gone is skipped with a warning, and the others are read', async () => {
  await using bench = await openBench({ size: SIZES.small });
  const { control } = bench.simulators.smartlead;
  const body = '{"error":"Campaign not found - Invalid campaign_id."}';
  control.fault({ kind: 'status', status: 404, path: '/statistics', body });
  await bench.startExtractor();
  const streams = await bench.extracted(await bench.submit({ platforms: ['smartlead'] }));
  const skipped = streams.filter(({ status }) => status === 'skipped');
  assert.equal(skipped.length, 1);
  assert.match(skipped[0]?.warning ?? '', /^the campaign is gone \(404\): Campaign not found/);
  assert.equal(streams.filter(({ status }) => status === 'done').length, streams.length - 1);
});

test('rows that come and go while pages are read cost readings, and none that stayed', async () => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 2, rows: 5_000 }, lemlist: { campaigns: 2, activities: 4_000 } },
    smartlead: { bodyBytes: 0 },
  });
  for (const platform of platforms) {
    const { control } = bench.simulators[platform];
    control.fault({ kind: 'deleteWhilePaging', every: 2, count: 3 });
    control.fault({ kind: 'insertWhilePaging', every: 3, count: 3, position: 'tail' });
  }
  const before = new Map(platforms.map((platform) => [platform, new Set(ledgerTexts(bench.simulators, platform))]));
  const extractor = await bench.startExtractor();
  const streams = await bench.extracted(await bench.submit());
  assert.deepEqual(failuresOf(streams), []);
  assert.ok((await extractor.metric('full_sync_extractor_window_events_total')) > 0);
  for (const platform of platforms) {
    const published = new Set(recordTexts(await bench.raw(platform)));
    const stayed = new Set(ledgerTexts(bench.simulators, platform)).intersection(before.get(platform) ?? new Set());
    assert.equal(stayed.difference(published).size, 0);
  }
});

test('records over 1 MB go to the dead letters by size and hash, and are counted as fetched', async () => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 1, rows: 3 }, lemlist: { campaigns: 1, activities: 1 } },
    smartlead: { bodyBytes: 1_600_000 },
  });
  await bench.startExtractor({ STORE_MESSAGE_BODIES: 'true' });
  const jobId = await bench.submit({ platforms: ['smartlead'] });
  const streams = await bench.extracted(jobId);
  const letters = await bench.deadLetters();
  const raw = await bench.raw('smartlead');
  assert.ok(letters.length > 0);
  const committed = streams.reduce((sum, stream) => sum + stream.records_committed, 0);
  assert.equal(committed, letters.length + raw.length);
  assert.equal(committed, [...bench.simulators.smartlead.ledger.lines()].length);
  const records = [...bench.simulators.smartlead.ledger.records()].map(({ record }) => JSON.stringify(record));
  for (const { value } of letters) {
    assert.equal(value.stage, 'extractor');
    assert.equal(value.code, 'RECORD_TOO_LARGE');
    assert.equal(value.job_id, jobId);
    assert.equal(value.record.length, 65_536);
    assert.ok(value.truncated);
    const whole = records.find((record) => record.startsWith(value.record.toString('utf8').slice(0, 1_000)));
    assert.equal(value.record_bytes, Buffer.byteLength(whole ?? ''));
    assert.deepEqual(
      value.record_sha256,
      createHash('sha256')
        .update(whole ?? '')
        .digest(),
    );
    assert.equal(value.origin, `${value.stream_id}:${value.record_sha256.toString('hex')}:extractor`);
  }
});

test('message bodies are published where they are asked for', async () => {
  await using bench = await openBench({ size: SIZES.small });
  await bench.startExtractor({ STORE_MESSAGE_BODIES: 'true' });
  await bench.extracted(await bench.submit({ platforms: ['smartlead'] }));
  const kept = (await bench.raw('smartlead')).filter(({ value }) => value.record.includes('"email_message":"'));
  assert.ok(kept.length > 0);
  assert.ok(Math.max(...kept.map(({ value }) => value.record.length)) > 5_000);
});

test('after a cancel at most the chunks under way are finished', async () => {
  await using bench = await openBench({
    size: { smartlead: { campaigns: 1, rows: 1 }, lemlist: { campaigns: 4, activities: 20_000 } },
    lemlist: { latencyMs: 20 },
    limits: { lemlist: '20/1s' },
  });
  const { control } = bench.simulators.lemlist;
  await bench.startExtractor();
  const jobId = await bench.submit({ platforms: ['lemlist'], parallelWorkers: 2 });
  await waitFor(() => control.arrivalCount() >= 10, { what: 'the first requests' });
  await bench.database.pool.query(`update jobs set ending = 'cancelled' where job_id = $1`, [jobId]);
  const atCancel = control.arrivalCount();
  const idle = async (): Promise<boolean> => {
    const { rows } = await bench.database.pool.query('select from streams where lease_until is not null');
    return rows.length === 0;
  };
  await waitFor(idle, { what: 'the leases to be given back' });
  assert.ok(control.arrivalCount() - atCancel <= 2, `${control.arrivalCount() - atCancel} more requests`);
});
