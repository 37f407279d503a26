import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { spawnService, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

const full = { syncMode: 'full_historical' };

let pretend: PretendServices;
before(async () => {
  pretend = await pretendServices();
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

async function start(namespaces: string, platforms = 'smartlead'): Promise<string> {
  const { status, body } = await pretend.execute({ ...full, platforms, namespaces });
  assert.equal(status, 202, JSON.stringify(body));
  return String(body['jobId']);
}

test('a job is completed when all that was read is committed, and not a step before', async () => {
  const jobId = await start('steps', 'smartlead,lemlist');
  const queued = await pretend.status(jobId);
  assert.equal(queued.status, 'queued');
  assert.equal(queued.progress.current_stage, 'queued');

  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 30 });
  const discovering = await pretend.statusWhere(jobId, 'smartlead is read', (job) => job.progress.total_items === 30);
  assert.equal(discovering.status, 'in_progress');
  assert.equal(discovering.progress.current_stage, 'discovering');
  assert.equal(discovering.progress.processed_items, 0);

  await pretend.extract(jobId, { platform: 'lemlist', topic: topicNames.lemlistRaw, records: 20 });
  const keying = await pretend.statusWhere(jobId, 'all is read', (job) => job.progress.current_stage === 'keying');
  assert.deepEqual(keying.progress.stages['processing_lemlist_activities'], { done: 20, total: 20 });
  assert.ok(keying.progress.percentage < 100);

  await pretend.key(topicNames.smartleadRaw);
  await pretend.key(topicNames.lemlistRaw);
  const loading = await pretend.statusWhere(jobId, 'all is keyed', (job) => job.progress.current_stage === 'loading');
  assert.deepEqual(loading.progress.stages['keying'], { done: 50, total: 50 });
  assert.ok(loading.progress.percentage >= keying.progress.percentage && loading.progress.percentage < 100);

  await pretend.db.pool.query(
    `insert into job_users (job_id, platform, lead_hash) values ($1, 'smartlead', 1), ($1, 'smartlead', 2), ($1, 'lemlist', 2)`,
    [jobId],
  );
  await pretend.load(jobId, { platform: 'smartlead', accepted: 30, created: 50, duplicates: 10 });
  await pretend.load(jobId, { platform: 'lemlist', accepted: 20, created: 20 });
  const done = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
  assert.equal(done.progress.percentage, 100);
  assert.equal(done.progress.current_stage, 'completed');
  assert.equal(done.progress.eta_minutes, 0);
  assert.equal(done.error, null);
  assert.equal(done.summary['records_fetched'], 50);
  assert.equal(done.summary['events_derived'], 80);
  assert.equal(done.summary['events_created'], 70);
  assert.equal(done.summary['duplicates'], 10);
  assert.equal(done.summary['users_processed'], 2);
  assert.equal(done.summary.by_platform['lemlist']?.['users_processed'], 1);
  assert.ok((done.summary['duration_ms'] ?? 0) > 0);
  const left = await pretend.db.pool.query('select from job_users where job_id = $1', [jobId]);
  assert.equal(left.rowCount, 0);
});

test('a job with nothing to read completes without keyer or loader', async () => {
  const jobId = await start('empty');
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 0 });
  const done = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
  assert.equal(done.summary['total_processed'], 0);
});

test('a job whose records did not all arrive fails and says how many are missing', async () => {
  const jobId = await start('loss');
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 24 });
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 21, created: 21 });
  const failed = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'failed');
  assert.equal(failed.error?.code, 'RECORDS_LOST');
  assert.match(failed.error.message, /3 records are missing: 24 were fetched/);
  assert.ok(failed.progress.percentage < 100);
  assert.equal(failed.progress.current_stage, 'failed');
});

test('a second job on the same namespace and platform is refused with the name of the first', async () => {
  const first = await start('taken', 'smartlead,lemlist');
  const { status, body } = await pretend.execute({ ...full, platforms: 'lemlist', namespaces: 'taken' });
  assert.equal(status, 409);
  assert.equal(body['code'], 'SYNC_003');
  assert.equal(body['conflictingJobId'], first);
  const results = await Promise.all(
    Array.from(
      { length: 6 },
      async () => await pretend.execute({ ...full, platforms: 'smartlead', namespaces: 'race,new' }),
    ),
  );
  assert.deepEqual(
    results.map((result) => result.status).toSorted((a, b) => a - b),
    [202, 409, 409, 409, 409, 409],
  );
});

test('a dead letter counts as rejected once, however often its stage repeats it, and the job waits until it is stored', async () => {
  const jobId = await start('letters');
  const letter = { job_id: jobId, origin: `${jobId}:1:keyer`, detail: 'a \0 in it' };
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 12 });
  await pretend.publishLetters([letter, letter, { ...letter, origin: `${jobId}:2:keyer` }]);
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 10, created: 10 });
  const done = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
  assert.equal(done.summary['rejected'], 2);
  assert.equal(done.summary['records_fetched'], 12);
  assert.equal(done.summary['errors'], 2);
});

test('a walk that failed fails the job by name, after what was read is loaded', async () => {
  const jobId = await start('refused', 'smartlead,lemlist');
  await pretend.failDiscovery(jobId, 'lemlist');
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 12 });
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 12, created: 12 });
  const failed = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'failed');
  assert.equal(failed.error?.code, 'STREAMS_FAILED');
  assert.match(
    failed.error.message,
    /lemlist \(namespace refused\): discover failed: UPSTREAM_AUTH: the key is refused/,
  );
  assert.match(failed.error.message, /12 new events/);
  assert.equal(failed.summary['events_created'], 12);
  assert.equal((await pretend.execute({ ...full, platforms: 'lemlist', namespaces: 'refused' })).status, 202);
});

test('a job goes on where it was after the api was killed, and two copies end it once', async () => {
  const jobId = await start('restart');
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 12 });
  await pretend.key(topicNames.smartleadRaw);
  const seen = await pretend.statusWhere(jobId, 'all is keyed', (job) => job.progress.current_stage === 'loading');
  await pretend.restartApi();
  assert.ok((await pretend.status(jobId)).progress.percentage >= seen.progress.percentage);
  await using second = await spawnService({ name: 'api', env: pretend.env });
  await second.ready(60_000);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 12, created: 12 });
  await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
  const ended = async (): Promise<number> => {
    const own = pretend.api.records().concat(second.records());
    return own.filter((record) => record['msg'] === 'job ended' && record['jobId'] === jobId).length;
  };
  await waitFor(async () => (await ended()) === 1, { what: 'one copy to say that the job ended' });
});

test('a cancelled job ends once its extractor is silent, and a late chunk of that is refused', async () => {
  const jobId = await start('cancelled');
  const { rows } = await pretend.db.pool.query<{ stream_id: string }>(
    `update streams set lease_epoch = 1, lease_owner = 'zombie', lease_until = now() - interval '1 s'
     where job_id = $1 returning stream_id`,
    [jobId],
  );
  await pretend.db.pool.query(`update jobs set ending = 'cancelled', status = 'in_progress' where job_id = $1`, [
    jobId,
  ]);
  const ended = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'cancelled');
  assert.equal(ended.progress.current_stage, 'cancelled');
  const stream = await pretend.db.pool.query(
    'select status, lease_epoch, abandoned from streams where stream_id = $1',
    [rows[0]?.stream_id],
  );
  assert.deepEqual(stream.rows, [{ status: 'skipped', lease_epoch: '2', abandoned: 1 }]);
});

test('a job whose raw topic was recreated fails and names the topic', async () => {
  const jobId = await start('recreated', 'lemlist');
  await pretend.extract(jobId, { platform: 'lemlist', topic: topicNames.lemlistRaw, records: 12 });
  await pretend.statusWhere(jobId, 'all is read', (job) => job.progress.current_stage === 'keying');
  const topic = pretend.client.named(topicNames.lemlistRaw);
  await pretend.client.admin.deleteTopics({ topics: [topic] });
  const failed = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'failed');
  assert.equal(failed.error?.code, 'TOPIC_RECREATED');
  assert.match(failed.error.message, /outreach\.lemlist\.raw/);
});
