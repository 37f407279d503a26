import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { createTcpProxy, freshDatabase, randomPrefix, spawnService, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

let pretend: PretendServices;
before(async () => {
  pretend = await pretendServices();
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

interface Body {
  readonly code?: string;
  readonly jobId?: string;
  readonly indexes_created?: number;
  readonly optimizations_applied?: readonly { readonly name: string; readonly indexes_created: number }[];
  readonly performance?: Readonly<Record<'connection_pool' | 'query_performance' | 'bulk_operations', Figures>>;
}

type Figures = Readonly<Record<string, number>>;

async function call(path: string, init: RequestInit = {}): Promise<{ readonly status: number; readonly body: Body }> {
  const answer = await fetch(pretend.api.url + path, init);
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const optimize = async (body?: object) =>
  await call('/api/database/optimize', {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** Every number in a value, with its place. */
function numbersIn(value: unknown, place = ''): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [[place, value]];
  return Object.entries(value).flatMap(([name, inner]) => numbersIn(inner, `${place}/${name}`));
}

test('performance is numbers always: 0 before there is data, and then what was committed and measured', async () => {
  const performanceNow = async () => {
    const { body } = await call('/api/database/performance');
    return body.performance ?? assert.fail(JSON.stringify(body));
  };
  for (const [place, value] of numbersIn(await performanceNow())) assert.equal(typeof value, 'number', place);
  const empty = await performanceNow();
  for (const [name, value] of Object.entries(empty.bulk_operations)) assert.equal(value, 0, name);

  await pretend.db.pool.query(
    `insert into event_positions (topic_id, partition, topic, next_offset, batches, attempts, events, rows_written, busy_ms, write_ms)
     values (gen_random_uuid(), 0, 'x', 0, 3, 4, 900, 600, 250, 100), (gen_random_uuid(), 1, 'x', 0, 1, 1, 100, 100, 250, 100)`,
  );
  const full = await performanceNow();
  assert.deepEqual(full.bulk_operations, {
    events_per_batch: 250,
    avg_batch_time: 125,
    rows_per_second: 2_000,
    success_rate: 0.8,
    batches: 4,
  });
  assert.equal(full.query_performance['avg_insert_time'], 50);
  assert.ok((full.query_performance['avg_select_time'] ?? 0) > 0, 'the api asks all the time');
  assert.equal(full.connection_pool['max'], 10);
});

test('optimizing says what it did, and refuses what it does not know', async () => {
  await pretend.execute({ platforms: 'smartlead,lemlist', syncMode: 'full_historical', namespaces: 'tuned' });
  const guide = await optimize({ optimizations: ['sync_indexes', 'bulk_operations'] });
  assert.equal(guide.status, 200, JSON.stringify(guide.body));
  assert.equal(guide.body.indexes_created, 6);
  const applied = guide.body.optimizations_applied ?? [];
  assert.deepEqual(
    applied.map(({ name, indexes_created }) => [name, indexes_created]),
    [
      ['sync_indexes', 6],
      ['bulk_operations', 0],
    ],
  );
  const all = await optimize();
  assert.equal(all.status, 200);
  assert.equal(all.body.indexes_created, 0, 'all was there');
  assert.equal(all.body.optimizations_applied?.length, 4);
  for (const body of [
    { optimizations: [] },
    { optimizations: ['indexes'] },
    { optimizations: 'sync_indexes' },
    { force: 1 },
  ])
    assert.equal((await optimize(body)).status, 400, JSON.stringify(body));

  const holder = await pretend.db.pool.connect();
  try {
    await holder.query('select pg_advisory_lock(7355609, hashtext(current_schema()))');
    const { status, body } = await optimize();
    assert.deepEqual([status, body.code], [409, 'DB_002']);
  } finally {
    holder.release(true);
  }
});

test('metrics tell memory, what the accounts allow, how far each stage is behind and how fast it goes', async () => {
  const metrics = async (): Promise<Metrics> => {
    const answer = await fetch(`${pretend.api.url}/api/metrics`);
    const seen: Metrics = JSON.parse(await answer.text());
    return seen;
  };
  const { body } = await pretend.execute({ platforms: 'smartlead', syncMode: 'full_historical', namespaces: 'lag' });
  const untouched = await metrics();
  assert.ok(Number.isInteger(untouched.memory['heapUsed']) && (untouched.memory['heapUsed'] ?? 0) > 1_000_000);
  assert.deepEqual([untouched.rate_limits.smartlead.limit, untouched.rate_limits.smartlead.remaining], [60, 60]);
  assert.equal(untouched.rate_limits.lemlist.limit, 20);
  assert.equal(untouched.rate_limits.smartlead.paused_until, null);

  await pretend.db.pool.query(
    `insert into permits (account_id, slot_at, settled_at)
     select account_id, now(), now() from accounts, generate_series(1, 7) where platform = 'smartlead'`,
  );
  await pretend.db.pool.query(
    `update accounts set paused_until = now() + interval '1 hour' where platform = 'lemlist'`,
  );
  const used = await metrics();
  assert.equal(used.rate_limits.smartlead.remaining, 53);
  const resetInMs = Date.parse(String(used.rate_limits.smartlead.reset_at)) - Date.now();
  assert.ok(resetInMs > 30_000 && resetInMs <= 61_000, String(resetInMs));

  await pretend.extract(String(body['jobId']), { platform: 'smartlead', topic: topicNames.smartleadRaw, records: 36 });
  await waitFor(async () => (await metrics()).lag['keyer']?.records === 36, {
    what: 'the keyer to be behind',
    deadlineMs: 60_000,
  });
  await waitFor(async () => ((await metrics()).lag['keyer']?.seconds ?? 0) > 1, {
    what: 'its lag to age',
    deadlineMs: 60_000,
  });
  await pretend.key(topicNames.smartleadRaw);
  await waitFor(
    async () => {
      const { lag, throughput } = await metrics();
      return (
        lag['keyer']?.records === 0 &&
        lag['keyer'].seconds === 0 &&
        lag['loader']?.records === 36 &&
        (throughput['records_keyed_per_second'] ?? 0) > 0 &&
        (throughput['records_published_per_second'] ?? 0) > 0
      );
    },
    { what: 'the lag to move on to the loader', deadlineMs: 60_000 },
  );
});

test('a database that is gone is said to be, and is asked again when it is back', async () => {
  await using database = await freshDatabase();
  const url = new URL(database.url);
  await using proxy = await createTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
  url.hostname = proxy.host;
  url.port = String(proxy.port);
  await using api = await spawnService({
    name: 'api',
    env: { DATABASE_URL: url.href, KAFKA_TOPIC_PREFIX: randomPrefix() },
  });
  await api.ready(60_000);
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(api.url + path);
    const { code = '' }: { readonly code?: string } = JSON.parse(await answer.text());
    return `${answer.status} ${code}`.trim();
  };
  const paths = ['/api/database/performance', '/api/metrics', '/api/event-keys/stats'];
  for (const path of paths) assert.equal(await ask(path), '200', path);
  proxy.refuse();
  for (const path of paths) assert.equal(await ask(path), '503 DB_001', path);
  proxy.accept();
  await waitFor(async () => (await ask('/api/database/performance')) === '200', { what: 'the figures to be back' });
});

interface Budget {
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly reset_at: string | null;
  readonly paused_until: string | null;
}

interface Metrics {
  readonly memory: Readonly<Record<string, number>>;
  readonly rate_limits: { readonly smartlead: Budget; readonly lemlist: Budget };
  readonly lag: Readonly<Record<string, { readonly records: number; readonly seconds: number }>>;
  readonly throughput: Readonly<Record<string, number>>;
}
