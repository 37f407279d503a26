import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKafka, connectSerde, createProducer } from '@full-sync/kafka';
import type { KafkaClient } from '@full-sync/kafka';
import { startStack } from '@full-sync/local-stack';
import { createLogger } from '@full-sync/runtime';
import { dataPartitions, topicNames } from '@full-sync/schemas';
import type { RawRecord } from '@full-sync/schemas';
import { randomPrefix, spawnService, waitFor } from '@full-sync/testing';
import type { BenchResult } from './measure.ts';

export const name = 'keyer process';

const rawRecords = 100_000;
const recordsPerSend = 6_000;

/** One keyer process on the real broker and registry (the environment's, else its own), from waiting records to committed offsets. */
export async function run(): Promise<BenchResult> {
  const home = mkdtempSync(join(tmpdir(), 'full-sync-bench-'));
  try {
    await using stack = await startStack({ home, only: ['kafka', 'registry'] });
    return await measureKeyer(stack.env);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function measureKeyer(stackEnv: Readonly<Record<string, string>>): Promise<BenchResult> {
  const { KAFKA_BROKERS = '', SCHEMA_REGISTRY_URL = '' } = stackEnv;
  const KAFKA_TOPIC_PREFIX = randomPrefix();
  const logger = createLogger({ service: 'bench', level: 'silent' });
  const config = { KAFKA_BROKERS, KAFKA_TOPIC_PREFIX, KAFKA_SSL: false };
  await using client = await connectKafka({ config, clientId: 'bench', logger });
  await client.ensureTopics();
  await publishRows(client, SCHEMA_REGISTRY_URL);

  // The keyer has no database; the harness names one to every service.
  const env = { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, KAFKA_TOPIC_PREFIX, DATABASE_URL: 'postgres://127.0.0.1/unused' };
  await using keyer = await spawnService({ name: 'keyer', env });
  await keyer.ready(30_000);
  const startedAt = performance.now();
  const cpuBefore = await keyer.metric('process_cpu_seconds_total');
  await waitFor(() => isKeyed(client), { deadlineMs: 180_000, what: 'all raw records to be keyed' });
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuSeconds = (await keyer.metric('process_cpu_seconds_total')) - cpuBefore;
  const events = await keyer.metric('full_sync_keyer_events_total');
  const cases = [
    { name: 'by its own CPU time', perSecond: events / cpuSeconds },
    { name: 'by the clock', perSecond: events / seconds },
  ];
  return { unit: 'events', baseline: 'by its own CPU time', cases };
}

async function isKeyed({ offsets }: KafkaClient): Promise<boolean> {
  const committed = await offsets.group('keyer', topicNames.smartleadRaw);
  const ends = await offsets.end(topicNames.smartleadRaw);
  return [...ends].every(([partition, end]) => committed.get(partition) === end);
}

async function publishRows(client: KafkaClient, SCHEMA_REGISTRY_URL: string): Promise<void> {
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL }, named: client.named });
  const codec = serde.codec(topicNames.smartleadRaw);
  await using producer = await createProducer(client);
  for (let from = 0; from < rawRecords; from += recordsPerSend) {
    const count = Math.min(recordsPerSend, rawRecords - from);
    const records = Array.from({ length: count }, (_, index) => {
      const n = from + index;
      return { partition: n % dataPartitions, key: `lead${n}@example.test`, value: codec.encode(rowOf(n)) };
    });
    await producer.send(topicNames.smartleadRaw, records);
  }
}

/** Rows like the demo's: every second was opened, every eighth clicked, every sixteenth answered. */
function rowOf(n: number): RawRecord {
  const time = (offsetMs: number): string => new Date(1_772_000_000_000 + n * 1_000 + offsetMs).toISOString();
  const record = {
    stats_id: `b7c1f0aa-2d54-4e0b-9a41-${String(n).padStart(12, '0')}`,
    lead_name: 'Mira Halvorsen',
    lead_email: `lead${n}@example.test`,
    lead_category: n % 3 === 0 ? 'Interested' : null,
    sequence_number: 1 + (n % 4),
    email_campaign_seq_id: 7_120_033,
    email_subject: 'Closing the books faster',
    sent_time: time(0),
    open_time: n % 2 === 0 ? time(60_000) : null,
    click_time: n % 8 === 0 ? time(120_000) : null,
    reply_time: n % 16 === 0 ? time(600_000) : null,
    open_count: n % 2 === 0 ? 3 : 0,
    click_count: n % 8 === 0 ? 1 : 0,
    is_unsubscribed: false,
    is_bounced: n % 50 === 1,
  };
  return {
    job_id: 'job_bench',
    stream_id: 1,
    chunk: 0,
    namespace: 'default',
    platform: 'smartlead',
    source: 'statistics',
    campaign_id: '3310457',
    campaign_name: 'DACH CFOs - wave 2',
    fetched_at: 1_773_000_000_000,
    record: JSON.stringify(record),
  };
}
