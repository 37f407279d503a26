import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import type { JobStatus } from './api-client.ts';
import { assertBalanced, assertFirstSync, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const POLL_MS = 100;
/** A machine as busy as can be; the sync itself takes some 15 s by its limits. */
const DEADLINE_MS = 150_000;

/** `current_stage` of the contract: the stages of a running job, and the statuses of one that is not. */
const STAGES: ReadonlySet<string> = new Set([
  'discovering',
  'processing_smartlead_activities',
  'processing_lemlist_activities',
  'keying',
  'loading',
  'finalizing',
  'completed',
  'queued',
]);

/** Asks for the status over and over until the job has ended; `onEnd` runs as soon as that is seen. */
async function poll(pipeline: Pipeline, jobId: string, onEnd: () => Promise<void>): Promise<readonly JobStatus[]> {
  const seen: JobStatus[] = [];
  const endsAt = performance.now() + DEADLINE_MS;
  for (;;) {
    const status = await pipeline.status(jobId);
    seen.push(status);
    if (status.completed_at !== null || status.progress.percentage === 100) {
      await onEnd();
      return seen;
    }
    assert.ok(performance.now() < endsAt, `${jobId} did not end in ${DEADLINE_MS} ms: ${JSON.stringify(status)}`);
    await delay(POLL_MS);
  }
}

async function countRows({ pool }: Pipeline): Promise<number> {
  const { rows } = await pool.query<{ rows: number }>('select count(*)::int as rows from event_source');
  return rows[0]?.rows ?? -1;
}

function assertHonest(status: JobStatus): void {
  const { progress, summary } = status;
  const { percentage, eta_minutes: eta, current_stage: stage } = progress;
  assert.ok(Number.isInteger(percentage) && percentage >= 0 && percentage <= 100, `percentage is ${percentage}`);
  assert.ok(typeof eta === 'number' && Number.isFinite(eta) && eta >= 0, `eta_minutes is ${eta}`);
  assert.ok(STAGES.has(stage), `"${stage}" is no stage of the contract`);
  for (const name of Object.keys(progress.stages)) assert.ok(STAGES.has(name), `stages{} holds "${name}"`);
  for (const [name, { done, total }] of Object.entries(progress.stages)) {
    assert.ok(done <= total, `${name}: ${done} of ${total} are done`);
  }
  assert.ok(progress.processed_items <= progress.total_items, JSON.stringify(progress));
  assert.equal(percentage === 100, status.status === 'completed', `${percentage} % and ${status.status}`);
  assertBalanced(summary);
  for (const counts of Object.values(summary.by_platform)) assertBalanced(counts);
  assert.ok(summary.duration_ms > 0);
}

test('what is shown of a running job is true at every look, and 100 % means committed', async () => {
  // By these limits some 15 s: the pages of 2,400 activities, and the campaigns of the other side.
  const limits = { smartlead: '3/2s', lemlist: '4/2s' };
  const env = { SMARTLEAD_RATE_LIMIT: limits.smartlead, LEMLIST_RATE_LIMIT: limits.lemlist };
  await using pipeline = await startPipeline({
    simulators: {
      seed: 31,
      size: { smartlead: { campaigns: 12, rows: 3_000 }, lemlist: { campaigns: 6, activities: 2_400 } },
      smartlead: { rateLimit: limits.smartlead, brokenRecords: 7 },
      lemlist: { rateLimit: limits.lemlist, brokenRecords: 7, collisions: 5 },
    },
    env,
  });
  const expected = await expectSync(pipeline);
  await pipeline.explain(async () => {
    const jobId = await pipeline.execute();
    let rowsAtEnd = -1;
    const seen = await poll(pipeline, jobId, async () => {
      rowsAtEnd = await countRows(pipeline);
    });
    const last = seen.at(-1);
    assert.ok(last !== undefined && last.status === 'completed', JSON.stringify(last));
    assert.equal(last.progress.percentage, 100);
    assert.equal(last.progress.current_stage, 'completed');
    assert.equal(last.progress.eta_minutes, 0);
    assert.equal(rowsAtEnd, expected.facts.size, 'rows committed when 100 % was seen');
    assert.equal(last.summary.events_created, rowsAtEnd);
    await assertRows(pipeline, expected);
    await assertFirstSync(pipeline, last, expected);

    for (const status of seen) assertHonest(status);
    for (const [index, status] of seen.entries()) {
      const before = seen[index - 1];
      if (before === undefined) continue;
      assert.ok(
        status.progress.percentage >= before.progress.percentage,
        `fell from ${before.progress.percentage} % to ${status.progress.percentage} %`,
      );
      for (const name of ['records_fetched', 'events_created', 'duplicates'] as const) {
        assert.ok(status.summary[name] >= before.summary[name], `${name} fell`);
      }
    }
    const stages = new Set(seen.map(({ progress }) => progress.current_stage));
    assert.ok(stages.has('processing_smartlead_activities') || stages.has('processing_lemlist_activities'));
    const steps = new Set(seen.map(({ progress }) => progress.percentage));
    assert.ok(steps.size >= 8, `only ${[...steps].join(', ')} % were seen`);
    assert.ok(
      seen.some(({ progress }) => progress.eta_minutes > 0),
      'nothing was ever expected to take time',
    );
    assert.ok(
      seen.some(({ status, summary }) => status === 'in_progress' && summary.events_created > 0),
      'nothing was counted while the job ran',
    );
  });
});

test('an empty account is complete at once, with 100 %', async () => {
  await using pipeline = await startPipeline({
    simulators: { size: { smartlead: { campaigns: 0, rows: 0 }, lemlist: { campaigns: 0, activities: 0 } } },
  });
  await pipeline.explain(async () => {
    const job = await pipeline.waitForEnd(await pipeline.execute());
    assertHonest(job);
    assert.equal(job.status, 'completed');
    assert.equal(job.progress.percentage, 100);
    assert.equal(job.error, null);
    assert.equal(job.summary.records_fetched, 0);
    assert.equal(job.summary.events_derived, 0);
    assert.equal(await countRows(pipeline), 0);
  });
});
