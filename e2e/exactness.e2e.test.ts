import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIZES } from '@full-sync/simulators';
import { tableChecksum } from '@full-sync/testing';
import { assertFirstSync, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';

const size = { smartlead: { campaigns: 8, rows: 900 }, lemlist: { campaigns: 8, activities: 900 } };

/** Broken records and collisions on one of the seeds: the table must not depend on them either. */
const accounts = [
  { seed: 11, broken: 0, collisions: 0 },
  { seed: 12, broken: 14, collisions: 9 },
  { seed: 13, broken: 0, collisions: 0 },
];

for (const { seed, broken, collisions } of accounts) {
  test(`seed ${seed}: the table is the oracle's, row by row, and a second sync changes nothing`, async () => {
    await using pipeline = await startPipeline({
      simulators: {
        seed,
        size,
        smartlead: { brokenRecords: broken },
        lemlist: { brokenRecords: broken, collisions },
      },
    });
    const expected = await expectSync(pipeline);
    await pipeline.explain(async () => {
      const first = await pipeline.waitForEnd(await pipeline.execute());
      await assertRows(pipeline, expected);
      await assertFirstSync(pipeline, first, expected);
      const before = await tableChecksum(pipeline.pool, 'event_source');
      assert.equal(before.rows, expected.facts.size);

      const second = await pipeline.waitForEnd(await pipeline.execute());
      assert.equal(second.status, 'completed');
      const { events_created, events_derived, duplicates } = second.summary;
      assert.equal(events_created, 0);
      assert.equal(events_derived, expected.facts.counts().events);
      assert.equal(duplicates + second.summary.collisions, events_derived);
      assert.equal(second.summary.collisions, expected.facts.counts().collisions);
      assert.equal(second.summary.rejected, expected.facts.counts().rejected);
      assert.deepEqual(await tableChecksum(pipeline.pool, 'event_source'), before);
    });
  });
}

test('jobs that run at once, and namespaces of one job, do not disturb each other', async () => {
  await using pipeline = await startPipeline({
    simulators: { seed: 14, size: SIZES.small, lemlist: { collisions: 5 } },
    copies: { extractor: 2 },
  });
  await pipeline.explain(async () => {
    const one = await pipeline.execute({ namespaces: 'one', parallelWorkers: 2 });
    const both = await pipeline.execute({ namespaces: ['two', 'three'], batchSize: 7 });
    const taken = await pipeline.call('POST', '/api/full-sync/execute', {
      platforms: 'lemlist',
      syncMode: 'full_historical',
      namespaces: 'three',
    });
    assert.equal(taken.status, 409);
    assert.ok(taken.text.includes(both), taken.text);
    const jobs = [await pipeline.waitForEnd(one), await pipeline.waitForEnd(both)];
    const expected = await expectSync(pipeline, 'one');
    await assertFirstSync(pipeline, jobs[0] ?? assert.fail(), expected);
    for (const namespace of ['one', 'two', 'three']) {
      await assertRows(pipeline, await expectSync(pipeline, namespace), namespace);
    }
    const counts = expected.facts.counts();
    assert.equal(jobs[1]?.status, 'completed');
    assert.equal(jobs[1].summary.events_created, counts.created * 2);
    assert.equal(jobs[1].summary.collisions, counts.collisions * 2);
    assert.equal(jobs[1].summary.records_fetched, counts.records * 2);
  });
});
