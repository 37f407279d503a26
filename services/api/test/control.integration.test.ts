import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { waitFor } from '@full-sync/testing';
import { readDocument } from './openapi.ts';
import type { FitsDocument } from './openapi.ts';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

const full = { syncMode: 'full_historical' };
const smartlead = { platform: 'smartlead', topic: topicNames.smartleadRaw } as const;

let pretend: PretendServices;
let fits: FitsDocument;
before(async () => {
  pretend = await pretendServices();
  fits = await readDocument(pretend.api.url);
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

async function start(namespaces: string, platforms = 'smartlead'): Promise<string> {
  const { status, body } = await pretend.execute({ ...full, platforms, namespaces });
  assert.equal(status, 202, JSON.stringify(body));
  return String(body['jobId']);
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function control(wish: 'cancel' | 'pause' | 'resume', jobId: string): Promise<Answer> {
  const [method, path] =
    wish === 'cancel' ? (['DELETE', `cancel/${jobId}`] as const) : (['POST', `${jobId}/${wish}`] as const);
  const answer = await fetch(`${pretend.api.url}/api/full-sync/${path}`, { method });
  const body: Record<string, unknown> = JSON.parse(await answer.text());
  const described = wish === 'cancel' ? 'cancel/{jobId}' : `{jobId}/${wish}`;
  fits(`/api/full-sync/${described}`, method.toLowerCase(), answer.status, body);
  return { status: answer.status, body };
}

async function granted(wish: 'cancel' | 'pause' | 'resume', jobId: string): Promise<Record<string, unknown>> {
  const { status, body } = await control(wish, jobId);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body['success'], true);
  assert.equal(body['jobId'], jobId);
  return body;
}

async function refused(wish: 'cancel' | 'pause' | 'resume', jobId: string, why: RegExp): Promise<void> {
  const { status, body } = await control(wish, jobId);
  assert.deepEqual([status, body['code'], body['success']], [409, 'SYNC_005', false], JSON.stringify(body));
  assert.match(String(body['error']), why);
}

/** The streams that an extractor could claim now. */
async function claimable(jobId: string): Promise<number> {
  const { rowCount } = await pretend.db.pool.query(
    `select from streams join jobs j using (job_id) where job_id = $1 and streams.status = 'pending'
       and j.completed_at is null and j.ending is null and j.status in ('queued', 'in_progress')`,
    [jobId],
  );
  return rowCount ?? 0;
}

test('a paused job loads what was published, keeps its namespace, and ends only after it was resumed', async () => {
  const jobId = await start('paused', 'smartlead,lemlist');
  await pretend.extract(jobId, { ...smartlead, records: 12 });
  const paused = await granted('pause', jobId);
  assert.equal(paused['status'], 'paused');
  assert.equal(await claimable(jobId), 0);
  // The chunk that was under way is still committed, and with it all is read.
  await pretend.extract(jobId, { platform: 'lemlist', topic: topicNames.lemlistRaw, records: 5 });
  await pretend.key(topicNames.smartleadRaw);
  await pretend.key(topicNames.lemlistRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 12, created: 12 });
  await pretend.load(jobId, { platform: 'lemlist', accepted: 5, created: 5 });
  const loaded = await pretend.statusWhere(jobId, 'all is loaded', (job) => job.progress.processed_items === 17);
  assert.deepEqual([loaded.status, loaded.progress.current_stage], ['paused', 'paused']);
  assert.match(loaded.progress.waiting_for ?? '', /^resume: paused since \d{4}-/);
  await waitFor(
    async () => {
      const { rowCount } = await pretend.db.pool.query(
        'select from jobs where job_id = $1 and dead_letter_targets is not null',
        [jobId],
      );
      return rowCount === 1;
    },
    { what: 'the follower to see all of it loaded' },
  );
  await pretend.restartApi();
  assert.equal((await pretend.status(jobId)).status, 'paused');
  const second = await pretend.execute({ ...full, platforms: 'lemlist', namespaces: 'paused' });
  assert.deepEqual([second.status, second.body['conflictingJobId']], [409, jobId]);

  await granted('pause', jobId);
  const resumed = await granted('resume', jobId);
  assert.equal(resumed['status'], 'in_progress');
  const done = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
  assert.equal(done.summary['events_created'], 17);
  for (const wish of ['pause', 'resume', 'cancel'] as const) await refused(wish, jobId, /it is completed/);
});

test('a job paused before it began is queued again when it is resumed; resuming again is granted', async () => {
  const jobId = await start('early');
  await refused('resume', jobId, /it is not paused/);
  assert.equal((await granted('pause', jobId))['status'], 'paused');
  assert.equal((await granted('resume', jobId))['status'], 'queued');
  assert.equal((await granted('resume', jobId))['status'], 'queued');
  assert.equal(await claimable(jobId), 1);
});

test('what is sent along with a wish is refused, however deep it is', async () => {
  const jobId = await start('along');
  const url = `${pretend.api.url}/api/full-sync/${jobId}/pause`;
  const headers = { 'idempotency-key': 'along' };
  for (const body of ['{"reason":"x"}', '['.repeat(200_000) + ']'.repeat(200_000)]) {
    const answer = await fetch(url, { method: 'POST', body, headers });
    assert.equal(answer.status, 400, await answer.text());
  }
  for (const body of ['', '{}', 'null']) {
    const answer = await fetch(url, { method: 'POST', body });
    assert.equal(answer.status, 200, await answer.text());
  }
});

test('a cancelled job keeps its namespace until its lease is over and all it published is loaded', async () => {
  const jobId = await start('cancel', 'smartlead,lemlist');
  await pretend.extract(jobId, { ...smartlead, records: 24 });
  await pretend.db.pool.query(
    `update streams set lease_epoch = 1, lease_owner = 'busy', lease_until = now() + interval '1 h'
     where job_id = $1 and platform = 'lemlist'`,
    [jobId],
  );
  const cancelled = await granted('cancel', jobId);
  assert.equal(cancelled['status'], 'in_progress');
  assert.equal((await pretend.status(jobId)).progress.current_stage, 'finalizing');
  assert.equal(await claimable(jobId), 0);
  await refused('pause', jobId, /it is being cancelled/);
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(jobId, { platform: 'smartlead', accepted: 20, created: 30 });
  await pretend.statusWhere(jobId, 'what is loaded shows', (job) => job.summary['records_accepted'] === 20);
  assert.equal((await pretend.execute({ ...full, platforms: 'smartlead', namespaces: 'cancel' })).status, 409);
  await pretend.restartApi();
  // The lease ends without a commit; its records may be on the way.
  await pretend.db.pool.query(`update streams set lease_until = now() - interval '1 s' where job_id = $1`, [jobId]);
  await pretend.load(jobId, { platform: 'lemlist', accepted: 3, created: 3 });
  await pretend.db.pool.query(
    `update job_counts set records_accepted = 24, events_derived = 34, events_created = 34
     where job_id = $1 and platform = 'smartlead'`,
    [jobId],
  );
  const ended = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'cancelled');
  assert.equal(ended.progress.current_stage, 'cancelled');
  assert.equal(ended.error, null);
  const { summary } = ended;
  assert.equal(summary['records_fetched'], 27);
  assert.equal(summary['events_derived'], 37);
  assert.equal(summary['events_created'], 37);
  assert.equal((await granted('cancel', jobId))['status'], 'cancelled');
  await refused('resume', jobId, /it is cancelled/);
  assert.equal((await pretend.execute({ ...full, platforms: 'smartlead', namespaces: 'cancel' })).status, 202);
});

test('a queued or paused job is cancelled at once, as nothing of it is under way', async () => {
  for (const [namespace, wishes] of [
    ['queued', []],
    ['held', ['pause']],
  ] as const) {
    const jobId = await start(namespace);
    for (const wish of wishes) await granted(wish, jobId);
    await granted('cancel', jobId);
    const ended = await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'cancelled');
    assert.equal(ended.summary['records_fetched'], 0);
  }
});

test('jobs that do not exist cannot be controlled', async () => {
  for (const wish of ['cancel', 'pause', 'resume'] as const) {
    for (const jobId of ['job_0000', 'x', '%00']) {
      const { status, body } = await control(wish, jobId);
      assert.deepEqual([status, body['code']], [404, 'SYNC_002']);
    }
  }
});
