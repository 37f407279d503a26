import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIZES } from '@full-sync/simulators';
import { dataPartitions, leadIdentity, partitionFor } from '@full-sync/schemas';
import { ledgerTexts, openBench, recordTexts } from './bench.ts';

const platforms = ['smartlead', 'lemlist'] as const;

test('a full sync publishes each record of both platforms exactly once, to the partition of its lead', async () => {
  await using bench = await openBench({ size: SIZES.small });
  await bench.startExtractor();
  const jobId = await bench.submit();
  const streams = await bench.extracted(jobId);
  assert.deepEqual(
    streams.filter(({ status, error, warning }) => status !== 'done' || error !== null || warning !== null),
    [],
  );
  for (const platform of platforms) {
    const raw = await bench.raw(platform);
    assert.deepEqual(recordTexts(raw), ledgerTexts(bench.simulators, platform));
    for (const { value, partition, key } of raw) {
      const lead = leadIdentity(platform, JSON.parse(value.record));
      assert.equal(partition, partitionFor(lead ?? Buffer.from(value.record), dataPartitions));
      assert.equal(key, lead);
      assert.equal(value.job_id, jobId);
    }
    const { rows: targets } = await bench.database.pool.query<{ partition: number; last_offset: string }>(
      'select partition, last_offset from job_raw_targets where job_id = $1 and topic like $2',
      [jobId, `%${platform}%`],
    );
    const ends = await bench.client.offsets.end(`outreach.${platform}.raw`);
    for (const { partition, last_offset: last } of targets) assert.equal(Number(last) + 1, ends.get(partition));
  }
  const committed = streams.reduce((sum, stream) => sum + stream.records_committed, 0);
  const fetched = (await bench.raw('smartlead')).length + (await bench.raw('lemlist')).length;
  assert.equal(committed, fetched);
});
