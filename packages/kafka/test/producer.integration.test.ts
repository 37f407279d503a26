import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { createKafkaProxy, kafkaApi, randomPrefix, stackAddresses } from '@full-sync/testing';
import { ProducerDeadError, createProducer } from '../src/index.ts';
import { openClient, records } from './harness.ts';

const topic = topicNames.events;

test('acknowledges where each partition’s records lie, in the order given', async () => {
  await using client = await openClient();
  await using producer = await createProducer(client);
  const first = await producer.send(topic, [...records(1, 0, 3), ...records(4, 3, 2)]);
  assert.deepEqual(
    first.toSorted((a, b) => a.partition - b.partition),
    [
      { partition: 1, firstOffset: 0, lastOffset: 2 },
      { partition: 4, firstOffset: 0, lastOffset: 1 },
    ],
  );
  const [second, third] = await Promise.all([
    producer.send(topic, records(1, 5, 2)),
    producer.send(topic, records(1, 7, 1)),
  ]);
  assert.deepEqual(second, [{ partition: 1, firstOffset: 3, lastOffset: 4 }]);
  assert.deepEqual(third, [{ partition: 1, firstOffset: 5, lastOffset: 5 }]);
});

test('bounds the records of a request and still acknowledges them all', async () => {
  await using client = await openClient();
  await using producer = await createProducer(client);
  const acknowledged = await producer.send(topic, records(0, 0, 25), 10);
  assert.deepEqual(
    acknowledged.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset]),
    [
      [0, 9],
      [10, 19],
      [20, 24],
    ],
  );
});

test('sends that wait go together, and each is told where its own records lie', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using client = await openClient({ brokers: proxy.brokers });
  await using producer = await createProducer(client);
  await producer.send(topic, records(0, 0, 1));
  const before = proxy.requests(kafkaApi.produce);
  const sends = Array.from({ length: 20 }, (_, n) => producer.send(topic, [...records(0, n, 2), ...records(1, n, 1)]));
  const acknowledged = await Promise.all(sends);
  for (const [n, ranges] of acknowledged.entries()) {
    assert.deepEqual(ranges, [
      { partition: 0, firstOffset: 1 + 2 * n, lastOffset: 2 + 2 * n },
      { partition: 1, firstOffset: n, lastOffset: n },
    ]);
  }
  const requests = proxy.requests(kafkaApi.produce) - before;
  assert.ok(requests <= 2, `${requests} requests for 20 sends`);
});

test('appends once when the reply is lost after the broker appended', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using client = await openClient({ brokers: proxy.brokers });
  await using producer = await createProducer(client);
  await producer.send(topic, records(2, 0, 3));
  const lost = proxy.dropReplyOnce();
  const acknowledged = await producer.send(topic, records(2, 3, 3));
  await lost;
  assert.deepEqual(acknowledged, [{ partition: 2, firstOffset: 3, lastOffset: 5 }]);
  assert.equal((await client.offsets.end(topic)).get(2), 6);
  assert.deepEqual(await producer.send(topic, records(2, 6, 3)), [{ partition: 2, firstOffset: 6, lastOffset: 8 }]);
});

test('is dead after a send that was given up: what follows is refused, not acknowledged and lost', async () => {
  const prefix = randomPrefix();
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using direct = await openClient({ prefix });
  await using client = await openClient({ brokers: proxy.brokers, prefix });
  const producer = await createProducer(client);
  await producer.send(topic, records(3, 0, 3));
  const lost = proxy.dropReplyOnce();
  const given = producer.send(topic, records(3, 3, 3));
  // The broker appended the second send, its reply was lost, and every repeat is refused from here on.
  await lost;
  proxy.refuse();
  const queued = producer.send(topic, records(3, 6, 3));
  await assert.rejects(given, ProducerDeadError);
  await assert.rejects(queued, ProducerDeadError);
  proxy.accept();
  await assert.rejects(producer.send(topic, records(3, 9, 3)), ProducerDeadError);
  assert.equal(producer.dead(), true);
  assert.equal((await direct.offsets.end(topic)).get(3), 6);

  await using successor = await createProducer(direct);
  assert.deepEqual(await successor.send(topic, records(3, 6, 3)), [{ partition: 3, firstOffset: 6, lastOffset: 8 }]);
  await producer[Symbol.asyncDispose]();
});
