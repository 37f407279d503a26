import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSameKeys } from '@full-sync/testing';
import { assertFirstSync, assertRows, expectSync } from './expectations.ts';
import type { Expectation } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';
import type { ServiceName } from './supervise.ts';

/** Campaigns of several pages among them: two exactly full ones, and a long last one. */
const size = { smartlead: { campaigns: 8, rows: 6_000 }, lemlist: { campaigns: 6, activities: 1_200 } };
const twice = { extractor: 2, keyer: 2, loader: 2 };

const variants = [
  { name: 'one record per produce request, one worker', body: { batchSize: 1, parallelWorkers: 1 }, copies: {} },
  { name: 'two of each service, newest rows first', body: {}, copies: twice, sort: 'sentDescending' },
  {
    name: 'seven records per produce request, two of each service, shuffled rows',
    body: { batchSize: 7, parallelWorkers: 4 },
    copies: twice,
    sort: 'shuffled',
  },
  {
    name: 'large requests, 32 workers',
    body: { batchSize: 10_000, parallelWorkers: 32 },
    copies: {},
    sort: 'shuffled',
  },
] as const;

/** What a process counts when it has had a part in a sync. */
/** What shows that a service worked; the api only asks others to. */
const WORK: Partial<Readonly<Record<ServiceName, string>>> = {
  extractor: 'full_sync_extractor_chunks_total',
  keyer: 'full_sync_keyer_records_total',
  loader: 'full_sync_loader_events_total',
};

let expected: Expectation | null = null;
let firstKeys: readonly string[] | null = null;

for (const { name, body, copies, ...more } of variants) {
  test(`the same rows whatever the way: ${name}`, async () => {
    const smartlead = { sort: 'sort' in more ? more.sort : 'sentAscending' } as const;
    await using pipeline = await startPipeline({ simulators: { seed: 21, size, smartlead }, copies });
    expected ??= await expectSync(pipeline);
    const wanted = expected;
    await pipeline.explain(async () => {
      const job = await pipeline.waitForEnd(await pipeline.execute(body));
      await assertRows(pipeline, wanted);
      await assertFirstSync(pipeline, job, wanted);
      const keys = await keysOf(pipeline);
      firstKeys ??= keys;
      assertSameKeys(firstKeys, keys);
      for (const one of pipeline.services) {
        const metric = WORK[one.service];
        if (metric === undefined) continue;
        assert.ok((await one.current().metric(metric)) > 0, `${one.name} had no part in it`);
      }
    });
  });
}

async function keysOf({ pool }: Pipeline): Promise<readonly string[]> {
  const { rows } = await pool.query<{ key: string }>('select event_key as key from event_source');
  return rows.map(({ key }) => key);
}
