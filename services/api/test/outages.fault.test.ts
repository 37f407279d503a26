import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createKafkaProxy,
  createTcpProxy,
  freshDatabase,
  randomPrefix,
  spawnService,
  stackAddresses,
  waitFor,
} from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';

const keys = { SMARTLEAD_API_KEY: 'smartlead-test-key-1' };

async function statusOf(
  api: ServiceProcess,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(api.url + path, { signal: AbortSignal.timeout(15_000) });
  return { status: answer.status, text: await answer.text() };
}

test('several copies may start at once on an empty broker and an empty database', async () => {
  await using database = await freshDatabase();
  const env = { ...keys, DATABASE_URL: database.url, KAFKA_TOPIC_PREFIX: randomPrefix() };
  await using stack = new AsyncDisposableStack();
  const copies = await Promise.all(
    Array.from({ length: 3 }, async () => stack.use(await spawnService({ name: 'api', env }))),
  );
  await Promise.all(copies.map(async (api) => await api.ready(60_000)));
});

test('without its database the api answers that it is gone, and goes on when it is back', async () => {
  await using database = await freshDatabase();
  const url = new URL(database.url);
  await using proxy = await createTcpProxy({ target: { host: url.hostname, port: Number(url.port) } });
  url.host = `${proxy.host}:${proxy.port}`;
  const env = { ...keys, DATABASE_URL: url.href, KAFKA_TOPIC_PREFIX: randomPrefix() };
  await using api = await spawnService({ name: 'api', env });
  await api.ready(60_000);

  proxy.refuse();
  const gone = await statusOf(api, '/api/full-sync/history');
  assert.equal(gone.status, 503);
  assert.match(gone.text, /"code":"DB_001"/);
  assert.equal((await statusOf(api, '/readyz')).status, 503);
  assert.equal((await statusOf(api, '/livez')).status, 200);

  proxy.accept();
  const back = async (): Promise<boolean> => (await statusOf(api, '/readyz')).status === 200;
  await waitFor(back, { what: 'the api to be ready again' });
  const { status } = await fetch(`${api.url}/api/full-sync/execute`, {
    method: 'POST',
    body: '{"platforms":"smartlead","syncMode":"full_historical"}',
  });
  assert.equal(status, 202);
  assert.equal(api.hasExited(), false);
});

test('a broker that is gone ends the api as an environment error, so that its supervisor starts it again', async () => {
  await using database = await freshDatabase();
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  const env = { ...keys, DATABASE_URL: database.url, KAFKA_BROKERS: proxy.brokers, KAFKA_TOPIC_PREFIX: randomPrefix() };
  await using api = await spawnService({ name: 'api', env });
  await api.ready(60_000);
  proxy.refuse();
  await waitFor(() => api.hasExited(), { what: 'the api to end', deadlineMs: 60_000 });
  const { code } = await api.exited;
  assert.equal(code, 3, api.output());
});
