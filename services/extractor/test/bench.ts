import {
  accountKeyHash,
  connectDatabase,
  ensureAccount,
  ensureNamespace,
  insertJob,
  migrate,
} from '@full-sync/database';
import type { Database, JobTarget } from '@full-sync/database';
import { connectKafka, connectSerde, consumeBatches } from '@full-sync/kafka';
import type { KafkaClient } from '@full-sync/kafka';
import { createLogger, parseRateLimit } from '@full-sync/runtime';
import { rawTopic, stripRecord, topicNames } from '@full-sync/schemas';
import type { DeadLetter, Platform, RawRecord, TopicName, TopicValues } from '@full-sync/schemas';
import { startSimulators } from '@full-sync/simulators';
import type { RunningSimulators, StartOptions } from '@full-sync/simulators';
import { freshDatabase, randomPrefix, randomSuffix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';

export interface Published<T> {
  readonly value: T;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
}

export interface StreamRow {
  readonly stream_id: string;
  readonly kind: string;
  readonly campaign_id: string | null;
  readonly status: string;
  readonly attempt: number;
  readonly abandoned: number;
  readonly chunks_committed: number;
  readonly records_committed: number;
  readonly records_expected: number | null;
  readonly share_done: number;
  readonly waiting_for: string | null;
  readonly warning: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly campaign: string | null } | null;
}

export interface JobOptions {
  readonly platforms?: readonly Platform[];
  readonly namespace?: string;
  readonly parallelWorkers?: number;
  readonly batchSize?: number | null;
  readonly windowEnd?: Date;
}

/** Simulators, a database and topics of one test's own, and extractors on them. */
export interface Bench extends AsyncDisposable {
  readonly simulators: RunningSimulators;
  readonly database: Database;
  readonly client: KafkaClient;
  readonly startExtractor: (env?: Readonly<Record<string, string>>) => Promise<ServiceProcess>;
  /** Stores a full sync as the api does, and returns its id. */
  readonly submit: (options?: JobOptions) => Promise<string>;
  readonly streams: (jobId: string) => Promise<readonly StreamRow[]>;
  /** Waits until no stream of the job is pending. */
  readonly extracted: (jobId: string, deadlineMs?: number) => Promise<readonly StreamRow[]>;
  readonly raw: (platform: Platform) => Promise<readonly Published<RawRecord>[]>;
  readonly deadLetters: () => Promise<readonly Published<DeadLetter>[]>;
  /** Makes keyer and loader look as if they kept up with everything. */
  readonly pretendKeyed: () => Promise<void>;
}

export interface BenchOptions extends StartOptions {
  readonly limits?: Partial<Readonly<Record<Platform, string>>>;
}

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const { kafkaBrokers, schemaRegistryUrl } = stackAddresses();
  const stack = new AsyncDisposableStack();
  const simulators = await startSimulators({ seed: 1, ...options });
  stack.defer(() => simulators.close());
  const fresh = stack.use(await freshDatabase());
  const config = { DATABASE_URL: fresh.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 4 };
  const database = stack.use(await connectDatabase({ config, applicationName: 'test' }));
  await migrate(database);
  const prefix = randomPrefix();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const kafka = { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const client = stack.use(await connectKafka({ config: kafka, clientId: 'test', logger }));
  await client.ensureTopics();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: schemaRegistryUrl }, named: client.named });
  const limits = { smartlead: 'off', lemlist: 'off', ...options.limits };
  const environment = {
    DATABASE_URL: fresh.url,
    KAFKA_TOPIC_PREFIX: prefix,
    SMARTLEAD_API_KEY: simulators.smartlead.apiKey,
    SMARTLEAD_BASE_URL: simulators.smartlead.baseUrl,
    SMARTLEAD_RATE_LIMIT: limits.smartlead,
    LEMLIST_API_KEY: simulators.lemlist.apiKey,
    LEMLIST_BASE_URL: simulators.lemlist.baseUrl,
    LEMLIST_RATE_LIMIT: limits.lemlist,
  };

  const accountOf = async (platform: Platform): Promise<number> => {
    const { baseUrl, apiKey } = simulators[platform];
    const limit = parseRateLimit(limits[platform]);
    return await ensureAccount(database.pool, {
      platform,
      keyHash: accountKeyHash({ platform, baseUrl, apiKey }),
      label: platform,
      configuredLimit: limit === 'off' ? null : limit,
    });
  };
  const readTopic = async <N extends TopicName>(topic: N): Promise<readonly Published<TopicValues[N]>[]> => {
    const codec = serde.codec(topic);
    const found: Published<TopicValues[N]>[] = [];
    const ends = await client.offsets.end(topic);
    const left = new Map([...ends].filter(([, end]) => end > 0));
    if (left.size === 0) return [];
    const consumer = await consumeBatches({
      client,
      group: `test-${randomSuffix()}`,
      topics: [topic],
      concurrency: 4,
      maxBytesPerPartition: 4_194_304,
      gapPolicy: 'halt',
      onBatch: async ({ partition, records }) => {
        await codec.prepare(records.map(({ value }) => value));
        for (const { value, key, offset } of records) {
          found.push({ value: codec.decode(value), key: key?.toString() ?? null, partition, offset });
        }
        const next = (records.at(-1)?.offset ?? -1) + 1;
        if (next >= (left.get(partition) ?? Infinity)) left.delete(partition);
        return next;
      },
      onFailure: (error) => {
        throw error;
      },
    });
    try {
      await waitFor(() => left.size === 0, { what: `all of ${topic}`, deadlineMs: 60_000 });
    } finally {
      await consumer[Symbol.asyncDispose]();
    }
    return found;
  };
  const streams: Bench['streams'] = async (jobId) => {
    const { rows } = await database.pool.query<StreamRow>(
      `select stream_id, kind, campaign_id, status, attempt, abandoned, chunks_committed,
         records_committed::float8 as records_committed, records_expected::float8 as records_expected, share_done,
         waiting_for, warning, error from streams where job_id = $1 order by stream_id`,
      [jobId],
    );
    return rows;
  };

  return {
    simulators,
    database,
    client,
    startExtractor: async (env = {}) => {
      const extractor = stack.use(await spawnService({ name: 'extractor', env: { ...environment, ...env } }));
      await extractor.ready();
      return extractor;
    },
    submit: async (job = {}) => {
      const { platforms = ['smartlead', 'lemlist'], namespace = 'default' } = job;
      const jobId = `job_${randomSuffix()}`;
      const targets: JobTarget[] = [];
      for (const platform of platforms) targets.push({ namespace, platform, accountId: await accountOf(platform) });
      await database.transaction(async (db) => {
        await ensureNamespace(db, { namespace, platforms });
        await insertJob(db, {
          jobId,
          syncMode: 'full_historical',
          config: {},
          warnings: [],
          parallelWorkers: job.parallelWorkers ?? 4,
          batchSize: job.batchSize ?? null,
          windowEnd: job.windowEnd ?? new Date(),
          targets,
        });
      });
      return jobId;
    },
    streams,
    extracted: async (jobId, deadlineMs = 30_000) => {
      const ended = async (): Promise<boolean> => {
        const rows = await streams(jobId);
        return rows.length > 0 && rows.every(({ status }) => status !== 'pending');
      };
      await waitFor(ended, { what: `the streams of ${jobId} to end`, deadlineMs, intervalMs: 50 });
      return await streams(jobId);
    },
    raw: (platform) => readTopic(rawTopic(platform) as typeof topicNames.smartleadRaw),
    deadLetters: () => readTopic(topicNames.deadLetters),
    pretendKeyed: async () => {
      for (const platform of ['smartlead', 'lemlist'] as const) {
        const topic = client.named(rawTopic(platform));
        const partitions = Array.from({ length: 12 }, (_, partition) => ({ partition, offset: '1000000000' }));
        await client.admin.setOffsets({ groupId: client.named('keyer'), topic, partitions });
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The records that a platform holds, without message bodies, as texts that can be compared. */
export function ledgerTexts(simulators: RunningSimulators, platform: Platform): string[] {
  const records = [...simulators[platform].ledger.records()];
  return records.map(({ record }) => canonical(stripRecord(record, { storeMessageBodies: false }))).sort();
}

/** The raw records as texts that can be compared with those of a ledger. */
export function recordTexts(published: readonly Published<RawRecord>[]): string[] {
  return published.map(({ value }) => canonical(JSON.parse(value.record))).sort();
}

/** A record as text, its members in order. */
function canonical(record: unknown): string {
  return JSON.stringify(record, (_name, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
