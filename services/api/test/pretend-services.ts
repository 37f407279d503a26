import { commitChunk, connectDatabase } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { connectKafka, connectSerde, consumeBatches, createProducer } from '@full-sync/kafka';
import type { ConsumedBatch, KafkaClient } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { dataPartitions, topicNames } from '@full-sync/schemas';
import type { DeadLetter, TopicName } from '@full-sync/schemas';
import { freshDatabase, randomPrefix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';

/** What extractor, keyer and loader would leave behind, written by hand: the api cannot tell the difference. */
export interface PretendServices extends AsyncDisposable {
  readonly api: ServiceProcess;
  readonly db: Database;
  readonly client: KafkaClient;
  readonly env: Readonly<Record<string, string>>;
  /** SIGKILL, and the next process at the same port. */
  readonly restartApi: (changed?: Readonly<Record<string, string>>) => Promise<void>;
  readonly execute: (body: object) => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  readonly status: (jobId: string) => Promise<Job>;
  readonly statusWhere: (jobId: string, what: string, test: (job: Job) => boolean) => Promise<Job>;
  readonly extract: (jobId: string, chunk: Chunk) => Promise<void>;
  readonly failDiscovery: (jobId: string, platform: string) => Promise<void>;
  /** Lets the keyer go on until it has committed all of a raw topic. */
  readonly key: (topic: TopicName) => Promise<void>;
  readonly load: (jobId: string, counts: Counts) => Promise<void>;
  readonly publishLetters: (letters: readonly Partial<DeadLetter>[]) => Promise<void>;
}

export interface Job {
  readonly status: string;
  readonly progress: {
    readonly percentage: number;
    readonly processed_items: number;
    readonly total_items: number;
    readonly current_stage: string;
    readonly eta_minutes: number;
    readonly waiting_for: string | null;
    readonly stages: Readonly<Record<string, { readonly done: number; readonly total: number }>>;
  };
  readonly summary: Readonly<Record<string, number>> & { readonly by_platform: Record<string, Record<string, number>> };
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly warnings: readonly string[];
}

export interface Chunk {
  readonly platform: 'smartlead' | 'lemlist';
  readonly topic: TopicName;
  /** Records to publish, one to each of so many partitions in turn. */
  readonly records: number;
  /** Records that the chunk claims to hold, if not as many as it published. */
  readonly claimed?: number;
}

export interface Counts {
  readonly platform: string;
  readonly accepted: number;
  readonly created: number;
  readonly duplicates?: number;
  readonly deadLettered?: number;
}

/** Starts an api against a database and topics of its own, with `more` in its environment. */
export async function pretendServices(more: Readonly<Record<string, string>> = {}): Promise<PretendServices> {
  await using stack = new AsyncDisposableStack();
  const addresses = stackAddresses();
  const database = stack.use(await freshDatabase());
  const prefix = randomPrefix();
  const env = {
    DATABASE_URL: database.url,
    KAFKA_TOPIC_PREFIX: prefix,
    SMARTLEAD_API_KEY: 'smartlead-test-key-1',
    LEMLIST_API_KEY: 'lemlist-test-key-1',
    ...more,
  };
  let api = await spawnService({ name: 'api', env });
  stack.defer(async () => await api[Symbol.asyncDispose]());
  await api.ready(60_000);
  const port = new URL(api.url).port;
  const databaseConfig = { DATABASE_URL: database.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 4 };
  const db = stack.use(await connectDatabase({ config: databaseConfig, applicationName: 'api-test' }));
  const logger = createLogger({ service: 'test', level: 'silent' });
  const kafka = { KAFKA_BROKERS: addresses.kafkaBrokers, KAFKA_SSL: false, KAFKA_TOPIC_PREFIX: prefix };
  const client = stack.use(await connectKafka({ config: kafka, clientId: 'api-test', logger }));
  stack.defer(async () => {
    const names = await client.admin.listTopics();
    await client.admin.deleteTopics({ topics: names.filter((name) => name.startsWith(prefix)) });
  });
  const serde = await connectSerde({
    config: { SCHEMA_REGISTRY_URL: addresses.schemaRegistryUrl },
    named: client.named,
  });
  const producer = stack.use(await createProducer(client));
  const value = Buffer.from('a record');
  const gate = createGate();
  const publishEvents = async (batch: ConsumedBatch): Promise<number> => {
    await gate.passed();
    const { partition } = batch;
    await producer.send(
      topicNames.events,
      batch.records.map(() => ({ partition, key: null, value })),
    );
    return batch.lastOffset + 1;
  };
  const keyer = await consumeBatches({
    client,
    group: 'keyer',
    topics: [topicNames.smartleadRaw, topicNames.lemlistRaw],
    concurrency: 24,
    maxBytesPerPartition: 65_536,
    gapPolicy: 'handler',
    onBatch: publishEvents,
    // A test that deletes a topic ends this consumer with it; whoever waits for it then says so.
    onFailure: gate.open,
  });
  stack.defer(async () => {
    gate.open();
    await keyer[Symbol.asyncDispose]();
  });
  const owned = stack.move();

  const status = async (jobId: string): Promise<Job> => {
    const answer = await fetch(`${api.url}/api/full-sync/status/${jobId}`);
    const job: Job = JSON.parse(await answer.text());
    return job;
  };
  return {
    get api() {
      return api;
    },
    db,
    client,
    env,
    restartApi: async (changed = {}) => {
      await api.kill('SIGKILL');
      api = await spawnService({ name: 'api', env: { ...env, API_PORT: port, ...changed } });
      await api.ready(60_000);
    },
    execute: async (body) => {
      const answer = await fetch(`${api.url}/api/full-sync/execute`, { method: 'POST', body: JSON.stringify(body) });
      return { status: answer.status, body: JSON.parse(await answer.text()) };
    },
    status,
    statusWhere: async (jobId, what, test) => {
      let seen: Job | undefined;
      try {
        await waitFor(async () => test((seen = await status(jobId))), { what, deadlineMs: 60_000 });
      } catch (error) {
        throw new Error(`${what}; last seen: ${JSON.stringify(seen)}\n${api.output()}`, { cause: error });
      }
      if (seen === undefined) throw new Error('no status was read');
      return seen;
    },
    extract: async (jobId, chunk) => {
      const records = Array.from({ length: chunk.records }, (_, index) => ({
        partition: index % dataPartitions,
        key: null,
        value,
      }));
      const acknowledged = await producer.send(chunk.topic, records);
      const topicId = (await client.offsets.topicIds([chunk.topic])).get(chunk.topic) ?? '';
      const lease = await leaseStream(db, jobId, chunk.platform);
      await commitChunk(db, {
        ...lease,
        jobId,
        progress: {
          continuation: null,
          records: chunk.claimed ?? chunk.records,
          recordsExpected: chunk.records,
          shareDone: 1,
          newStreams: [],
          targets: acknowledged.map(({ partition, lastOffset }) => ({
            topic: chunk.topic,
            topicId,
            partition,
            lastOffset,
          })),
        },
        outcome: { kind: 'done' },
        warning: null,
        abandoned: false,
      });
    },
    failDiscovery: async (jobId, platform) => {
      const lease = await leaseStream(db, jobId, platform);
      await commitChunk(db, {
        ...lease,
        jobId,
        progress: null,
        outcome: { kind: 'failed', error: { code: 'UPSTREAM_AUTH', message: 'the key is refused (401)' } },
        warning: null,
        abandoned: false,
      });
    },
    key: async (topic) => {
      gate.open();
      await waitFor(
        async () => {
          const ends = await client.offsets.end(topic);
          const committed = await client.offsets.group('keyer', topic);
          return [...ends].every(([partition, end]) => (committed.get(partition) ?? 0) >= end);
        },
        { what: `${topic} to be keyed`, deadlineMs: 60_000 },
      );
      gate.close();
    },
    load: async (jobId, counts) => {
      const ends = await client.offsets.end(topicNames.events);
      const topicId = (await client.offsets.topicIds([topicNames.events])).get(topicNames.events);
      await db.transaction(async (tx) => {
        await tx.query(
          `insert into job_counts (job_id, platform, partition, records_accepted, events_derived, events_created, duplicates,
             dead_lettered)
           values ($1, $2, 0, $3, $4::bigint + $5::bigint + $6::bigint, $4, $5, $6)`,
          [jobId, counts.platform, counts.accepted, counts.created, counts.duplicates ?? 0, counts.deadLettered ?? 0],
        );
        for (const [partition, next] of ends) {
          await tx.query(
            `insert into event_positions (topic_id, partition, topic, next_offset) values ($1, $2, $3, $4)
             on conflict (topic_id, partition) do update set next_offset = excluded.next_offset`,
            [topicId, partition, topicNames.events, next],
          );
        }
      });
    },
    publishLetters: async (letters) => {
      const codec = serde.codec(topicNames.deadLetters);
      await producer.send(
        topicNames.deadLetters,
        letters.map((letter) => ({
          partition: 0,
          key: null,
          value: codec.encode({ ...blankLetter, ...letter }),
        })),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await owned.disposeAsync();
    },
  };
}

const blankLetter: DeadLetter = {
  stage: 'keyer',
  code: 'TIME_UNREADABLE',
  detail: 'a time that cannot be read',
  pointer: '/sent_time',
  origin: 'nowhere',
  origin_topic: null,
  origin_partition: null,
  origin_offset: null,
  origin_index: null,
  stream_id: null,
  job_id: null,
  namespace: 'default',
  platform: 'smartlead',
  attempt: 1,
  failed_at: 1_700_000_000_000,
  record: Buffer.from('{}'),
  record_bytes: 2,
  record_sha256: Buffer.alloc(32),
  truncated: false,
};

interface Gate {
  readonly open: () => void;
  readonly close: () => void;
  readonly passed: () => Promise<void>;
}

function createGate(): Gate {
  let passage = Promise.withResolvers<void>();
  return {
    open: () => {
      passage.resolve();
    },
    close: () => {
      passage = Promise.withResolvers<void>();
    },
    passed: async () => await passage.promise,
  };
}

async function leaseStream(
  db: Database,
  jobId: string,
  platform: string,
): Promise<{ readonly streamId: number; readonly epoch: number }> {
  const { rows } = await db.pool.query<{ stream_id: string; lease_epoch: string }>(
    `update streams set lease_epoch = lease_epoch + 1, lease_owner = 'test', lease_until = now() + interval '30 s'
     where stream_id = (select min(stream_id) from streams where job_id = $1 and platform = $2 and status = 'pending')
     returning stream_id, lease_epoch`,
    [jobId, platform],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`no pending ${platform} stream is left`);
  return { streamId: Number(row.stream_id), epoch: Number(row.lease_epoch) };
}
