import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { topicNames } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import { randomPrefix, spawnProgram, stackAddresses } from '@full-sync/testing';
import { createLogger } from '@full-sync/runtime';
import { connectKafka, connectSerde, createProducer } from '../src/index.ts';

const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'event-stream.md');

/** The program on the page. */
async function example(): Promise<string> {
  const [, program] = /```js\n([\s\S]*?)```/.exec(await readFile(page, 'utf8')) ?? [];
  assert.ok(program !== undefined, 'there is no program on the page');
  return program;
}

function eventOf(n: number): OutreachEvent {
  const hash = String(n).padStart(32, '0');
  return {
    event_key: `lemlist_cam1_emailopened_act${n}_${hash}`,
    namespace: 'default',
    platform: 'lemlist',
    event_type: 'email_opened',
    source_type: 'emailsOpened',
    campaign_id: 'cam_1',
    campaign_name: 'Größe',
    source_id: `act_${n}`,
    lead_email: n === 1 ? null : `lead${n}@example.test`,
    lead_id: `lea_${n}`,
    occurred_at: Date.UTC(2024, 1, 29, 12, 0, n),
    occurred_at_approximate: false,
    properties: '{}',
    fingerprint: Buffer.alloc(8),
    job_id: 'job_1',
    source_topic_id: '11111111-2222-3333-4444-555555555555',
    source_offset: n,
    source_index: 0,
    source_count: 1,
    fetched_at: Date.UTC(2024, 2, 1),
  };
}

test('the ten lines of docs/event-stream.md read what was published', async () => {
  const program = await example();
  assert.equal(program.trim().split('\n').length, 10);
  const { kafkaBrokers, schemaRegistryUrl } = stackAddresses();
  const prefix = randomPrefix();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const config = { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  await using client = await connectKafka({ config, clientId: 'test', logger });
  await client.ensureTopics();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: schemaRegistryUrl }, named: client.named });
  await using producer = await createProducer(client);
  const codec = serde.codec(topicNames.events);
  for (const n of [0, 1, 2])
    await producer.send(topicNames.events, [
      { partition: n * 5, key: `default:${n}`, value: codec.encode(eventOf(n)) },
    ]);

  // As it stands, but for names: the tests of one run share a broker.
  const named = program.replace("'outreach.events'", `'${client.named(topicNames.events)}'`);
  assert.notEqual(named, program);
  const file = join(import.meta.dirname, `event-stream-${prefix}.mjs`);
  await writeFile(file, named.replaceAll("'my-reader'", `'${prefix}my-reader'`));
  try {
    await using reader = spawnProgram({
      name: 'reader',
      args: [file],
      env: { KAFKA_BROKERS: kafkaBrokers, SCHEMA_REGISTRY_URL: schemaRegistryUrl, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    });
    for (const n of [0, 1, 2]) {
      const sent = eventOf(n);
      const [line] = await reader.outputMatching(new RegExp(`\\{"event_key":"${sent.event_key}".*\\}`), 30_000);
      const { fingerprint, ...fields } = sent;
      const { fingerprint: bytes, ...read } = JSON.parse(line) as Readonly<Record<string, unknown>>;
      assert.deepEqual(read, fields);
      assert.deepEqual(bytes, fingerprint.toJSON());
    }
  } finally {
    await rm(file);
  }
});
