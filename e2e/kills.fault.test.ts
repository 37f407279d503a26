import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { waitFor } from '@full-sync/testing';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import { SERVICES } from './supervise.ts';
import type { ServiceName } from './supervise.ts';

const KILLS_EACH = 2;
/** What every answer of the upstreams waits while there is something to kill. */
const SLOW_MS = 1_500;

/** Numbers from 0 to 1 that a seed gives again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** In every round each service once, in an order that the seed gives: a service has time to come back before its next turn. */
function victimsOf(random: () => number): readonly ServiceName[] {
  const rounds = Array.from({ length: KILLS_EACH }, () =>
    SERVICES.map((name) => ({ name, place: random() })).toSorted((a, b) => a.place - b.place),
  );
  return rounds.flat().map(({ name }) => name);
}

test('a job completes by itself and exactly while every service is killed at random', async (t) => {
  const seed = Number(process.env['FULL_SYNC_SEED'] ?? randomInt(1_000_000));
  t.diagnostic(`FULL_SYNC_SEED=${seed}`);
  const random = randomOf(seed);
  await using pipeline = await startPipeline({
    simulators: {
      seed: 61,
      size: { smartlead: { campaigns: 16, rows: 3_000 }, lemlist: { campaigns: 6, activities: 3_000 } },
      // So slow that there is work until the last kill; then it is left to run.
      smartlead: { latencyMs: SLOW_MS, brokenRecords: 7 },
      lemlist: { latencyMs: SLOW_MS, brokenRecords: 7, collisions: 7 },
    },
    restart: true,
  });
  await pipeline
    .explain(async () => {
      const jobId = await pipeline.execute({ parallelWorkers: 1 });
      const begun = async (): Promise<boolean> => (await pipeline.status(jobId)).summary.events_created > 0;
      await waitFor(begun, { what: 'the first rows', deadlineMs: 60_000 });
      for (const name of victimsOf(random)) {
        const victim = pipeline.service(name);
        await victim.ready();
        await delay(random() * 500);
        await pipeline.service('api').ready();
        assert.equal((await pipeline.status(jobId)).completed_at, null, 'the job ended before the last kill');
        await victim.kill('SIGKILL');
      }
      for (const { control } of [pipeline.simulators.smartlead, pipeline.simulators.lemlist]) control.setLatency(0);
      const job = await pipeline.waitForEnd(jobId, 240_000);
      assert.equal(job.status, 'completed', JSON.stringify(job));
      const expected = await expectSync(pipeline);
      await assertRows(pipeline, expected);
      assertBalanced(job.summary);
      assert.equal(job.summary.events_created, expected.facts.size);
      // Chunks whose extractor died were fetched again: more may have been seen than there is, never less.
      const counts = expected.facts.counts();
      assert.ok(job.summary.records_fetched >= counts.records, 'every record was fetched');
      assert.ok(job.summary.rejected >= counts.rejected, 'every broken record is counted');
      for (const one of pipeline.services) {
        assert.ok(one.exits().length >= KILLS_EACH, `${one.name} was killed ${one.exits().length} times`);
      }
    })
    .catch((error: unknown) => {
      throw new Error(`with FULL_SYNC_SEED=${seed}`, { cause: error });
    });
});
