import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { connectSerde, consumeBatches } from '@full-sync/kafka';
import type { Serde } from '@full-sync/kafka';
import { topicNames } from '@full-sync/schemas';
import type { DeadLetter, OutreachEvent, RawRecord } from '@full-sync/schemas';
import { randomSuffix, stackAddresses, waitFor } from '@full-sync/testing';
import { readDocument } from './openapi.ts';
import type { FitsDocument } from './openapi.ts';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

let pretend: PretendServices;
let serde: Serde;
let fits: FitsDocument;
const topicId = '11111111-2222-3333-4444-555555555555';
before(async () => {
  pretend = await pretendServices();
  const config = { SCHEMA_REGISTRY_URL: stackAddresses().schemaRegistryUrl };
  serde = await connectSerde({ config, named: pretend.client.named });
  fits = await readDocument(pretend.api.url);
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(path: string, body?: object): Promise<Answer> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(`${pretend.api.url}${path}`, init);
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}

interface Shown {
  readonly id: number;
  readonly status: string;
  readonly superseded_by: number | null;
  readonly event_key: string | null;
  readonly replayJobId: string | null;
}

async function list(query: string): Promise<readonly Shown[]> {
  const { status, body } = await call(`/api/dead-letters?limit=100&${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  fits('/api/dead-letters', 'get', 200, body);
  const letters: Shown[] = JSON.parse(JSON.stringify(body['dead_letters']));
  return letters;
}

async function replay(body: object): Promise<Answer> {
  const answer = await call('/api/dead-letters/replay', body);
  fits('/api/dead-letters/replay', 'post', answer.status, answer.body);
  return answer;
}

/** `id CODE` of each letter that is not replayed. */
function refusalsOf({ body }: Answer): readonly string[] {
  const refused: { readonly id: number; readonly code: string }[] = JSON.parse(JSON.stringify(body['refused']));
  return refused.map(({ id, code }) => `${id} ${code}`);
}

/** A namespace with its leaf, made by a job that ends at once. */
async function endedJob(namespace: string): Promise<string> {
  const { status, body } = await pretend.execute({
    platforms: 'smartlead',
    syncMode: 'full_historical',
    namespaces: namespace,
  });
  assert.equal(status, 202, JSON.stringify(body));
  const jobId = String(body['jobId']);
  await pretend.extract(jobId, { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 0 });
  await pretend.statusWhere(jobId, 'the first job ends', (job) => job.status === 'completed');
  return jobId;
}

const raw = (over: Partial<RawRecord>): RawRecord => ({
  job_id: 'job_before',
  stream_id: 1,
  chunk: 3,
  namespace: 'default',
  platform: 'smartlead',
  source: 'statistics',
  campaign_id: '7',
  campaign_name: 'seven',
  fetched_at: 1_700_000_000_000,
  record: '{"stats_id":12345678901234567890,"lead_email":"A@b.example"}',
  ...over,
});

const event = (over: Partial<OutreachEvent>): OutreachEvent => ({
  event_key: 'smartlead_7_emailsent_s1_00000000000000000000000000000001',
  namespace: 'default',
  platform: 'smartlead',
  event_type: 'email_sent',
  source_type: 'sent',
  campaign_id: '9',
  campaign_name: 'nine',
  source_id: 's1',
  lead_email: 'c@d.example',
  lead_id: null,
  occurred_at: 1_700_000_000_000,
  occurred_at_approximate: false,
  properties: '{"stats_id":"s1","lead_email":"c@d.example","sent_time":"2025-01-01T00:00:00Z"}',
  fingerprint: Buffer.alloc(8, 7),
  job_id: 'job_before',
  source_topic_id: topicId,
  source_offset: 40,
  source_index: 0,
  source_count: 2,
  fetched_at: 1_700_000_000_001,
  ...over,
});

interface Case {
  readonly namespace: string;
  readonly jobId: string;
  readonly keyer: (offset: number, over?: Partial<DeadLetter>) => Partial<DeadLetter>;
  readonly loader: (offset: number, over: Partial<OutreachEvent>) => Partial<DeadLetter>;
  readonly store: (letters: readonly Partial<DeadLetter>[]) => Promise<readonly Shown[]>;
}

async function newCase(): Promise<Case> {
  const namespace = `n${randomSuffix()}`;
  const jobId = await endedJob(namespace);
  const rawCodec = serde.codec(topicNames.smartleadRaw);
  const eventCodec = serde.codec(topicNames.events);
  return {
    namespace,
    jobId,
    keyer: (offset, over = {}) => ({
      job_id: jobId,
      namespace,
      origin: `${topicId}:2:${offset}:0:keyer`,
      origin_topic: topicNames.smartleadRaw,
      origin_partition: 2,
      origin_offset: offset,
      record: rawCodec.encode(raw({ namespace, record: `{"stats_id":"k${offset}","lead_email":"k@x.example"}` })),
      ...over,
    }),
    loader: (offset, over) => ({
      stage: 'loader',
      code: 'POSTGRES_23514',
      job_id: jobId,
      namespace,
      origin: `${topicId}:5:${offset}:0:loader`,
      origin_topic: topicNames.events,
      origin_partition: 5,
      origin_offset: offset,
      record: eventCodec.encode(event({ namespace, ...over })),
    }),
    store: async (letters) => {
      const known = (await list(`namespace=${namespace}`)).length;
      await pretend.publishLetters(letters);
      return await waitFor(
        async () => {
          const stored = await list(`namespace=${namespace}`);
          return stored.length >= known + letters.length && stored.toReversed();
        },
        { what: 'the letters to be stored', deadlineMs: 60_000 },
      );
    },
  };
}

/** Everything published to a raw topic for a job, read by a group of its own until there are `count`. */
async function published(jobId: string, count: number) {
  const codec = serde.codec(topicNames.smartleadRaw);
  const found: { partition: number; offset: number; raw: RawRecord }[] = [];
  const consumer = await consumeBatches({
    client: pretend.client,
    group: `look-${randomSuffix()}`,
    topics: [topicNames.smartleadRaw],
    concurrency: 12,
    maxBytesPerPartition: 1_048_576,
    gapPolicy: 'handler',
    onBatch: async (batch) => {
      await codec.prepare(batch.records.map(({ value }) => value));
      for (const { offset, value } of batch.records) {
        if (value === null || value[0] !== 0) continue;
        const record = codec.decode(value);
        if (record.job_id === jobId) found.push({ partition: batch.partition, offset, raw: record });
      }
      return batch.lastOffset + 1;
    },
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    await waitFor(() => found.length >= count, { what: `${count} records of ${jobId}`, deadlineMs: 60_000 });
  } finally {
    await consumer[Symbol.asyncDispose]();
  }
  return found;
}

test('letters are listed newest first, by cursor and filter, and shown with their record', async () => {
  const { namespace, jobId, keyer, loader, store } = await newCase();
  const stored = await store([
    keyer(1, { code: 'TIME_MISSING' }),
    keyer(2),
    loader(3, { source_offset: 9 }),
    {
      ...keyer(4),
      stage: 'extractor',
      origin: `${namespace}:x`,
      origin_topic: null,
      record: Buffer.from('{"id":12345678901234567890}'),
    },
    { ...keyer(5), origin: `${namespace}:y`, record: Buffer.from([0xff, 0xfe]) },
  ]);
  assert.deepEqual(
    stored.map(({ status }) => status),
    Array.from({ length: 5 }, () => 'open'),
  );
  const first = await call(`/api/dead-letters?namespace=${namespace}&limit=2`);
  assert.equal(typeof first.body['next_cursor'], 'string');
  const rest = await list(`namespace=${namespace}&cursor=${String(first.body['next_cursor'])}`);
  assert.deepEqual(
    rest.map(({ id }) => id),
    stored
      .slice(0, 3)
      .map(({ id }) => id)
      .toReversed(),
  );
  assert.equal((await list(`jobId=${jobId}&stage=keyer`)).length, 3);
  assert.equal((await list(`namespace=${namespace}&code=TIME_MISSING`)).length, 1);
  assert.equal((await list(`namespace=${namespace}&platform=lemlist`)).length, 0);
  assert.equal((await list(`namespace=${namespace}&status=replayed`)).length, 0);

  const show = async (index: number): Promise<Readonly<Record<string, unknown>>> => {
    const { status, body } = await call(`/api/dead-letters/${stored[index]?.id ?? 0}`);
    fits('/api/dead-letters/{id}', 'get', status, body);
    return body;
  };
  const ofKeyer = await show(1);
  assert.equal(ofKeyer['record_encoding'], 'avro');
  assert.deepEqual(ofKeyer['record'], {
    ...raw({ namespace }),
    record: { stats_id: 'k2', lead_email: 'k@x.example' },
  });
  const ofLoader = await show(2);
  assert.equal(ofLoader['event_key'], event({}).event_key);
  assert.match(JSON.stringify(ofLoader['record']), /"properties":\{"stats_id":"s1"/);
  const answer = await fetch(`${pretend.api.url}/api/dead-letters/${stored[3]?.id ?? 0}`);
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.match(await answer.text(), /"record_encoding":"json","record":\{"id":12345678901234567890\}/);
  const bytes = await show(4);
  assert.deepEqual([bytes['record_encoding'], bytes['record']], ['base64', '//4=']);

  for (const id of ['0', 'x', '999999999', '1e3', '%00']) {
    const { status, body } = await call(`/api/dead-letters/${id}`);
    assert.deepEqual([status, body['code']], [404, 'DLQ_001'], id);
  }
  for (const query of [
    'limit=0',
    'limit=101',
    'cursor=x',
    'status=x',
    'foo=1',
    'platform=x',
    'namespace=A',
    'code=%00',
    'stage=a%20b',
  ])
    assert.equal((await call(`/api/dead-letters?${query}`)).status, 400, query);
});

test('a replay publishes each raw record once more, as a job of its own, and says what became of each letter', async () => {
  const { namespace, jobId, keyer, loader, store } = await newCase();
  const stream = await pretend.db.pool.query<{ stream_id: string }>(
    `update streams set kind = 'statistics', campaign_id = '11', campaign_name = 'eleven' where job_id = $1 returning stream_id`,
    [jobId],
  );
  const sha = createHash('sha256').update('x').digest();
  const stored = await store([
    keyer(20),
    keyer(21),
    // Two events of one raw record, and one of another.
    loader(50, { source_offset: 40 }),
    loader(51, { source_offset: 40, event_key: 'smartlead_7_emailopened_s1_00000000000000000000000000000002' }),
    loader(52, { source_offset: 41 }),
    {
      ...keyer(0),
      stage: 'extractor',
      origin: `${namespace}:extractor`,
      origin_topic: null,
      origin_partition: null,
      stream_id: Number(stream.rows[0]?.stream_id),
      record: Buffer.from('{"stats_id":"e1"}'),
    },
    { ...keyer(22), truncated: true, record_sha256: sha },
    { ...keyer(23), stage: 'api', origin: `${namespace}:api` },
  ]);
  const old = await pretend.status(jobId);
  const ids = stored.map(({ id }) => id);
  const submitted = await replay({ ids: [...ids, 999_999_999] });
  assert.equal(submitted.status, 202, JSON.stringify(submitted.body));
  const replayId = String(submitted.body['jobId']);
  assert.equal(submitted.headers.get('location'), `/api/full-sync/status/${replayId}`);
  assert.equal(submitted.body['replaying'], 6);
  assert.deepEqual(refusalsOf(submitted), [
    `${ids[6] ?? 0} LETTER_TRUNCATED`,
    `${ids[7] ?? 0} LETTER_UNREADABLE`,
    '999999999 LETTER_UNKNOWN',
  ]);
  const again = await replay({ ids: ids.slice(0, 1), force: true });
  assert.match(JSON.stringify(again.body), /"refused":\[\{"id":\d+,"code":"LETTER_REPLAYING"/);
  assert.equal(again.status, 200);
  assert.equal(again.body['jobId'], null);

  const records = await published(replayId, 5);
  assert.equal(records.length, 5, 'the two letters about one record are published once');
  const byRecord = new Map(records.map((record) => [record.raw.record, record]));
  const [k20, k21] = ['k20', 'k21'].map((id) => byRecord.get(`{"stats_id":"${id}","lead_email":"k@x.example"}`));
  assert.deepEqual(
    [k20?.raw.campaign_id, k20?.raw.source, k20?.raw.fetched_at],
    ['7', 'statistics', 1_700_000_000_000],
  );
  assert.equal(k20?.partition, k21?.partition, 'records of a lead share a partition');
  const ofEvents = records.filter(({ raw: { record } }) => record === event({}).properties);
  assert.deepEqual(
    ofEvents.map(({ raw: { campaign_id: id } }) => id),
    ['9', '9'],
  );
  const extracted = byRecord.get('{"stats_id":"e1"}');
  assert.deepEqual(
    [extracted?.raw.campaign_id, extracted?.raw.campaign_name, extracted?.raw.source],
    ['11', 'eleven', 'statistics'],
  );
  for (const { raw: record } of records)
    assert.deepEqual([record.namespace, record.platform], [namespace, 'smartlead']);

  // Another sync of the namespace is free to run meanwhile.
  const other = await pretend.execute({ platforms: 'smartlead', syncMode: 'full_historical', namespaces: namespace });
  assert.equal(other.status, 202);

  // One record of the keyer's comes back; of the two events about one record, one does.
  const rawTopicId =
    (await pretend.client.offsets.topicIds([topicNames.smartleadRaw])).get(topicNames.smartleadRaw) ?? '';
  const [firstOf40] = ofEvents;
  assert.ok(k20 !== undefined && firstOf40 !== undefined);
  const { rows: positions } = await pretend.db.pool.query<{
    dead_letter_id: string;
    partition: number;
    record_offset: string;
  }>('select dead_letter_id, partition, record_offset from dead_letter_replays where job_id = $1 order by 1', [
    replayId,
  ]);
  const of40 = positions.find((row) => Number(row.dead_letter_id) === ids[2]);
  const codec = serde.codec(topicNames.events);
  await pretend.publishLetters([
    keyer(k20.offset, { job_id: replayId, origin: `${rawTopicId}:${k20.partition}:${k20.offset}:0:keyer` }),
    {
      ...loader(90, {}),
      job_id: replayId,
      origin_partition: of40?.partition ?? -1,
      record: codec.encode(
        event({ namespace, source_topic_id: rawTopicId, source_offset: Number(of40?.record_offset) }),
      ),
    },
  ]);
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(replayId, { platform: 'smartlead', accepted: 4, created: 6, deadLettered: 1 });
  const done = await pretend.statusWhere(replayId, 'the replay ends', (job) => job.status === 'completed');
  assert.deepEqual(
    [done.summary['records_fetched'], done.summary['rejected'], done.summary['dead_lettered']],
    [5, 1, 1],
  );
  const settled = new Map((await list(`namespace=${namespace}`)).map((letter) => [letter.id, letter]));
  assert.deepEqual(
    ids.map((id) => settled.get(id)?.status),
    ['superseded', 'replayed', 'superseded', 'replayed', 'replayed', 'replayed', 'open', 'open'],
  );
  const successors = (await list(`jobId=${replayId}`)).map(({ id }) => id);
  assert.deepEqual(
    new Set([settled.get(ids[0] ?? 0)?.superseded_by, settled.get(ids[2] ?? 0)?.superseded_by]),
    new Set(successors),
  );

  const { summary, warnings } = await pretend.status(jobId);
  const { replayed, duration_ms: _, ...counts } = summary;
  assert.equal(replayed, 4);
  assert.equal(counts['rejected'], old.summary['rejected'], 'the old summary stays');
  assert.deepEqual(warnings, old.warnings);

  const twice = await replay({ ids });
  assert.deepEqual(
    refusalsOf(twice).map((refusal) => refusal.replace(/.*LETTER_/, '')),
    'SUPERSEDED REPLAYED SUPERSEDED REPLAYED REPLAYED REPLAYED TRUNCATED UNREADABLE'.split(' '),
  );

  // What came back is replayed, this time for good: the letters before it are done as well.
  const second = await replay({ filter: { jobId: replayId } });
  assert.equal(second.body['replaying'], 2, JSON.stringify(second.body));
  const secondId = String(second.body['jobId']);
  await published(secondId, 2);
  await pretend.key(topicNames.smartleadRaw);
  await pretend.load(secondId, { platform: 'smartlead', accepted: 2, created: 2 });
  await pretend.statusWhere(secondId, 'the second replay ends', (job) => job.status === 'completed');
  assert.equal((await list(`namespace=${namespace}&status=replayed`)).length, 8);
  assert.equal((await pretend.status(jobId)).summary['replayed'], 6);
  const nothing = await replay({ filter: { namespace } });
  assert.deepEqual([nothing.status, nothing.body['jobId'], nothing.body['replaying']], [200, null, 0]);
  assert.match(JSON.stringify(nothing.body['refused']), /LETTER_TRUNCATED.*LETTER_UNREADABLE/);
});

test('a replay goes on after the api was killed, and a cancelled one leaves the rest open', async () => {
  const { namespace, keyer, store } = await newCase();
  await store(Array.from({ length: 30 }, (_, index) => keyer(1_000 + index)));
  const submitted = await replay({ filter: { namespace, stage: 'keyer' } });
  const jobId = String(submitted.body['jobId']);
  await pretend.restartApi();
  await published(jobId, 30);
  await pretend.key(topicNames.smartleadRaw);
  const { rows } = await pretend.db.pool.query<{ abandoned: string }>(
    'select sum(abandoned) as abandoned from streams where job_id = $1',
    [jobId],
  );
  const repeats = Number(rows[0]?.abandoned) > 0 ? (await published(jobId, 30)).length - 30 : 0;
  await pretend.load(jobId, { platform: 'smartlead', accepted: 30 + repeats, created: 30, duplicates: repeats });
  await pretend.statusWhere(jobId, 'the replay ends', (job) => job.status === 'completed');
  assert.equal((await list(`namespace=${namespace}&status=replayed`)).length, 30);

  const held = await replay({ filter: { namespace }, force: true });
  const heldId = String(held.body['jobId']);
  assert.equal(held.body['replaying'], 30);
  await fetch(`${pretend.api.url}/api/full-sync/cancel/${heldId}`, { method: 'DELETE' });
  await pretend.key(topicNames.smartleadRaw);
  const { rows: sent } = await pretend.db.pool.query<{ count: number }>(
    `select coalesce(sum(records_committed), 0)::int as count from streams where job_id = $1`,
    [heldId],
  );
  const count = sent[0]?.count ?? 0;
  if (count > 0) await pretend.load(heldId, { platform: 'smartlead', accepted: count, created: 0, duplicates: count });
  const ended = await pretend.statusWhere(heldId, 'the job ends', (job) => job.status === 'cancelled');
  assert.equal(ended.summary['records_fetched'], count);
  assert.equal((await list(`namespace=${namespace}&status=open`)).length, 30 - count);
  assert.equal((await list(`namespace=${namespace}&status=replaying`)).length, 0);
});

test('a replay must say what it wants', async () => {
  for (const body of [
    {},
    { ids: [] },
    { ids: ['1'] },
    { ids: [0] },
    { ids: [1.5] },
    { filter: {} },
    { filter: { jobId: '' } },
    { filter: { code: 'a\u0000' } },
    { filter: { jobid: 'x' } },
    { ids: [1], filter: { stage: 'keyer' } },
    { ids: [1], force: 'yes' },
    { ids: Array.from({ length: 1_001 }, (_, index) => index + 1) },
  ]) {
    const answer = await replay(body);
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 80));
    assert.equal(answer.body['code'], 'API_004');
  }
});
