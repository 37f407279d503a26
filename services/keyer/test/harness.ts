import { connectKafka, connectSerde, consumeBatches, createProducer } from '@full-sync/kafka';
import type { Acknowledgement, ConsumedRecord, KafkaClient, PartitionOffsets, Producer } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { dataPartitions, rawTopic, topicNames } from '@full-sync/schemas';
import type { DeadLetter, OutreachEvent, Platform, RawRecord, TopicName, TopicValues } from '@full-sync/schemas';
import { randomPrefix, randomSuffix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';

/** A decoded record of a topic and where it lies. */
export interface Published<T> {
  readonly value: T;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
}

/** Topics of one test's own, and a keyer on them. */
export interface Bench extends AsyncDisposable {
  readonly client: KafkaClient;
  readonly topicIds: ReadonlyMap<string, string>;
  readonly startKeyer: (env?: Readonly<Record<string, string>>) => Promise<ServiceProcess>;
  readonly publishRaw: (partition: number, records: readonly RawRecord[]) => Promise<Acknowledgement[]>;
  /** Publishes bytes as they are. */
  readonly publishBytes: (topic: TopicName, partition: number, values: readonly Buffer[]) => Promise<Acknowledgement[]>;
  /** Everything that lies in the topic now, in order within each partition. */
  readonly events: () => Promise<readonly Published<OutreachEvent>[]>;
  readonly deadLetters: () => Promise<readonly Published<DeadLetter>[]>;
  readonly deadLetterBytes: (letter: DeadLetter) => Buffer;
  readonly committed: (platform: Platform) => Promise<PartitionOffsets>;
  /** Waits until the group has committed the ends of both raw topics. */
  readonly keyed: (deadlineMs?: number) => Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const { kafkaBrokers, schemaRegistryUrl } = stackAddresses();
  const prefix = randomPrefix();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const config = { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const client = await connectKafka({ config, clientId: 'test', logger });
  await client.ensureTopics();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: schemaRegistryUrl }, named: client.named });
  const producer = await createProducer(client);
  const { offsets } = client;

  const publishBytes: Bench['publishBytes'] = (topic, partition, values) =>
    producer.send(
      topic,
      values.map((value) => ({ partition, key: null, value })),
    );
  const readTopic = async <N extends TopicName>(topic: N): Promise<readonly Published<TopicValues[N]>[]> => {
    const codec = serde.codec(topic);
    const records = await readAll(client, topic);
    await codec.prepare(records.map(({ record }) => record.value));
    return records.map(({ partition, record }) => ({
      value: codec.decode(record.value),
      partition,
      offset: record.offset,
      key: record.key?.toString() ?? '',
    }));
  };
  const committed = (platform: Platform): Promise<PartitionOffsets> => offsets.group('keyer', rawTopic(platform));
  return {
    client,
    topicIds: await offsets.topicIds([topicNames.smartleadRaw, topicNames.lemlistRaw]),
    startKeyer: async (env = {}) => {
      const keyer = await spawnService({ name: 'keyer', env: { KAFKA_TOPIC_PREFIX: prefix, ...env } });
      await keyer.ready(60_000);
      return keyer;
    },
    publishRaw: (partition, records) => {
      const [first] = records;
      const topic = first?.platform === 'lemlist' ? topicNames.lemlistRaw : topicNames.smartleadRaw;
      const codec = serde.codec(topic);
      return publishBytes(topic, partition, records.map(codec.encode));
    },
    publishBytes,
    events: () => readTopic(topicNames.events),
    deadLetters: () => readTopic(topicNames.deadLetters),
    deadLetterBytes: serde.codec(topicNames.deadLetters).encode,
    committed,
    keyed: async (deadlineMs = 40_000) => {
      await waitFor(async () => (await isKeyed(client, 'smartlead')) && (await isKeyed(client, 'lemlist')), {
        deadlineMs,
        what: 'all raw records to be keyed and committed',
      });
    },
    [Symbol.asyncDispose]: () => close(producer, client),
  };
}

async function isKeyed({ offsets }: KafkaClient, platform: Platform): Promise<boolean> {
  const committed = await offsets.group('keyer', rawTopic(platform));
  const ends = await offsets.end(rawTopic(platform));
  return [...ends].every(([partition, end]) => (committed.get(partition) ?? 0) === end);
}

async function close(producer: Producer, client: KafkaClient): Promise<void> {
  await producer[Symbol.asyncDispose]();
  await client[Symbol.asyncDispose]();
}

async function readAll(
  client: KafkaClient,
  topic: TopicName,
): Promise<readonly { readonly partition: number; readonly record: ConsumedRecord }[]> {
  const ends = await client.offsets.end(topic);
  const wanted = [...ends.values()].reduce((sum, end) => sum + end, 0);
  const found: { readonly partition: number; readonly record: ConsumedRecord }[] = [];
  if (wanted === 0) return found;
  const failure = Promise.withResolvers<never>();
  await using consumer = await consumeBatches({
    client,
    group: `reader-${randomSuffix()}`,
    topics: [topic],
    concurrency: 1,
    maxBytesPerPartition: 4_194_304,
    gapPolicy: 'halt',
    onBatch: async ({ partition, records, lastOffset }) => {
      found.push(...records.map((record) => ({ partition, record })));
      return lastOffset + 1;
    },
    onFailure: failure.reject,
  });
  const complete = waitFor(() => found.length >= wanted, { deadlineMs: 60_000, what: `all records of ${topic}` });
  await Promise.race([complete, failure.promise]);
  void consumer;
  return found;
}

/** A Smartlead row as a raw record; `record` overrides fields of the row. */
export function rowOf(n: number, record: object = {}, envelope: Partial<RawRecord> = {}): RawRecord {
  const row = {
    stats_id: `stats-${n}`,
    lead_email: `lead${n % 97}@example.test`,
    sequence_number: 1 + (n % 4),
    sent_time: new Date(1_772_000_000_000 + n * 1_000).toISOString(),
    open_time: n % 2 === 0 ? new Date(1_772_000_500_000 + n * 1_000).toISOString() : null,
    open_count: n % 2 === 0 ? 1 : 0,
    email_subject: 'naïve ☕ 𝒳',
    ...record,
  };
  return {
    job_id: 'job_a',
    stream_id: 5,
    chunk: 1,
    namespace: 'test',
    platform: 'smartlead',
    source: 'statistics',
    campaign_id: '7',
    campaign_name: 'Größe',
    fetched_at: 1_773_000_000_000,
    record: JSON.stringify(row),
    ...envelope,
  };
}

/** A Lemlist activity as a raw record. */
export function activityOf(n: number, record: object = {}): RawRecord {
  const activity = {
    _id: `act_${n}`,
    type: 'linkedinInviteDone',
    createdAt: new Date(1_772_000_000_000 + n * 1_000).toISOString(),
    campaignId: 'cam_1',
    campaignName: 'DACH',
    leadId: `lea_${n % 97}`,
    ...record,
  };
  const envelope = { platform: 'lemlist', source: 'activities', campaign_id: null, campaign_name: null };
  return { ...rowOf(n), ...envelope, record: JSON.stringify(activity) };
}

export const partitions: readonly number[] = Array.from({ length: dataPartitions }, (_, partition) => partition);
