import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { randomSuffix, waitFor } from '@full-sync/testing';
import { readDocument } from './openapi.ts';
import type { FitsDocument } from './openapi.ts';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

let pretend: PretendServices;
let fits: FitsDocument;
before(async () => {
  pretend = await pretendServices();
  fits = await readDocument(pretend.api.url);
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const answer = await fetch(`${pretend.api.url}${path}`, init);
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

interface Listed {
  readonly name: string;
  readonly platforms: readonly string[];
  readonly rows: number;
  readonly rows_by_platform: Readonly<Record<string, number>>;
  readonly last_sync: { readonly jobId: string; readonly status: string; readonly syncMode: string } | null;
  readonly open_jobs: readonly string[];
  readonly created_at: string;
}

async function listed(name: string): Promise<Listed | undefined> {
  const { status, body } = await call('GET', '/api/namespaces');
  assert.equal(status, 200);
  fits('/api/namespaces', 'get', status, body);
  const all: Listed[] = JSON.parse(JSON.stringify(body['namespaces']));
  return all.find((namespace) => namespace.name === name);
}

async function start(namespaces: string, platforms = 'smartlead'): Promise<Answer> {
  return await pretend.execute({ platforms, syncMode: 'full_historical', namespaces });
}

/** A namespace of both platforms whose first job has ended, with rows as the loader would leave them. */
async function filled(rows: number): Promise<{ readonly name: string; readonly jobId: string }> {
  const name = `n${randomSuffix()}`;
  const { status, body } = await start(name, 'smartlead,lemlist');
  assert.equal(status, 202, JSON.stringify(body));
  const jobId = String(body['jobId']);
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 0 });
  await pretend.extract(jobId, { platform: 'lemlist', topic: topicNames.lemlistRaw, records: 0 });
  await pretend.statusWhere(jobId, 'the job ends', (job) => job.status === 'completed');
  await pretend.db.pool.query(
    `insert into event_source (event_id, event_key, namespace, platform, event_type, source_type, occurred_at,
       occurred_at_approximate, properties, fingerprint, job_id)
     select gen_random_uuid(), 'k' || n, $1, 'smartlead', 't', 't', now(), false, '{}', '\\x0000000000000000', $2
     from generate_series(1, $3::integer) n`,
    [name, jobId, rows],
  );
  await pretend.db.pool.query(
    `insert into leaf_rows select live_leaf, p, $2::integer from leaf_states, generate_series(0, 1) p
     where namespace = $1 and platform = 'smartlead'`,
    [name, rows / 2],
  );
  await pretend.db.pool.query(
    `insert into event_collisions (namespace, platform, event_id, event_key, fingerprint, kept_fingerprint, event_type,
       source_type, occurred_at, occurred_at_approximate, properties, job_id, times_seen)
     values ($1, 'smartlead', gen_random_uuid(), 'k', '\\x00', '\\x01', 't', 't', now(), false, '{}', $2, 1)`,
    [name, jobId],
  );
  return { name, jobId };
}

async function lettersOf(name: string): Promise<number> {
  return (await pretend.db.pool.query('select from dead_letters where namespace = $1', [name])).rowCount ?? 0;
}

async function remove(name: string): Promise<Answer> {
  const answer = await call('DELETE', `/api/namespaces/${name}?confirm=${name}`);
  fits('/api/namespaces/{name}', 'delete', answer.status, answer.body);
  return answer;
}

async function leftOf(name: string): Promise<number> {
  const { rows } = await pretend.db.pool.query<{ left: number }>(
    `select ((select count(*) from event_source where namespace = $1) + (select count(*) from leaf_states where namespace = $1)
       + (select count(*) from event_collisions where namespace = $1) + (select count(*) from dead_letters where namespace = $1)
       + (select count(*) from cursors where namespace = $1))::int as left`,
    [name],
  );
  return rows[0]?.left ?? -1;
}

test('namespaces are listed with their platforms, rows and last sync', async () => {
  const { name, jobId } = await filled(8);
  const found = await listed(name);
  assert.deepEqual(found?.platforms, ['smartlead', 'lemlist']);
  assert.deepEqual([found.rows, found.rows_by_platform], [8, { smartlead: 8, lemlist: 0 }]);
  assert.equal(found.last_sync?.jobId, jobId);
  assert.deepEqual([found.last_sync.status, found.last_sync.syncMode], ['completed', 'full_historical']);
  assert.deepEqual(found.open_jobs, []);
  assert.ok(Math.abs(Date.parse(found.created_at) - Date.now()) < 60_000);
  const second = String((await start(name)).body['jobId']);
  const busy = await listed(name);
  assert.deepEqual(busy?.open_jobs, [second]);
  assert.equal(busy.last_sync?.jobId, jobId, 'a job that runs is not the last one');
});

test('a deletion must be confirmed by the name', async () => {
  const { name } = await filled(2);
  const stored = await leftOf(name);
  for (const path of [name, `${name}?confirm=`, `${name}?confirm=${name}x`, `${name}?confirm=TRUE`]) {
    const { status, body } = await call('DELETE', `/api/namespaces/${path}`);
    assert.deepEqual([status, body['code']], [400, 'NS_002'], path);
  }
  assert.equal((await call('DELETE', `/api/namespaces/${name}`, { confirm: 'other' })).status, 400);
  assert.equal((await call('DELETE', `/api/namespaces/${name}?confirm=${name}&force=1`)).status, 400);
  for (const unknown of ['%00', 'A', '%C3%A9']) {
    const { status, body } = await call('DELETE', `/api/namespaces/${unknown}?confirm=${unknown}`);
    assert.deepEqual([status, body['code']], [404, 'NS_001'], unknown);
  }
  assert.ok(stored > 0);
  assert.equal(await leftOf(name), stored);
  assert.equal((await call('DELETE', `/api/namespaces/${name}`, { confirm: name })).status, 200);
  assert.equal(await leftOf(name), 0);
});

test('a deleted namespace is gone with all that was stored for it, and others stay; its name can be used again', async () => {
  const { name, jobId } = await filled(6);
  const other = await filled(4);
  const stored = await leftOf(other.name);
  await pretend.publishLetters([{ job_id: jobId, namespace: name, origin: `${name}:1:keyer` }]);
  await waitFor(async () => (await lettersOf(name)) === 1, { what: 'the letter to be stored' });
  const { status, body } = await remove(name);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body, { success: true, name, deleted: { rows: 6, collisions: 1, dead_letters: 1 } });
  assert.equal(await listed(name), undefined);
  assert.equal(await leftOf(name), 0);
  assert.equal(await leftOf(other.name), stored);
  const again = await remove(name);
  assert.deepEqual([again.status, again.body['code']], [404, 'NS_001']);
  const history = await call('GET', `/api/full-sync/history?namespace=${name}`);
  assert.equal(Array.isArray(history.body['jobs']) && history.body['jobs'].length, 1, 'the past stays');

  const restarted = await start(name);
  assert.equal(restarted.status, 202, JSON.stringify(restarted.body));
  assert.match(String(restarted.body['warnings']), new RegExp(`namespace ${name} is new`));
  const found = await listed(name);
  assert.deepEqual([found?.platforms, found?.rows], [['smartlead'], 0]);
});

test('nothing is deleted under a job, be it a sync or a replay', async () => {
  const { name, jobId } = await filled(2);
  await pretend.publishLetters([
    { job_id: jobId, namespace: name, origin: `${name}:1:keyer` },
    { job_id: jobId, namespace: name, origin: `${name}:2:extractor`, stage: 'extractor', stream_id: 1 },
  ]);
  await waitFor(async () => (await lettersOf(name)) === 2, { what: 'the letters to be stored' });
  const sync = String((await start(name)).body['jobId']);
  const refused = await remove(name);
  assert.deepEqual([refused.status, refused.body['code'], refused.body['conflictingJobId']], [409, 'SYNC_003', sync]);
  await call('DELETE', `/api/full-sync/cancel/${sync}`);
  await pretend.statusWhere(sync, 'the sync is cancelled', (job) => job.status === 'cancelled');

  const replay = await call('POST', '/api/dead-letters/replay', { filter: { namespace: name, stage: 'extractor' } });
  const replayId = String(replay.body['jobId']);
  await call('POST', `/api/full-sync/${replayId}/pause`);
  const held = await remove(name);
  assert.deepEqual([held.status, held.body['conflictingJobId']], [409, replayId]);
  await call('DELETE', `/api/full-sync/cancel/${replayId}`);
  await pretend.key(topicNames.smartleadRaw);
  const { rows } = await pretend.db.pool.query<{ records: number }>(
    'select coalesce(sum(records_committed), 0)::int as records from streams where job_id = $1',
    [replayId],
  );
  const records = rows[0]?.records ?? 0;
  if (records > 0) await pretend.load(replayId, { platform: 'smartlead', accepted: records, created: records });
  await pretend.statusWhere(replayId, 'the replay ends', (job) => job.status === 'cancelled');
  assert.equal((await remove(name)).status, 200);
});

test('deletions and new jobs of one namespace follow each other', async () => {
  const { name } = await filled(2);
  for (let round = 0; round < 5; round += 1) {
    const [removed, started] = await Promise.all([remove(name), start(name)]);
    assert.ok([200, 404, 409].includes(removed.status), JSON.stringify(removed.body));
    assert.equal(started.status, 202, JSON.stringify(started.body));
    const leaves = await pretend.db.pool.query('select from leaf_states where namespace = $1', [name]);
    assert.ok((leaves.rowCount ?? 0) > 0, 'the job that was accepted has its leaf');
    const jobId = String(started.body['jobId']);
    await call('DELETE', `/api/full-sync/cancel/${jobId}`);
    await pretend.statusWhere(jobId, 'the job is cancelled', (job) => job.status === 'cancelled');
  }
});

test('a reader that holds the rows, or a view on them, keeps all of it', async () => {
  const { name } = await filled(2);
  const stored = await leftOf(name);
  const { rows } = await pretend.db.pool.query<{ live_leaf: string }>(
    `select live_leaf from leaf_states where namespace = $1 and platform = 'smartlead'`,
    [name],
  );
  await pretend.db.pool.query(`create view user_view as select * from ${rows[0]?.live_leaf ?? ''}`);
  const viewed = await remove(name);
  assert.deepEqual([viewed.status, viewed.body['code']], [409, 'NS_003'], JSON.stringify(viewed.body));
  await pretend.db.pool.query('drop view user_view');
  const reader = await pretend.db.pool.connect();
  try {
    await reader.query('begin');
    await reader.query('select count(*) from event_source where namespace = $1', [name]);
    const held = await remove(name);
    assert.deepEqual([held.status, held.body['code']], [409, 'NS_003'], JSON.stringify(held.body));
    await reader.query('commit');
  } finally {
    reader.release();
  }
  assert.equal(await leftOf(name), stored);
  assert.equal((await remove(name)).status, 200);
});
