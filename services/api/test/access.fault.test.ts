import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectDatabase, createApiKey } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { connectKafka } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { createTcpProxy, freshDatabase, randomPrefix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { FreshDatabase, ServiceProcess, Tap, TcpProxy } from '@full-sync/testing';

/** An api whose only way to its database is the proxy; `db` goes around it. */
let stack: AsyncDisposableStack;
let proxy: TcpProxy;
let api: ServiceProcess;
let db: Database;
let key = '';
/** True: the reply to the next commit of a new job is lost, together with its connection. */
let losing = false;

function loseCommit(): Tap {
  let storesJob = false;
  let commits = false;
  return {
    request: (bytes) => {
      storesJob ||= losing && bytes.includes('insert into job_targets');
      commits ||= storesJob && bytes.includes('commit\0');
      return bytes;
    },
    reply: (bytes) => {
      if (!losing || !commits) return bytes;
      losing = false;
      return 'drop';
    },
  };
}

before(async () => {
  stack = new AsyncDisposableStack();
  const database: FreshDatabase = stack.use(await freshDatabase());
  const target = new URL(database.url);
  proxy = stack.use(
    await createTcpProxy({ target: { host: target.hostname, port: Number(target.port) }, tap: loseCommit }),
  );
  const prefix = randomPrefix();
  stack.defer(async () => await deleteTopics(prefix));
  const through = new URL(database.url);
  through.host = `${proxy.host}:${proxy.port}`;
  api = stack.use(
    await spawnService({
      name: 'api',
      env: {
        DATABASE_URL: through.href,
        KAFKA_TOPIC_PREFIX: prefix,
        SMARTLEAD_API_KEY: 'smartlead-test-key-1',
      },
    }),
  );
  await api.ready(60_000);
  const config = { DATABASE_URL: database.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 2 };
  db = stack.use(await connectDatabase({ config, applicationName: 'api-test' }));
  key = (await createApiKey(db.pool, { name: 'test', scopes: ['admin'], expiresAt: null })).key;
});
after(async () => {
  await stack.disposeAsync();
});

async function deleteTopics(prefix: string): Promise<void> {
  const config = { KAFKA_BROKERS: stackAddresses().kafkaBrokers, KAFKA_SSL: false, KAFKA_TOPIC_PREFIX: prefix };
  const logger = createLogger({ service: 'test', level: 'silent' });
  await using client = await connectKafka({ config, clientId: 'api-test', logger });
  const names = await client.admin.listTopics();
  await client.admin.deleteTopics({ topics: names.filter((name) => name.startsWith(prefix)) });
}

async function call(path: string, init: RequestInit = {}): Promise<{ status: number; code: unknown; body: string }> {
  const headers = new Headers(init.headers);
  if (!headers.has('authorization')) headers.set('authorization', `Bearer ${key}`);
  const answer = await fetch(api.url + path, { ...init, headers, signal: AbortSignal.timeout(20_000) });
  const body = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  const parsed: { readonly code?: unknown } = isJson ? JSON.parse(body) : {};
  return { status: answer.status, code: parsed.code, body };
}

const history = '/api/full-sync/history';

test('while the database is away nobody is let through, and what needs no key goes on', async () => {
  assert.equal((await call(history)).status, 200);
  proxy.refuse();
  try {
    for (const authorization of [`Bearer ${key}`, 'Bearer nonsense', '']) {
      const refused = await call(history, { headers: { authorization } });
      assert.deepEqual([refused.status, refused.code], [503, 'DB_001'], authorization.slice(0, 10));
    }
    for (const path of ['/livez', '/openapi.json', '/metrics']) assert.equal((await call(path)).status, 200, path);
    assert.equal((await call('/readyz')).status, 503);
  } finally {
    proxy.accept();
  }
  await waitFor(async () => (await call(history)).status === 200, { what: 'requests to be answered again' });
});

test('a job whose commit was not heard of is not started again: the repetition gets its answer', async () => {
  const execute = async (): Promise<{ status: number; code: unknown; body: string }> =>
    await call('/api/full-sync/execute', {
      method: 'POST',
      body: '{"platforms":"smartlead","syncMode":"full_historical"}',
      headers: { 'idempotency-key': 'lost-reply' },
    });
  losing = true;
  const first = await execute();
  assert.equal(losing, false);
  assert.deepEqual([first.status, first.code], [503, 'DB_001']);
  const again = await waitFor(
    async () => {
      const answer = await execute();
      return answer.status === 503 ? null : answer;
    },
    { what: 'the database to be reached again' },
  );
  assert.equal(again.status, 202, again.body);
  const { rows } = await db.pool.query<{ job_id: string }>('select job_id from jobs');
  assert.deepEqual(
    rows.map((row) => row.job_id),
    [JSON.parse(again.body).jobId],
  );
});
