import { createHash } from 'node:crypto';
import { connectDatabase, migrate } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { connectKafka, connectSerde, createProducer } from '@full-sync/kafka';
import type { Acknowledgement, KafkaClient, Producer, Serde } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import type { OutreachEvent } from '@full-sync/schemas';
import { freshDatabase, randomPrefix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';

export const leafTable = 'event_source_1_smartlead';
const sourceTopicId = '11111111-2222-3333-4444-555555555555';

/** A database and topics of one test's own, with a job that owns the namespace `test`. */
export interface Bench extends AsyncDisposable {
  readonly db: Database;
  readonly client: KafkaClient;
  readonly serde: Serde;
  readonly producer: Producer;
  readonly env: Readonly<Record<string, string>>;
  readonly startLoader: () => Promise<ServiceProcess>;
  readonly publish: (partition: number, sent: readonly OutreachEvent[]) => Promise<Acknowledgement[]>;
  /** Waits until loading has passed `nextOffset` in a partition. */
  readonly loaded: (partition: number, nextOffset: number, deadlineMs?: number) => Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const { kafkaBrokers, schemaRegistryUrl } = stackAddresses();
  const database = await freshDatabase();
  const prefix = randomPrefix();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const db = await connectDatabase({
    config: { DATABASE_URL: database.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 4 },
    applicationName: 'full-sync-test',
  });
  await migrate(db);
  await arrange(db);
  const config = { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const client = await connectKafka({ config, clientId: 'test', logger });
  await client.ensureTopics();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: schemaRegistryUrl }, named: client.named });
  const producer = await createProducer(client);
  const codec = serde.codec(topicNames.events);
  const env = { DATABASE_URL: database.url, KAFKA_TOPIC_PREFIX: prefix };
  return {
    db,
    client,
    serde,
    producer,
    env,
    startLoader: async () => {
      const loader = await spawnService({ name: 'loader', env });
      await loader.ready(60_000);
      return loader;
    },
    publish: (partition, sent) =>
      producer.send(
        topicNames.events,
        sent.map((one) => ({ partition, key: one.lead_email, value: codec.encode(one) })),
      ),
    loaded: async (partition, nextOffset, deadlineMs = 30_000) => {
      await waitFor(async () => (await positionOf(db, partition)) >= nextOffset, {
        deadlineMs,
        what: `partition ${partition} to be loaded up to ${nextOffset}`,
      });
    },
    [Symbol.asyncDispose]: async () => {
      await producer[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function arrange(db: Database): Promise<void> {
  await db.pool.query(`
    insert into namespaces (namespace) values ('test');
    create table event_source_1 (like event_source including all) partition by list (platform);
    create table ${leafTable} (like event_source including all, primary key (event_id),
      check (namespace = 'test' and platform = 'smartlead'));
    alter table event_source_1 attach partition ${leafTable} for values in ('smartlead');
    alter table event_source attach partition event_source_1 for values in ('test');
    insert into leaf_states (namespace, platform, live_leaf) values ('test', 'smartlead', '${leafTable}');
    insert into jobs (job_id, status, sync_mode, config, parallel_workers, window_end)
      values ('job_a', 'in_progress', 'full_historical', '{}', 4, now()), ('job_b', 'in_progress', 'full_historical', '{}', 4, now())`);
}

async function positionOf(db: Database, partition: number): Promise<number> {
  const { rows } = await db.pool.query<{ next_offset: string }>(
    'select next_offset from event_positions where partition = $1',
    [partition],
  );
  return Number(rows[0]?.next_offset ?? 0);
}

/** The n-th event of a made-up source: record n gives one event, at source offset n. */
export function event(n: number, over: Partial<OutreachEvent> = {}): OutreachEvent {
  const hash = createHash('sha256').update(`fact ${n}`).digest('hex').slice(0, 32);
  return {
    event_key: `smartlead_7_emailsent_s${n}_${hash}`,
    namespace: 'test',
    platform: 'smartlead',
    event_type: 'email_sent',
    source_type: 'sent',
    campaign_id: '7',
    campaign_name: 'Größe – "wave" 2',
    source_id: `s${n}`,
    lead_email: `lead${n % 50}@example.test`,
    lead_id: null,
    occurred_at: 1_772_000_000_123 + n,
    occurred_at_approximate: n % 2 === 0,
    properties: JSON.stringify({ stats_id: `s${n}`, subject: 'naïve ☕ 𝒳', open_count: n }),
    fingerprint: createHash('sha256').update(`fingerprint ${n}`).digest().subarray(0, 8),
    job_id: 'job_a',
    source_topic_id: sourceTopicId,
    source_offset: n,
    source_index: 0,
    source_count: 1,
    fetched_at: 1_772_000_100_000,
    ...over,
  };
}

export function events(from: number, count: number, over: (n: number) => Partial<OutreachEvent> = () => ({})) {
  return Array.from({ length: count }, (_, index) => event(from + index, over(from + index)));
}

export interface Counts {
  readonly records_accepted: number;
  readonly events_derived: number;
  readonly events_created: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly dead_lettered: number;
}

/** The committed counts of a job over all partitions. */
export async function countsOf(db: Database, jobId: string): Promise<Counts> {
  const { rows } = await db.pool.query<Counts>(
    `select coalesce(sum(records_accepted), 0)::int as records_accepted, coalesce(sum(events_derived), 0)::int as events_derived,
       coalesce(sum(events_created), 0)::int as events_created, coalesce(sum(duplicates), 0)::int as duplicates,
       coalesce(sum(collisions), 0)::int as collisions, coalesce(sum(dead_lettered), 0)::int as dead_lettered
     from job_counts where job_id = $1`,
    [jobId],
  );
  const [counts] = rows;
  if (counts === undefined) throw new Error('an aggregate without a row');
  return counts;
}

/** Rows in the table, and as loading has counted them. */
export async function countedRows(db: Database): Promise<{ readonly stored: number; readonly counted: number }> {
  const { rows } = await db.pool.query<{ stored: number; counted: number }>(
    `select (select count(*) from event_source)::int as stored,
       (select coalesce(sum(rows), 0) from leaf_rows where leaf = '${leafTable}')::int as counted`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('an aggregate without a row');
  return row;
}
