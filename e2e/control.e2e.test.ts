import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { spawnProgram, waitFor } from '@full-sync/testing';
import type { JobStatus } from './api-client.ts';
import { assertBalanced, assertFirstSync, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

/** Some 15 s of work by these limits: a job can be met in the middle of it. */
const size = { smartlead: { campaigns: 12, rows: 3_000 }, lemlist: { campaigns: 6, activities: 2_400 } };
const workers = 4;
const limits = { SMARTLEAD_RATE_LIMIT: '3/2s', LEMLIST_RATE_LIMIT: '4/2s' };
const limited = {
  simulators: { seed: 41, size, smartlead: { brokenRecords: 5 }, lemlist: { brokenRecords: 5, collisions: 3 } },
  env: limits,
  restart: true,
};

async function startedJob(pipeline: Pipeline): Promise<string> {
  const jobId = await pipeline.execute();
  await waitFor(async () => (await pipeline.status(jobId)).summary.events_created > 0, {
    what: 'the first rows',
    deadlineMs: 60_000,
  });
  return jobId;
}

async function wish(pipeline: Pipeline, what: 'cancel' | 'pause' | 'resume', jobId: string): Promise<JobStatus> {
  const [method, path] =
    what === 'cancel' ? (['DELETE', `cancel/${jobId}`] as const) : (['POST', `${jobId}/${what}`] as const);
  const answer = await pipeline.call(method, `/api/full-sync/${path}`);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text) as JobStatus;
}

/** The command line tool, which follows the job as server-sent events. */
function watch(pipeline: Pipeline, jobId: string) {
  const entry = join(import.meta.dirname, '..', 'packages', 'cli', 'src', 'main.ts');
  const env = { API_URL: pipeline.api, DATABASE_URL: '' };
  return spawnProgram({ name: 'cli', args: [entry, 'watch', jobId], cwd: import.meta.dirname, env });
}

const requestsSent = ({ simulators }: Pipeline): number =>
  simulators.smartlead.control.arrivalCount() + simulators.lemlist.control.arrivalCount();

async function liveLeases({ pool }: Pipeline): Promise<number> {
  const { rows } = await pool.query<{ live: number }>(
    `select count(*)::int as live from streams where status = 'pending' and lease_until > now()`,
  );
  return rows[0]?.live ?? -1;
}

/** Kills every service at once, so that nobody drains, and waits until all are back. */
async function killAll(pipeline: Pipeline): Promise<void> {
  await Promise.all(pipeline.services.map((service) => service.kill('SIGKILL')));
  await Promise.all(pipeline.services.map((service) => service.ready()));
}

test('a paused job reads at most the chunks under way, loads them, survives the death of everything and ends exact', async () => {
  await using pipeline = await startPipeline(limited);
  const expected = await expectSync(pipeline);
  await pipeline.explain(async () => {
    const jobId = await startedJob(pipeline);
    await using watcher = watch(pipeline, jobId);
    await waitFor(() => watcher.output().includes(' %  '), { what: 'the watcher to show the job', deadlineMs: 60_000 });
    const paused = await wish(pipeline, 'pause', jobId);
    const sent = requestsSent(pipeline);
    assert.equal(paused.status, 'paused');
    await waitFor(async () => (await liveLeases(pipeline)) === 0, { what: 'the chunks under way', deadlineMs: 60_000 });
    const after = requestsSent(pipeline);
    // By limits a chunk is one request, and each account has at most so many under way.
    assert.ok(after - sent <= 2 * workers, `${after - sent} requests after the pause`);
    const loaded = async (): Promise<boolean> => {
      const { rows } = await pipeline.pool.query<{ committed: number }>(
        'select sum(records_committed)::int as committed from streams where job_id = $1',
        [jobId],
      );
      return (await pipeline.status(jobId)).progress.processed_items === rows[0]?.committed;
    };
    await waitFor(loaded, { what: 'what was published to be loaded', deadlineMs: 60_000 });

    await killAll(pipeline);
    await waitFor(loaded, { what: 'the same after everything died', deadlineMs: 60_000 });
    const held = await pipeline.status(jobId);
    assert.deepEqual([held.status, held.progress.current_stage], ['paused', 'paused']);
    assert.ok(held.progress.percentage > 0 && held.progress.percentage < 100);
    assert.equal(requestsSent(pipeline), after, 'nothing is fetched while the job is paused');
    const second = await pipeline.call('POST', '/api/full-sync/execute', {
      platforms: 'smartlead',
      syncMode: 'full_historical',
    });
    assert.equal(second.status, 409, second.text);

    await wish(pipeline, 'resume', jobId);
    const done = await pipeline.waitForEnd(jobId);
    const { code } = await watcher.exited;
    assert.equal(code, 0, watcher.output());
    assert.match(watcher.output(), /% {2}paused/);
    assert.match(watcher.output(), /100 % {2}completed/);
    await assertRows(pipeline, expected);
    await assertFirstSync(pipeline, done, expected);
  });
});

test('a cancelled job balances although everything dies at once, and the next sync is exact', async () => {
  await using pipeline = await startPipeline(limited);
  const expected = await expectSync(pipeline);
  await pipeline.explain(async () => {
    const jobId = await startedJob(pipeline);
    const cancelled = await wish(pipeline, 'cancel', jobId);
    assert.deepEqual([cancelled.status, cancelled.progress.current_stage], ['in_progress', 'finalizing']);
    await killAll(pipeline);
    const ended = await pipeline.waitForEnd(jobId);
    assert.deepEqual([ended.status, ended.progress.current_stage, ended.error], ['cancelled', 'cancelled', null]);
    assertBalanced(ended.summary);
    for (const counts of Object.values(ended.summary.by_platform)) assertBalanced(counts);
    assert.ok(ended.progress.percentage < 100);
    const { rows } = await pipeline.pool.query<{ rows: number }>('select count(*)::int as rows from event_source');
    assert.equal(rows[0]?.rows, ended.summary.events_created);
    const sent = requestsSent(pipeline);

    const next = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(next.status, 'completed', JSON.stringify(next.error));
    assert.ok(requestsSent(pipeline) > sent);
    await assertRows(pipeline, expected);
    assert.equal(next.summary.events_created, expected.facts.size - ended.summary.events_created);
  });
});
