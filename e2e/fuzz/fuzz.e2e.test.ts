import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPipeline } from '../harness.ts';
import { endlessSync, fuzzApi } from './fuzz-api.ts';

/** Told by a failure, so that `npm run drill -- fuzz --seed` can repeat it. */
const seed = Date.now() % 2 ** 31;

test('whatever is sent to the API, it answers as its document says', async (t) => {
  const size = { smartlead: { campaigns: 1, rows: 5 }, lemlist: { campaigns: 1, activities: 5 } };
  const only = { api: { API_RATE_LIMIT: 'off' } };
  await using pipeline = await startPipeline({ simulators: { seed: 81, size }, only });
  await pipeline.explain(async () => {
    const first = await pipeline.waitForEnd(await pipeline.execute());
    const held = await pipeline.execute({ ...endlessSync, namespaces: 'held' });
    const results = await fuzzApi({ url: pipeline.api, requests: 500, seed, jobIds: [first.jobId, held] });
    for (const { name, requests, statuses } of results)
      t.diagnostic(`${name}: ${requests} ${JSON.stringify(statuses)}`);
    const failures = results.flatMap(({ name, failure }) => (failure === null ? [] : [`${name}\n    ${failure}`]));
    assert.deepEqual(failures, [], `seed ${seed}`);
    assert.ok(results.reduce((sum, { requests }) => sum + requests, 0) >= 500);
    const after = await pipeline.waitForEnd(await pipeline.execute({ namespaces: 'after-the-fuzz' }));
    assert.equal(after.status, 'completed', JSON.stringify(after));
  });
});
