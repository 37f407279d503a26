import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulators } from '@full-sync/simulators';
import { waitFor } from '@full-sync/testing';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const limits = { smartlead: '20/1s', lemlist: '20/1s' };
const spanMs = 1_000;
const simulators = {
  seed: 71,
  size: { smartlead: { campaigns: 50, rows: 3_000 }, lemlist: { campaigns: 8, activities: 6_000 } },
  smartlead: { rateLimit: limits.smartlead },
  lemlist: { rateLimit: limits.lemlist },
};
/** Streams in flight at the moment of a look, and looks that come late. */
const slack = 8;

/** Requests that each job has had answered on Smartlead's account, and whether its walks there have ended. */
async function served({ pool }: Pipeline): Promise<ReadonlyMap<string, { requests: number; ended: boolean }>> {
  const { rows } = await pool.query<{ namespace: string; requests: number; ended: boolean }>(
    `select namespace, sum(chunks_committed)::int as requests, bool_and(status <> 'pending') as ended
     from streams where platform = 'smartlead' group by 1`,
  );
  return new Map(rows.map(({ namespace, ...row }) => [namespace, row]));
}

test('three jobs at once over two accounts: all exact, no account above its limit, and the small one has every third turn', async (t) => {
  const scouted = await startSimulators(simulators);
  const few = [...new Set([...scouted.smartlead.ledger.facts()].map(({ campaignId }) => campaignId))].slice(10, 16);
  await scouted.close();
  const directory = await mkdtemp(join(tmpdir(), 'full-sync-e2e-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'namespaces.json');
  await writeFile(file, JSON.stringify({ small: { smartlead: { apiKeyEnv: 'SMARTLEAD_API_KEY', campaigns: few } } }));
  const env = {
    NAMESPACES_FILE: file,
    SMARTLEAD_RATE_LIMIT: limits.smartlead,
    LEMLIST_RATE_LIMIT: limits.lemlist,
  };
  await using pipeline = await startPipeline({ simulators, env });
  await pipeline.explain(async () => {
    const large = [await pipeline.execute({ namespaces: 'one' }), await pipeline.execute({ namespaces: 'two' })];
    const busy = async (): Promise<boolean> =>
      [...(await served(pipeline)).values()].filter(({ requests }) => requests > 5).length === 2;
    await waitFor(busy, { what: 'both large jobs at work' });
    const before = await served(pipeline);
    const small = await pipeline.execute({ namespaces: 'small', platforms: 'smartlead' });
    let after = before;
    const smallRead = async (): Promise<boolean> => {
      after = await served(pipeline);
      return after.get('small')?.ended === true && (after.get('small')?.requests ?? 0) > 1;
    };
    await waitFor(smallRead, { what: 'the walks of the small job', intervalMs: 20, deadlineMs: 60_000 });
    const own = after.get('small')?.requests ?? 0;
    const others = ['one', 'two'].map((name) => (after.get(name)?.requests ?? 0) - (before.get(name)?.requests ?? 0));
    t.diagnostic(`the small job had ${own} requests answered, the others meanwhile ${others.join(' and ')}`);
    assert.equal(own, 1 + 2 * few.length);
    assert.ok(!['one', 'two'].some((name) => after.get(name)?.ended), 'the large jobs were at work all the time');
    assert.ok(own + others.reduce((sum, n) => sum + n, 0) <= 3 * own + slack, `${own} of ${others.join(', ')} more`);
    for (const other of others) assert.ok(other >= own - slack, `one of the large jobs had only ${other}`);

    for (const jobId of [...large, small]) {
      const job = await pipeline.waitForEnd(jobId);
      assert.equal(job.status, 'completed', JSON.stringify(job));
      assertBalanced(job.summary);
    }
    for (const namespace of ['one', 'two'])
      await assertRows(pipeline, await expectSync(pipeline, namespace), namespace);
    const ofFew = await expectSync(pipeline, 'small', ({ campaignId }) => few.includes(campaignId ?? ''));
    await assertRows(pipeline, ofFew, 'small');
    for (const platform of ['smartlead', 'lemlist'] as const) {
      const { control } = pipeline.simulators[platform];
      const most = control.maxInWindow(spanMs);
      t.diagnostic(`${platform}: ${control.arrivalCount()} requests, at most ${most} in any second`);
      assert.ok(most <= 20, `${most} requests to ${platform} in a second`);
      assert.ok(
        control.arrivals().every(({ accepted }) => accepted),
        `${platform} refused a request`,
      );
    }
  });
});
