import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { deleteRecordsBelow } from '@full-sync/testing';
import kafkajs from 'kafkajs';
import { openClient } from './harness.ts';

const topic = topicNames.events;
const partition = 3;

test('tells when a record was published, inside of a batch too, with one fetch per batch', async () => {
  await using client = await openClient();
  const producer = client.kafka.producer();
  await producer.connect();
  const send = async (times: readonly number[], compression = kafkajs.CompressionTypes.None): Promise<void> => {
    const messages = times.map((ms) => ({ partition, value: 'x'.repeat(200), timestamp: String(ms) }));
    await producer.send({ topic: client.named(topic), messages, compression });
  };
  await send([1_000_000, 1_000_040, 1_000_100]);
  await send([2_000_000, 2_060_000, 3_600_000]);
  await send([4_000_000, 4_900_000], kafkajs.CompressionTypes.GZIP);
  await producer.disconnect();

  const { log } = client;
  const seen: (number | null)[] = [];
  for (let offset = 0; offset < 9; offset += 1) seen.push(await log.timeOf(topic, partition, offset));
  // Made within a moment: the first one's time. Compressed and long in the making: never too young.
  const together = [1_000_000, 1_000_000, 1_000_000];
  assert.deepEqual(seen, [...together, 2_000_000, 2_060_000, 3_600_000, 4_000_000, 4_000_000, null]);
  const reads = log.reads();
  assert.equal(await log.timeOf(topic, partition, 7), 4_000_000);
  assert.equal(log.reads(), reads);
  assert.equal(await log.timeOf(topic, 0, 0), null);
});

test('gives no time for records that are deleted', async () => {
  await using client = await openClient();
  const producer = client.kafka.producer();
  await producer.connect();
  const messages = [1, 2, 3].map((n) => ({ partition, value: 'x', timestamp: String(n * 1_000_000) }));
  for (const message of messages) await producer.send({ topic: client.named(topic), messages: [message] });
  await producer.disconnect();
  await deleteRecordsBelow(client, topic, partition, 2);
  assert.equal(await client.log.timeOf(topic, partition, 0), null);
  assert.equal(await client.log.timeOf(topic, partition, 2), 3_000_000);
  const bounds = await client.log.bounds([topic, topicNames.deadLetters]);
  assert.deepEqual(bounds.get(topic)?.get(partition), { start: 2, end: 3 });
  assert.equal(bounds.get(topic)?.size, 12);
  assert.deepEqual([...(bounds.get(topicNames.deadLetters) ?? [])], [[0, { start: 0, end: 0 }]]);
});
