import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobStatus } from './api-client.ts';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const broken = 6;

async function replay(pipeline: Pipeline, filter: Readonly<Record<string, string>>) {
  const answer = await pipeline.call('POST', '/api/dead-letters/replay', { filter });
  return {
    status: answer.status,
    body: JSON.parse(answer.text) as {
      readonly jobId: string;
      readonly replaying: number;
      readonly refused: unknown[];
    },
  };
}

async function statuses(pipeline: Pipeline, jobId: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await pipeline.pool.query<{ status: string; letters: number }>(
    'select status, count(*)::int as letters from dead_letters where job_id = $1 group by 1 order by 1',
    [jobId],
  );
  return Object.fromEntries(rows.map(({ status, letters }) => [status, letters]));
}

const replayedOf = (job: JobStatus & { readonly summary: { readonly replayed?: number } }): number =>
  job.summary.replayed ?? -1;

test('letters of the loader and of the keyer are replayed to where they belong, through the death of everything', async () => {
  await using pipeline = await startPipeline({
    simulators: {
      seed: 51,
      size: { smartlead: { campaigns: 4, rows: 1_200 }, lemlist: { campaigns: 3, activities: 600 } },
      smartlead: { brokenRecords: broken },
      lemlist: { brokenRecords: broken },
    },
    restart: true,
  });
  const expected = await expectSync(pipeline);
  await pipeline.explain(async () => {
    // A rule of the user's own refuses what they will want after all.
    await pipeline.pool.query(
      `alter table event_source add constraint no_replies check (event_type <> 'email_replied')`,
    );
    const first = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(first.status, 'completed');
    assert.ok(first.summary.dead_lettered > 20, `only ${first.summary.dead_lettered} replies`);
    const { dead_lettered: refused, rejected } = first.summary;
    assert.equal(rejected, 2 * broken);
    await pipeline.pool.query('alter table event_source drop constraint no_replies');

    const submitted = await replay(pipeline, { jobId: first.jobId, stage: 'loader' });
    assert.deepEqual([submitted.status, submitted.body.replaying], [202, refused]);
    await Promise.all(pipeline.services.map((service) => service.kill('SIGKILL')));
    await Promise.all(pipeline.services.map((service) => service.ready()));
    const second = await pipeline.waitForEnd(submitted.body.jobId);
    assert.equal(second.status, 'completed', JSON.stringify(second.error));
    assertBalanced(second.summary);
    // Fewer than letters: one reply is told by several rows.
    assert.equal(second.summary.events_created, expected.facts.size - first.summary.events_created);
    await assertRows(pipeline, expected);
    assert.deepEqual(await statuses(pipeline, first.jobId), { open: rejected, replayed: refused });
    const after = await pipeline.status(first.jobId);
    assert.equal(replayedOf(after), refused);
    assert.equal(after.summary.dead_lettered, refused, 'the summary of the past stays');

    // What is broken at the source stays so: its letters are followed by new ones, and no row comes of it.
    const again = await replay(pipeline, { jobId: first.jobId });
    assert.equal(again.body.replaying, rejected);
    const third = await pipeline.waitForEnd(again.body.jobId);
    assert.equal(third.status, 'completed', JSON.stringify(third.error));
    assert.deepEqual([third.summary.rejected, third.summary.events_derived], [rejected, 0]);
    assert.deepEqual(await statuses(pipeline, first.jobId), { replayed: refused, superseded: rejected });
    assert.deepEqual(await statuses(pipeline, third.jobId), { open: rejected });
    assert.deepEqual((await replay(pipeline, { jobId: first.jobId })).body.replaying, 0);
    await assertRows(pipeline, expected);

    // Nor does the data of a deleted namespace come back with what is still under way.
    const removed = await pipeline.call('DELETE', '/api/namespaces/default?confirm=default');
    assert.equal(removed.status, 200, removed.text);
    const { deleted } = JSON.parse(removed.text) as { readonly deleted: { readonly rows: number } };
    assert.equal(deleted.rows, expected.facts.size);
    const anew = await pipeline.waitForEnd(await pipeline.execute());
    assert.equal(anew.summary.events_created, expected.facts.size);
    await assertRows(pipeline, expected);
  });
});
