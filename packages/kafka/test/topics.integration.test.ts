import assert from 'node:assert/strict';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { EnvironmentError } from '@full-sync/runtime';
import { dataPartitions, topicNames, topics } from '@full-sync/schemas';
import { createKafkaProxy, randomPrefix, stackAddresses, waitFor } from '@full-sync/testing';
import { openClient } from './harness.ts';

test('several processes create the topics at once, with the settings of the table', async () => {
  const prefix = randomPrefix();
  const clients = await Promise.all([openClient({ prefix }), openClient({ prefix }), openClient({ prefix })]);
  const [client] = clients;
  assert.ok(client);
  assert.equal((await client.offsets.end(topicNames.events)).size, dataPartitions);
  for (const one of clients) await one[Symbol.asyncDispose]();
});

test('refuses topics with wrong settings and names each', async () => {
  const prefix = randomPrefix();
  await using client = await openClient({ prefix });
  const name = client.named(topicNames.deadLetters);
  await client.admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
        configEntries: [
          { name: 'retention.ms', value: '1000' },
          { name: 'max.message.bytes', value: '1000' },
        ],
      },
    ],
  });
  // The broker applies altered settings a moment later.
  const refusal = await waitFor(() => client.ensureTopics().catch((error: unknown) => error), { what: 'a refusal' });
  assert.ok(refusal instanceof EnvironmentError);
  assert.match(refusal.message, /dead-letters: max\.message\.bytes is 1000, expected 8388608 or more/);
  assert.match(refusal.message, /dead-letters: retention\.ms is 1000, expected -1/);
});

test('a broker that goes away before the topics are there is the environment, and nothing of ours', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using client = await openClient({ brokers: proxy.brokers });
  proxy.refuse();
  await assert.rejects(client.ensureTopics(), (error: unknown) => {
    assert.ok(error instanceof EnvironmentError, String(error));
    assert.match(error.message, /did not let the topics be created and checked: .*E(?:CONN|PIPE)/);
    return error.hint !== undefined;
  });
});

test('topic ids are stable, and a recreated topic has another', async () => {
  await using client = await openClient();
  const names = topics.map((topic) => topic.name);
  const before = await client.offsets.topicIds(names);
  assert.deepEqual([...before.keys()].toSorted(), names.toSorted());
  for (const id of before.values()) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(new Set(before.values()).size, names.length);
  assert.deepEqual(await client.offsets.topicIds(names), before);

  await client.admin.deleteTopics({ topics: [client.named(topicNames.control)] });
  await waitFor(async () => !(await client.admin.listTopics()).includes(client.named(topicNames.control)), {
    what: 'the topic to be gone',
  });
  await client.ensureTopics();
  const after = await client.offsets.topicIds([topicNames.control]);
  assert.notEqual(after.get(topicNames.control), before.get(topicNames.control));
  assert.equal((await client.offsets.topicIds(['no.such.topic'])).size, 0);
});
