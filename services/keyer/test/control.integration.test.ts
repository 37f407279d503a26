import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connectSerde, createProducer, followTopic } from '@full-sync/kafka';
import { controlSubjects, keyerGauges, topicNames } from '@full-sync/schemas';
import type { ServiceTelemetry } from '@full-sync/schemas';
import { stackAddresses, waitFor } from '@full-sync/testing';
import { openBench, rowOf } from './harness.ts';
import type { Bench } from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await openBench();
});
after(async () => {
  await bench[Symbol.asyncDispose]();
});

test('an order to clear reaches every copy and changes no key; a copy that leaves takes its gauges along', async () => {
  const { client } = bench;
  const serde = await connectSerde({
    config: { SCHEMA_REGISTRY_URL: stackAddresses().schemaRegistryUrl },
    named: client.named,
  });
  const telemetry = serde.codec(topicNames.telemetry);
  const gauges = new Map<string, ServiceTelemetry>();
  let failure: Error | undefined;
  await using follower = await followTopic({
    client,
    purpose: 'test',
    topic: topicNames.telemetry,
    onRecords: async (records) => {
      await telemetry.prepare(records.map(({ value }) => value));
      for (const { key, value } of records) {
        if (value === null) gauges.delete(key ?? '');
        else gauges.set(key ?? '', telemetry.decode(value));
      }
    },
    onFailure: (error) => {
      failure = error;
    },
  });
  void follower;
  const sum = (name: string): number => [...gauges.values()].reduce((total, one) => total + (one.gauges[name] ?? 0), 0);
  const settle = async (what: string, isSettled: () => boolean): Promise<void> => {
    await waitFor(
      () => {
        if (failure !== undefined) throw failure;
        return isSettled();
      },
      { what: `${what}; seen: ${JSON.stringify([...gauges.values()])}`, deadlineMs: 60_000 },
    );
  };

  await using first = await bench.startKeyer();
  const second = await bench.startKeyer();
  const rows = Array.from({ length: 120 }, (_, n) => rowOf(n));
  for (let partition = 0; partition < 12; partition += 1) {
    const part = rows.filter((_, n) => n % 12 === partition);
    await bench.publishRaw(partition, [...part, ...part]);
  }
  await bench.keyed();
  const keys = new Set((await bench.events()).map(({ value }) => value.event_key));
  await settle('both copies to hold all keys', () => gauges.size === 2 && sum(keyerGauges.cacheSize) === keys.size);
  assert.equal(sum(keyerGauges.cacheLookups), 2 * keys.size);
  assert.equal(sum(keyerGauges.cacheHits), keys.size);
  assert.ok(
    [...gauges.values()].every((one) => (one.gauges[keyerGauges.cacheSize] ?? 0) > 0),
    'both copies have something to forget',
  );

  await using producer = await createProducer(client);
  const order = { subject: controlSubjects.clearKeyCache, issued_at: Date.now(), issued_by: 'test' };
  const value = serde.codec(topicNames.control).encode(order);
  await producer.send(topicNames.control, [{ partition: 0, key: order.subject, value }]);
  await settle('both copies to have cleared', () =>
    [...gauges.values()].every(
      (one) => one.gauges[keyerGauges.clearedAt] === order.issued_at && one.gauges[keyerGauges.cacheSize] === 0,
    ),
  );

  // Bytes that are no message end nobody.
  await producer.send(topicNames.control, [{ partition: 0, key: 'nonsense', value: Buffer.from('nonsense') }]);
  for (let partition = 0; partition < 12; partition += 1)
    await bench.publishRaw(
      partition,
      rows.filter((_, n) => n % 12 === partition),
    );
  await bench.keyed();
  const again = (await bench.events()).map(({ value: event }) => event.event_key);
  assert.deepEqual(new Set(again), keys, 'the keys are the same after clearing');

  await second.kill('SIGTERM');
  await settle('the copy that left to be gone', () => gauges.size === 1);
  assert.equal(first.hasExited(), false);
});
