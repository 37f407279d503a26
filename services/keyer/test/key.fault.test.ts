import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { createProducer } from '@full-sync/kafka';
import { topicNames } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import { createKafkaProxy, deleteRecordsBelow, stackAddresses, waitFor } from '@full-sync/testing';
import { openBench, partitions, rowOf } from './harness.ts';
import type { Bench, Published } from './harness.ts';

type AlterConfigs = Parameters<Bench['client']['admin']['alterConfigs']>[0];

/** Kafka's number for "a topic" among the things that have settings. */
const topicResource = 2 as unknown as AlterConfigs['resources'][number]['type'];

const recordsPerPartition = 2_500;

async function publishMany(bench: Bench): Promise<void> {
  for (const partition of partitions) {
    const records = Array.from({ length: recordsPerPartition }, (_, i) => rowOf(partition * 10_000 + i));
    await bench.publishRaw(partition, records);
  }
}

const sumOf = (numbers: Iterable<number>): number => [...numbers].reduce((sum, number) => sum + number, 0);

const positionOf = ({ value, partition }: Published<OutreachEvent>): string =>
  `${partition}:${value.source_offset}:${value.source_index}`;

test('SIGKILL at any moment loses no record: what is committed is published, repeats are the same events', async () => {
  await using bench = await openBench();
  await publishMany(bench);
  const total = partitions.length * recordsPerPartition;
  for (const part of [0.2, 0.6]) {
    await using keyer = await bench.startKeyer();
    const threshold = Math.floor(total * (part + randomInt(100) / 1_000));
    const published = async (): Promise<number> => sumOf((await bench.client.offsets.end(topicNames.events)).values());
    await waitFor(async () => (await published()) >= threshold, {
      deadlineMs: 40_000,
      intervalMs: 5,
      what: `${threshold} events`,
    });
    await keyer.kill('SIGKILL');

    const seen = new Set((await bench.events()).map(positionOf));
    for (const [partition, committed] of await bench.committed('smartlead')) {
      for (let offset = 0; offset < committed; offset += 1) {
        assert.ok(seen.has(`${partition}:${offset}:0`), `the committed record ${partition}:${offset} is published`);
      }
    }
  }
  await using last = await bench.startKeyer();
  await bench.keyed();

  const byPosition = new Map<string, string>();
  const events = await bench.events();
  for (const event of events) {
    const known = byPosition.get(positionOf(event));
    if (known !== undefined) assert.equal(event.value.event_key, known, 'a repeat is the same event');
    byPosition.set(positionOf(event), event.value.event_key);
  }
  assert.equal(byPosition.size, (total * 3) / 2);
  assert.equal(new Set(byPosition.values()).size, byPosition.size);
  assert.ok(!last.hasExited());
});

test('a lost reply to a produce request neither loses nor doubles events', async () => {
  await using bench = await openBench();
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await using keyer = await bench.startKeyer({ KAFKA_BROKERS: proxy.brokers });
  const dropped = proxy.dropReplyOnce();
  await bench.publishRaw(
    2,
    Array.from({ length: 400 }, (_, n) => rowOf(n)),
  );
  await dropped;
  await bench.keyed();
  const events = await bench.events();
  assert.equal(events.length, 600);
  assert.equal(new Set(events.map(positionOf)).size, 600);
  assert.ok(!keyer.hasExited());
});

test('a keyer that cannot publish ends with code 1 and has committed nothing', async () => {
  await using bench = await openBench();
  await using keyer = await bench.startKeyer();
  await bench.client.admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: topicResource,
        name: bench.client.named(topicNames.events),
        configEntries: [{ name: 'max.message.bytes', value: '100' }],
      },
    ],
  });
  // The broker applies altered settings a moment later: until a value of the test's own is refused.
  const refused = async (): Promise<boolean> => {
    await using probe = await createProducer(bench.client);
    const value = Buffer.alloc(500);
    return await probe.send(topicNames.events, [{ partition: 11, key: null, value }]).then(
      () => false,
      () => true,
    );
  };
  await waitFor(refused, { what: 'the broker to refuse large values' });
  await bench.publishRaw(2, [rowOf(1)]);
  await waitFor(() => keyer.hasExited(), { what: 'the keyer to end', deadlineMs: 40_000 });
  assert.deepEqual(await keyer.exited, { code: 1, signal: null });
  assert.match(keyer.output(), /PRODUCER_DEAD/);
  assert.equal(sumOf((await bench.committed('smartlead')).values()), 0);
});

test('a keyer whose next records are deleted halts, and says what was lost and how to accept it', async () => {
  await using bench = await openBench();
  await bench.publishRaw(
    4,
    Array.from({ length: 10 }, (_, n) => rowOf(n)),
  );
  {
    await using keyer = await bench.startKeyer();
    await bench.keyed();
    await keyer.kill('SIGTERM');
  }
  await bench.publishRaw(
    4,
    Array.from({ length: 10 }, (_, n) => rowOf(100 + n)),
  );
  await deleteRecordsBelow(bench.client, topicNames.smartleadRaw, 4, 20);
  await assert.rejects(bench.startKeyer(), (error: Error) => {
    assert.match(error.message, /code 1/);
    assert.match(error.message, /Offsets 10 to 19 of outreach\.smartlead\.raw\/4/);
    assert.match(error.message, /cli -- accept-gap --group keyer --topic outreach\.smartlead\.raw --partition 4/);
    return true;
  });
});
