import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectSerde } from '@full-sync/kafka';
import { topicNames } from '@full-sync/schemas';
import { stackAddresses, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

const topicId = '11111111-2222-3333-4444-555555555555';
const letters = 20;

let pretend: PretendServices;
before(async () => {
  pretend = await pretendServices();
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

async function publishLetters(): Promise<string> {
  const started = await pretend.execute({ platforms: 'smartlead', syncMode: 'full_historical' });
  const jobId = String(started.body['jobId']);
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 0 });
  await pretend.statusWhere(jobId, 'the first job ends', (job) => job.status === 'completed');
  const config = { SCHEMA_REGISTRY_URL: stackAddresses().schemaRegistryUrl };
  const codec = (await connectSerde({ config, named: pretend.client.named })).codec(topicNames.smartleadRaw);
  await pretend.publishLetters(
    Array.from({ length: letters }, (_, offset) => ({
      job_id: jobId,
      origin: `${topicId}:0:${offset}:0:keyer`,
      origin_topic: topicNames.smartleadRaw,
      origin_partition: 0,
      origin_offset: offset,
      record: codec.encode({
        job_id: jobId,
        stream_id: 1,
        chunk: 0,
        namespace: 'default',
        platform: 'smartlead',
        source: 'statistics',
        campaign_id: '7',
        campaign_name: null,
        fetched_at: 1,
        record: `{"stats_id":"s${offset}"}`,
      }),
    })),
  );
  await waitFor(
    async () =>
      (await pretend.db.pool.query('select from dead_letters where job_id = $1', [jobId])).rowCount === letters,
    { what: 'the letters to be stored' },
  );
  return jobId;
}

async function recordsInTopic(): Promise<number> {
  const ends = await pretend.client.offsets.end(topicNames.smartleadRaw);
  return [...ends.values()].reduce((sum, end) => sum + end, 0);
}

test('an api killed between publishing a replay and committing it repeats the chunk, and the summary says so', async () => {
  const oldJob = await publishLetters();
  const start = await recordsInTopic();
  const holder = await pretend.db.pool.connect();
  let jobId: string;
  try {
    // Whoever commits the chunk writes to this table: it is published, and then waits here.
    await holder.query('begin');
    await holder.query('lock table job_raw_targets in share mode');
    const answer = await fetch(`${pretend.api.url}/api/dead-letters/replay`, {
      method: 'POST',
      body: JSON.stringify({ filter: { jobId: oldJob } }),
    });
    ({ jobId } = JSON.parse(await answer.text()));
    await waitFor(async () => (await recordsInTopic()) >= start + letters, {
      what: 'the records to be published',
      deadlineMs: 25_000,
    });
    const { rows } = await pretend.db.pool.query<{ committed: number }>(
      'select sum(records_committed)::int as committed from streams where job_id = $1',
      [jobId],
    );
    assert.equal(rows[0]?.committed, 0, 'the chunk was not committed yet');
    await pretend.restartApi();
    await holder.query('rollback');
  } finally {
    holder.release();
  }
  // The killed one's lease runs out.
  await pretend.db.pool.query(`update streams set lease_until = now() - interval '1 s' where job_id = $1`, [jobId]);
  await waitFor(async () => (await recordsInTopic()) >= start + 2 * letters, {
    what: 'the chunk to be repeated',
    deadlineMs: 60_000,
  });
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 2 * letters, created: letters, duplicates: letters });
  const done = await pretend.statusWhere(jobId, 'the replay ends', (job) => job.status === 'completed');
  assert.deepEqual([done.summary['records_fetched'], done.summary['events_created']], [2 * letters, letters]);
  assert.equal((await pretend.status(oldJob)).summary['replayed'], letters);
});
