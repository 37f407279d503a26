import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const size = { smartlead: { campaigns: 8, rows: 900 }, lemlist: { campaigns: 8, activities: 900 } };
const dayMs = 86_400_000;

type Submitted = {
  readonly jobId: string;
  readonly warnings: readonly string[];
  readonly estimatedDuration: string;
  readonly config: Readonly<Record<string, unknown>>;
};

async function submit(pipeline: Pipeline, body: Readonly<Record<string, unknown>>): Promise<Submitted> {
  const answer = await pipeline.call('POST', '/api/full-sync/execute', { syncMode: 'full_historical', ...body });
  assert.equal(answer.status, 202, answer.text);
  return JSON.parse(answer.text) as Submitted;
}

/** When the requests whose path ends so arrived, ms, in order. */
function arrivalsOf(pipeline: Pipeline, platform: 'smartlead' | 'lemlist', end: string): readonly number[] {
  const arrivals = pipeline.simulators[platform].control.arrivals();
  return arrivals.filter(({ path }) => path.endsWith(end)).map(({ at }) => at);
}

const gaps = (times: readonly number[]): readonly number[] => times.slice(1).map((at, i) => at - (times[i] ?? at));

test('dateRange: windows of so many days, one after the other, with the pause between them, and the same rows', async (t) => {
  await using pipeline = await startPipeline({ simulators: { seed: 61, size } });
  await pipeline.explain(async () => {
    const delay = 150;
    const range = { syncMode: 'date_range', startDate: '2025-01-01', endDate: '2025-06-30' };
    const windows = Math.ceil((Date.parse('2025-07-01') - Date.parse('2025-01-01')) / (30 * dayMs));
    const job = { ...range, platforms: 'smartlead,lemlist', dateRange: { chunkSize: 30, delay } };
    const { jobId, warnings } = await submit(pipeline, { ...job, namespaces: 'chunked' });
    const ended = await pipeline.waitForEnd(jobId);
    assert.equal(ended.status, 'completed', JSON.stringify(ended));
    assert.deepEqual(
      warnings.filter((warning) => warning.includes('dateRange')),
      [],
    );
    const lemlist = arrivalsOf(pipeline, 'lemlist', '/activities');
    const campaigns = new Set([...pipeline.simulators.smartlead.ledger.facts()].map(({ campaignId }) => campaignId));
    const perCampaign = [...campaigns].map((id) => arrivalsOf(pipeline, 'smartlead', `/${id}/statistics`));
    t.diagnostic(
      `${windows} windows; lemlist ${lemlist.length} requests, smartlead ${perCampaign.map((a) => a.length).join(', ')}`,
    );
    for (const times of perCampaign) {
      assert.equal(times.length, windows);
      for (const gap of gaps(times)) assert.ok(gap >= delay, `${gap} ms between two windows`);
    }
    assert.ok(lemlist.length >= windows);
    assert.equal(gaps(lemlist).filter((gap) => gap >= delay).length, windows - 1);

    const plain = await pipeline.waitForEnd(await pipeline.execute({ ...range, namespaces: 'plain' }));
    const { events_created: created, records_fetched: fetched } = plain.summary;
    assert.deepEqual([ended.summary.events_created, ended.summary.records_fetched], [created, fetched]);
    assert.ok(created > 0);
    const { rows } = await pipeline.pool.query<{ namespace: string; types: string }>(
      `select namespace, string_agg(event_type || source_type || occurred_at, ',' order by occurred_at, event_type, source_type) as types
       from event_source group by 1`,
    );
    assert.equal(rows[0]?.types, rows[1]?.types);
  });
});

test('dateRange: a full sync in windows is a full sync', async () => {
  await using pipeline = await startPipeline({ simulators: { seed: 62, size } });
  await pipeline.explain(async () => {
    const { jobId } = await submit(pipeline, { platforms: 'smartlead,lemlist', dateRange: { chunkSize: 120 } });
    const job = await pipeline.waitForEnd(jobId);
    assert.equal(job.status, 'completed', JSON.stringify(job));
    await assertRows(pipeline, await expectSync(pipeline));
    assert.ok(arrivalsOf(pipeline, 'lemlist', '/activities').length >= 8);
    const { rows } = await pipeline.pool.query<{ moved: number }>('select count(*)::int as moved from cursors');
    // Each campaign of Smartlead, and both accounts.
    assert.equal(rows[0]?.moved, 8 + 2);
  });
});

test('rateLimitOverride: its job keeps to its pace, another on the same account does not, and what is too much is said', async (t) => {
  const limits = { SMARTLEAD_RATE_LIMIT: '600/2s', LEMLIST_RATE_LIMIT: '20/2s' };
  await using pipeline = await startPipeline({ simulators: { seed: 63, size }, env: limits });
  await pipeline.explain(async () => {
    const clamped = await submit(pipeline, {
      platforms: 'smartlead,lemlist',
      namespaces: 'warned',
      rateLimitConfig: {
        smartlead: { requestsPerSecond: 100, burstSize: 200, retryAttempts: 3 },
        lemlist: { requestsPerSecond: 50, burstSize: 100, retryAttempts: 5 },
      },
    });
    assert.deepEqual(
      clamped.warnings.filter((warning) => warning.startsWith('rateLimitOverride')),
      [
        'rateLimitOverride: 50 requests per second of lemlist were lowered to the 10 that the account allows',
        'rateLimitOverride: the burst of 100 requests to lemlist was lowered to the 20 that the account allows',
      ],
    );
    assert.equal((await pipeline.waitForEnd(clamped.jobId)).status, 'completed');
    pipeline.simulators.smartlead.control.clearArrivals();

    const override = { requestsPerSecond: 4, burstSize: 2 };
    const slow = await submit(pipeline, { platforms: 'smartlead', namespaces: 'slow', rateLimitOverride: override });
    assert.deepEqual(slow.config['rateLimitOverride'], override);
    // Each of 8 campaigns is counted and read, and the list: 17 requests, of which 2 go at once.
    const quick = await submit(pipeline, { platforms: 'smartlead', namespaces: 'quick' });
    const [first, second] = [await pipeline.waitForEnd(quick.jobId), await pipeline.waitForEnd(slow.jobId)];
    assert.deepEqual([first.status, second.status], ['completed', 'completed']);
    const { rows } = await pipeline.pool.query<{ job_id: string; chunks: number; seconds: number }>(
      `select job_id, sum(chunks_committed)::int as chunks,
         extract(epoch from max(ended_at) - min(started_at))::float8 as seconds
       from streams join jobs using (job_id) where namespace in ('slow', 'quick') group by 1`,
    );
    const of = (jobId: string) => rows.find((row) => row.job_id === jobId) ?? { chunks: 0, seconds: 0 };
    assert.equal(of(slow.jobId).chunks, of(quick.jobId).chunks, 'both ask for the same');
    const least = (of(slow.jobId).chunks - override.burstSize) / override.requestsPerSecond;
    t.diagnostic(
      `slow: ${of(slow.jobId).chunks} requests in ${of(slow.jobId).seconds.toFixed(1)} s, quick: ${of(quick.jobId).seconds.toFixed(1)} s`,
    );
    assert.ok(of(slow.jobId).seconds >= least - 0.1, `${of(slow.jobId).seconds} s, at its pace ${least} s`);
    assert.ok(first.completed_at !== null && second.completed_at !== null && first.completed_at < second.completed_at);
  });
});

test('retryAttempts bounds the attempts: with none the first failure is the last, with some it passes', async () => {
  await using pipeline = await startPipeline({ simulators: { seed: 64, size } });
  await pipeline.explain(async () => {
    const { control } = pipeline.simulators.smartlead;
    const platforms = 'smartlead';
    const attempts = (retryAttempts: number) => ({ requestsPerSecond: 100, burstSize: 100, retryAttempts });
    control.fault({ kind: 'status', status: 500, retryAfter: null, body: 'text', path: '/campaigns', count: 2 });
    const none = await submit(pipeline, { platforms, rateLimitOverride: attempts(0) });
    const failed = await pipeline.waitForEnd(none.jobId);
    assert.equal(failed.status, 'failed');
    assert.match(failed.error?.message ?? '', /the only attempt failed with 500/);
    control.clearFaults();
    control.fault({ kind: 'status', status: 500, retryAfter: null, body: 'text', path: '/campaigns', count: 2 });
    const some = await submit(pipeline, { platforms, rateLimitOverride: { smartlead: attempts(5) } });
    assert.equal((await pipeline.waitForEnd(some.jobId)).status, 'completed');
  });
});

test('estimatedDuration: once the totals are known, the plan counts the requests that a sync takes', async (t) => {
  const limits = { SMARTLEAD_RATE_LIMIT: '120/2s', LEMLIST_RATE_LIMIT: '60/2s' };
  await using pipeline = await startPipeline({ simulators: { seed: 65, size }, env: limits });
  await pipeline.explain(async () => {
    const { smartlead, lemlist } = pipeline.simulators;
    const both = { platforms: 'smartlead,lemlist' };
    const first = await submit(pipeline, both);
    assert.match(
      first.estimatedDuration,
      /^unknown until the campaigns are listed; smartlead at most \d+ records a minute/,
    );
    await pipeline.waitForEnd(first.jobId);
    const taken = [smartlead.control.arrivalCount(), lemlist.control.arrivalCount()];
    const second = await submit(pipeline, both);
    const plan =
      /^about \d+ seconds? \(smartlead (\d+) requests at 3600 a minute, lemlist (\d+) requests at 1800 a minute\)$/;
    const [, ofSmartlead, ofLemlist] = plan.exec(second.estimatedDuration) ?? [];
    t.diagnostic(`${second.estimatedDuration}; taken: ${taken.join(', ')}`);
    assert.equal(Number(ofSmartlead), taken[0]);
    assert.ok(Math.abs(Number(ofLemlist) - (taken[1] ?? 0)) <= 0.25 * (taken[1] ?? 0), `${ofLemlist} planned`);
    await pipeline.waitForEnd(second.jobId);
    const delta = await submit(pipeline, { ...both, syncMode: 'delta_since_last' });
    assert.match(delta.estimatedDuration, /^about 1 second \(smartlead 10 requests/);
    await pipeline.waitForEnd(delta.jobId);
  });
});

test('parallelWorkers: so many requests of a job are under way at once, and the rows are the same', async (t) => {
  const latencyMs = 100;
  const simulators = { seed: 66, size, smartlead: { latencyMs } };
  await using pipeline = await startPipeline({ simulators });
  await pipeline.explain(async () => {
    const { control } = pipeline.simulators.smartlead;
    const most = async (parallelWorkers: number): Promise<number> => {
      control.clearArrivals();
      const namespaces = `workers-${parallelWorkers}`;
      const { jobId } = await submit(pipeline, { platforms: 'smartlead', namespaces, parallelWorkers });
      assert.equal((await pipeline.waitForEnd(jobId)).status, 'completed');
      const expected = await expectSync(pipeline, namespaces, ({ platform }) => platform === 'smartlead');
      await assertRows(pipeline, expected, namespaces);
      // Each answer takes the latency at least, so those that arrive within it were under way together.
      return control.maxInWindow(latencyMs);
    };
    const [one, two, eight] = [await most(1), await most(2), await most(8)];
    t.diagnostic(`requests at once with 1, 2 and 8 workers: ${one}, ${two}, ${eight}`);
    assert.deepEqual([one, two], [1, 2]);
    assert.ok(eight > 2 && eight <= 8, `${eight} requests at once with 8 workers`);
  });
});
