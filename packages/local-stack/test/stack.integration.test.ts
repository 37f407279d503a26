import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectKafka } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import pg from 'pg';
import type { Stack } from '../src/index.ts';
import { brokerAnswers } from '../src/kafka-probe.ts';
import { until } from '../src/until.ts';
import { isThere, listedIn, privateStack, temporaryHome } from './private-stack.ts';

const SCHEMA = { type: 'record', name: 'Kept', fields: [{ name: 'id', type: 'string' }] };

async function sql(stack: Stack, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function schemaId(stack: Stack, schema: object): Promise<unknown> {
  const response = await fetch(`${stack.env.SCHEMA_REGISTRY_URL}/subjects/kept-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  assert.equal(response.status, 200);
  return await response.json();
}

async function topicId(stack: Stack, topic: string, create: boolean): Promise<string | undefined> {
  const { KAFKA_BROKERS } = stack.env;
  const config = { KAFKA_BROKERS, KAFKA_SSL: false, KAFKA_TOPIC_PREFIX: '' };
  const logger = createLogger({ service: 'test', level: 'silent' });
  await using client = await connectKafka({ config, clientId: 'test', logger });
  if (create) await client.admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  return (await client.offsets.topicIds([topic])).get(topic);
}

/** Takes the ports that a stopped stack had. */
async function occupy(stack: Stack): Promise<readonly Server[]> {
  const ports = [stack.env.KAFKA_BROKERS.split(':')[1], new URL(stack.env.DATABASE_URL).port];
  return await Promise.all(
    ports.map(
      (port) =>
        new Promise<Server>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(Number(port), '127.0.0.1', () => {
            resolve(server);
          });
        }),
    ),
  );
}

test('rows, topics and schema ids outlive a restart on other ports, and a killed part comes back on its own', async (t) => {
  using home = temporaryHome();
  const first = await privateStack(home.path);
  let rows: unknown;
  let id: unknown;
  let topic: string | undefined;
  try {
    await sql(first, 'create table kept (id int primary key)');
    rows = await sql(first, 'insert into kept values (42) returning id');
    id = await schemaId(first, SCHEMA);
    topic = await topicId(first, 'kept', true);
    assert.ok(topic);
    assert.equal(statSync(join(home.path, 'stack.env')).mode & 0o777, 0o600);
  } finally {
    await first.stop();
  }

  const occupants = await occupy(first);
  t.after(() => {
    for (const server of occupants) server.close();
  });
  const said: string[] = [];
  await using second = await privateStack(home.path, { log: (line) => said.push(line) });
  assert.notEqual(second.env.KAFKA_BROKERS, first.env.KAFKA_BROKERS);
  assert.notEqual(new URL(second.env.DATABASE_URL).port, new URL(first.env.DATABASE_URL).port);
  assert.deepEqual(await sql(second, 'select id from kept'), rows);
  assert.deepEqual(await schemaId(second, SCHEMA), id);
  assert.notDeepEqual(await schemaId(second, { ...SCHEMA, doc: 'another' }), id);
  assert.equal(await topicId(second, 'kept', false), topic);

  for (const name of ['broker', 'database', 'registry']) {
    const before = listedIn(home.path).find((entry) => entry.name === name);
    assert.ok(before);
    process.kill(before.pid, 'SIGKILL');
    const back = await until(
      () =>
        listedIn(home.path).some((entry) => entry.name === name && entry.pid !== before.pid && entry.restarts === 1),
      20_000,
    );
    assert.ok(back, `${name} is started again`);
    assert.equal(said.filter((line) => line.startsWith(`${name} ended (SIGKILL)`)).length, 1);
  }
  assert.ok(await until(async () => (await sql(second, 'select 1').catch(() => [])).length === 1, 20_000));
  assert.deepEqual(await sql(second, 'select id from kept'), rows);
  assert.ok(
    await until(
      async () => (await fetch(`${second.env.SCHEMA_REGISTRY_URL}/subjects`).catch(() => undefined))?.ok === true,
      15_000,
    ),
  );
  assert.deepEqual(await schemaId(second, SCHEMA), id);
  assert.ok(await until(() => brokerAnswers('127.0.0.1', Number(second.env.KAFKA_BROKERS.split(':')[1])), 30_000));
  assert.equal(await topicId(second, 'kept', false), topic);

  const pids = listedIn(home.path).map((entry) => entry.pid);
  await second.stop();
  assert.deepEqual(pids.filter(isThere), []);
});

test('stacks in different homes run side by side, and a home takes one at a time', async () => {
  using one = temporaryHome();
  using other = temporaryHome();
  await using first = await privateStack(one.path, { only: ['kafka', 'postgres'] });
  await using second = await privateStack(other.path, { only: ['kafka', 'postgres'] });
  await sql(first, 'create table only_here (id int)');
  assert.deepEqual(await sql(second, "select to_regclass('only_here') as found"), [{ found: null }]);
  assert.notEqual(await topicId(first, 'same-name', true), await topicId(second, 'same-name', true));
  await assert.rejects(privateStack(one.path), /already \(process \d+\)/);
});

test('an address in the environment is used as it is, and one where nothing answers is named', async () => {
  using home = temporaryHome();
  await using first = await privateStack(home.path, { only: ['postgres'] });
  using other = temporaryHome();
  const { DATABASE_URL } = first.env;
  await using second = await privateStack(other.path, { only: ['postgres'], env: { ...process.env, DATABASE_URL } });
  assert.equal(second.env.DATABASE_URL, DATABASE_URL);
  assert.deepEqual(second.processes(), []);
});
