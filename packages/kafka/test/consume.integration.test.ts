import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import { deleteRecordsBelow, waitFor } from '@full-sync/testing';
import { acceptGap, OffsetGapError, TopicChangedError, consumeBatches, createProducer } from '../src/index.ts';
import type { ConsumedBatch, ConsumeOptions, KafkaClient } from '../src/index.ts';
import { openClient, records } from './harness.ts';

const topic = topicNames.events;

function consume(client: KafkaClient, over: Partial<ConsumeOptions> & Pick<ConsumeOptions, 'onBatch'>) {
  return consumeBatches({
    client,
    group: 'reader',
    topics: [topic],
    concurrency: 4,
    maxBytesPerPartition: 1_048_576,
    gapPolicy: 'halt',
    onFailure: (error) => {
      throw error;
    },
    ...over,
  });
}

const committed = async (client: KafkaClient, partition: number): Promise<number | undefined> =>
  (await client.offsets.group('reader', topic)).get(partition);

test('commits what a handler has settled and goes on from there', async () => {
  await using client = await openClient();
  await using producer = await createProducer(client);
  await producer.send(topic, [...records(0, 0, 10), ...records(7, 10, 5)]);
  const seen: string[] = [];
  const onBatch = async (batch: ConsumedBatch): Promise<number> => {
    for (const record of batch.records) seen.push(String(record.value));
    return batch.lastOffset + 1;
  };
  {
    await using first = await consume(client, { onBatch });
    await waitFor(async () => (await committed(client, 0)) === 10 && (await committed(client, 7)) === 5, {
      what: 'the offsets to be committed',
      deadlineMs: 60_000,
    });
    assert.ok(first);
  }
  await producer.send(topic, records(0, 15, 3));
  await using second = await consume(client, { onBatch });
  await waitFor(() => seen.length >= 18, { what: 'the rest to be read', deadlineMs: 60_000 });
  assert.ok(second);
  assert.deepEqual(seen.toSorted(), Array.from({ length: 18 }, (_, n) => `v${n}`).toSorted());
});

test('commits nothing when the handler fails, and reports the failure once', async () => {
  await using client = await openClient();
  await using producer = await createProducer(client);
  await producer.send(topic, records(1, 0, 4));
  const failures: Error[] = [];
  let calls = 0;
  const consumer = await consume(client, {
    onBatch: async () => {
      calls += 1;
      throw new Error('the sink is gone');
    },
    onFailure: (error) => failures.push(error),
  });
  await waitFor(() => failures.length > 0, { what: 'the failure', deadlineMs: 60_000 });
  await consumer[Symbol.asyncDispose]();
  assert.deepEqual([failures.length, calls, failures[0]?.message], [1, 1, 'the sink is gone']);
  assert.equal(await committed(client, 1), undefined);
});

test('seeks where the handler wants to go on', async () => {
  await using client = await openClient();
  await using producer = await createProducer(client);
  await producer.send(topic, records(2, 0, 6));
  const reads: [number, number][] = [];
  await using consumer = await consume(client, {
    gapPolicy: 'handler',
    onBatch: async (batch) => {
      reads.push([batch.firstOffset, batch.lastOffset]);
      return reads.length === 1 ? 4 : batch.lastOffset + 1;
    },
  });
  await waitFor(async () => (await committed(client, 2)) === 6, { what: 'the end', deadlineMs: 60_000 });
  assert.ok(consumer);
  assert.deepEqual(reads, [
    [0, 5],
    [4, 5],
  ]);
});

test('halts on records that are gone before they were read, until the gap is accepted', async () => {
  await using client = await openClient();
  await using producer = await createProducer(client);
  await producer.send(topic, records(5, 0, 2));
  const failures: Error[] = [];
  const start = () =>
    consume(client, {
      onBatch: async (batch) => batch.lastOffset + 1,
      onFailure: (error) => failures.push(error),
    });
  {
    await using first = await start();
    await waitFor(async () => (await committed(client, 5)) === 2, { what: 'the first records', deadlineMs: 60_000 });
    assert.ok(first);
  }
  await producer.send(topic, records(5, 2, 7));
  await deleteRecordsBelow(client, topic, 5, 6);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    // The first attempt makes kafkajs commit its jump; the second must not take that for an offset of ours.
    const consumer = await start();
    await waitFor(() => failures.length === attempt, { what: 'the halt', deadlineMs: 60_000 });
    await consumer[Symbol.asyncDispose]();
    assert.ok(failures.at(-1) instanceof OffsetGapError, String(failures.at(-1)));
    assert.match(failures.at(-1)?.message ?? '', /Offsets \d to 5 of outreach\.events\/5 are gone/);
  }
  const gap = { client, group: 'reader', topic, partition: 5 };
  for (const to of [2, 5, 10]) await assert.rejects(acceptGap({ ...gap, to }), /left off at/);
  await acceptGap({ ...gap, to: 6 });
  await using reader = await start();
  await waitFor(async () => (await committed(client, 5)) === 9, { what: 'the rest', deadlineMs: 60_000 });
  assert.ok(reader);
  assert.equal(failures.length, 2);
});

test('ends when its topic is recreated, instead of reading on at offsets that mean other records', async () => {
  await using client = await openClient();
  {
    await using producer = await createProducer(client);
    await producer.send(topic, records(3, 0, 50));
  }
  const failures: Error[] = [];
  const consumer = await consume(client, {
    onBatch: async (batch) => batch.lastOffset + 1,
    onFailure: (error) => failures.push(error),
  });
  await waitFor(async () => (await committed(client, 3)) === 50, { what: 'the first records', deadlineMs: 60_000 });
  await client.admin.deleteTopics({ topics: [client.named(topic)] });
  await waitFor(async () => !(await client.admin.listTopics()).includes(client.named(topic)), { what: 'deletion' });
  await client.ensureTopics();
  await using producer = await createProducer(client);
  await producer.send(topic, records(3, 0, 5));
  await waitFor(() => failures.length > 0, { what: 'the consumer to end', deadlineMs: 60_000 });
  await consumer[Symbol.asyncDispose]();
  assert.equal(failures.length, 1);
  assert.ok(failures[0] instanceof TopicChangedError || failures[0]?.name.startsWith('KafkaJS'), String(failures[0]));
});
