import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { createKafkaProxy, createTcpProxy, describeExit, stackAddresses, waitFor } from '@full-sync/testing';
import type { TcpProxy } from '@full-sync/testing';
import { assertBalanced, assertRows, expectSync } from './expectations.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

/** Lines that break over and over, at no particular point of anybody's work. */
const CUTS = 12;
const CUT_EVERY_MS = 350;
/** Long enough for every service to meet it at work, and for some to give up and be started again. */
const OUTAGE_MS = 6_000;

/** By these limits a job has work for some 12 s. */
const limits = { smartlead: '2/1s', lemlist: '3/1s' };
const options = {
  simulators: {
    seed: 41,
    size: { smartlead: { campaigns: 14, rows: 2_000 }, lemlist: { campaigns: 6, activities: 2_500 } },
    smartlead: { rateLimit: limits.smartlead, brokenRecords: 5 },
    lemlist: { rateLimit: limits.lemlist, brokenRecords: 5, collisions: 5 },
  },
  restart: true,
};
const rates = { SMARTLEAD_RATE_LIMIT: limits.smartlead, LEMLIST_RATE_LIMIT: limits.lemlist };

/** Takes something away in the middle of a job, gives it back, and asserts that nothing is missing and nothing doubled. */
async function surviveOutage(pipeline: Pipeline, line: Pick<TcpProxy, 'cut' | 'refuse' | 'accept'>): Promise<void> {
  const jobId = await pipeline.execute();
  const begun = async (): Promise<boolean> => (await pipeline.status(jobId)).summary.events_created > 0;
  await waitFor(begun, { what: 'the first rows', deadlineMs: 60_000 });
  for (let cut = 0; cut < CUTS; cut += 1) {
    line.cut();
    await delay(CUT_EVERY_MS);
  }
  line.refuse();
  await delay(OUTAGE_MS);
  line.accept();
  const job = await pipeline.waitForEnd(jobId, 180_000);
  assert.equal(job.status, 'completed', JSON.stringify(job));
  const expected = await expectSync(pipeline);
  await assertRows(pipeline, expected);
  assertBalanced(job.summary);
  assert.equal(job.summary.events_created, expected.facts.size);
  // Exit codes of a lost peer, and no other: 1 would be an error of ours, a signal a crash.
  for (const one of pipeline.services) {
    const ends = one.exits().map(describeExit);
    assert.ok(
      ends.every((end) => end === 'code 3'),
      `${one.name} ended with ${ends.join(', ')}`,
    );
    const fatal = one
      .output()
      .split('\n')
      .filter((printed) => printed.startsWith('{"level":"fatal"'));
    assert.deepEqual(
      fatal.filter((said) => !/"code":"ENVIRONMENT","hint":"[^"]/.test(said)),
      [],
      `${one.name} ended without a word on what is missing`,
    );
  }
}

test('a broker that goes away in the middle of a job, for moments and for a while, loses and doubles nothing', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using pipeline = await startPipeline({ ...options, env: { ...rates, KAFKA_BROKERS: proxy.brokers } });
  await pipeline.explain(() => surviveOutage(pipeline, proxy));
});

test('a Postgres that goes away in the middle of a job, for moments and for a while, loses and doubles nothing', async () => {
  const url = new URL(stackAddresses().databaseUrl);
  await using proxy = await createTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
  await using pipeline = await startPipeline({
    ...options,
    env: rates,
    databaseAt: proxy,
  });
  await pipeline.explain(() => surviveOutage(pipeline, proxy));
});
