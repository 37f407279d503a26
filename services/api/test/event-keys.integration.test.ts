import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureNamespace } from '@full-sync/database';
import { eventKey, idIdentity } from '@full-sync/schemas';
import { spawnService, waitFor } from '@full-sync/testing';
import { pretendServices } from './pretend-services.ts';
import type { PretendServices } from './pretend-services.ts';

let pretend: PretendServices;
before(async () => {
  pretend = await pretendServices();
});
after(async () => {
  await pretend[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function call(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(pretend.api.url + path, init);
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

const generate = async (body: object): Promise<Answer> =>
  await call('/api/event-keys/generate', { method: 'POST', body: JSON.stringify(body) });
const stats = async (): Promise<Readonly<Record<string, number>>> => {
  const { body } = await call('/api/event-keys/stats');
  return body['stats'] as Readonly<Record<string, number>>;
};

const guide = {
  platform: 'lemlist',
  campaignId: 'custom_campaign_001',
  eventType: 'custom_event',
  email: 'test@example.com',
  activityId: 'custom_activity_123',
  namespace: 'custom_namespace',
  timestamp: '2024-01-15T10:30:00Z',
};

test('the key is the one of the keyer, and belongs to another fact once one with another email or time is stored', async () => {
  const first = await generate(guide);
  const key = eventKey({
    platform: 'lemlist',
    namespace: 'custom_namespace',
    campaignId: 'custom_campaign_001',
    eventType: 'custom_event',
    ...idIdentity('custom_activity_123'),
  });
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.equal(first.body['event_key'], key);
  assert.equal(first.body['collision_detected'], false);

  await pretend.db.transaction(async (client) => {
    await ensureNamespace(client, { namespace: 'custom_namespace', platforms: ['lemlist'] });
    await client.query(
      `insert into event_source (event_id, event_key, namespace, platform, event_type, source_type, lead_email, occurred_at,
         occurred_at_approximate, properties, fingerprint, job_id)
       values (right($1, 32)::uuid, $1, 'custom_namespace', 'lemlist', 'custom_event', 'custom', 'test@example.com',
         '2024-01-15T10:30:00Z', false, '{}', '\\x0000000000000000', 'job_x')`,
      [key],
    );
  });
  const detected = async (over: object): Promise<unknown> =>
    (await generate({ ...guide, ...over })).body['collision_detected'];
  assert.equal(await detected({}), false);
  assert.equal(await detected({ email: 'TEST@example.com ' }), false);
  assert.equal(await detected({ email: 'other@example.com' }), true);
  assert.equal(await detected({ timestamp: '2024-01-15T10:30:01Z' }), true);
  assert.equal(await detected({ namespace: 'default', email: 'other@example.com' }), false, 'another namespace');
  const { body } = await generate(guide);
  assert.equal((body['generation_stats'] as { already_stored: boolean }).already_stored, true);
});

test('what has no identity gets no key, and each fault is named', async () => {
  const faultsOf = async (body: object): Promise<readonly string[]> => {
    const { status, body: answer } = await generate(body);
    assert.equal(status, 400, JSON.stringify(answer));
    assert.equal(answer['code'], 'KEY_001');
    assert.equal(answer['success'], false);
    return (answer['errors'] as readonly { pointer: string }[]).map(({ pointer }) => pointer);
  };
  assert.deepEqual(await faultsOf({}), ['/platform', '/eventType']);
  assert.deepEqual(await faultsOf({ platform: 'lemlist', eventType: 'x' }), ['/email', '/timestamp']);
  assert.deepEqual(await faultsOf({ ...guide, activityId: ' ', timestamp: 'yesterday' }), ['/timestamp']);
  assert.deepEqual(await faultsOf({ ...guide, activityid: 'a' }), ['/activityid']);
  assert.deepEqual(await faultsOf({ ...guide, kind: 'stats' }), ['/sequenceNumber']);
  assert.deepEqual(await faultsOf({ ...guide, activityId: true, sequenceNumber: '2' }), [
    '/activityId',
    '/sequenceNumber',
  ]);
});

test('statistics are 0 before there is data, and then those of committed rows', async () => {
  const empty = await stats();
  for (const [name, value] of Object.entries(empty)) assert.equal(value, 0, name);

  const { body } = await pretend.execute({ platforms: 'smartlead', syncMode: 'full_historical', namespaces: 'stats' });
  await pretend.db.pool.query(
    `insert into job_counts values ($1, 'smartlead', 0, 30, 80, 55, 20, 4, 1), ($1, 'smartlead', 1, 15, 20, 20, 0, 0, 0)`,
    [body['jobId']],
  );
  await pretend.publishLetters(
    ['a', 'b', 'c', 'd', 'e'].map((origin) => ({ origin, stage: origin === 'e' ? 'loader' : 'keyer' })),
  );
  await waitFor(async () => (await stats())['invalid_inputs'] === 4, { what: 'the letters to be stored' });
  await pretend.restartApi();
  const { total_generated, duplicates, collisions_detected, collision_rate, duplicate_rate, generation_rate } =
    await stats();
  assert.deepEqual(
    { total_generated, duplicates, collisions_detected, collision_rate, duplicate_rate, generation_rate },
    {
      total_generated: 100,
      duplicates: 20,
      collisions_detected: 4,
      collision_rate: 0.04,
      duplicate_rate: 0.2,
      generation_rate: 45 / 49,
    },
  );
});

test('clearing reaches the keyers that run and says what they held', async () => {
  const clear = async (): Promise<Answer> => await call('/api/event-keys/clear-cache', { method: 'POST' });
  assert.deepEqual(await clear(), {
    status: 200,
    body: { success: true, previous_cache_size: 0, keyers: 0, keyers_cleared: 0 },
  });
  const { env } = pretend;
  await using one = await spawnService({ name: 'keyer', env });
  await using two = await spawnService({ name: 'keyer', env });
  await Promise.all([one.ready(60_000), two.ready(60_000)]);
  await waitFor(async () => (await stats())['keyers'] === 2, { what: 'both keyers to be heard of' });
  const { body } = await clear();
  assert.deepEqual(body, { success: true, previous_cache_size: 0, keyers: 2, keyers_cleared: 2 });
});
