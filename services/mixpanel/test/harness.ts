import { connectDatabase, migrate, readJobDestinations } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { connectKafka, connectSerde, createProducer, followTopic } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { topicNames, writeWishes } from '@full-sync/schemas';
import type { DeadLetter, OutreachEvent } from '@full-sync/schemas';
import { MIXPANEL_PROJECT, createMixpanelSimulator } from '@full-sync/simulators';
import type { MixpanelEvent, MixpanelOptions, MixpanelPlatform, Sink } from '@full-sync/simulators';
import { freshDatabase, randomPrefix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';
import { toImportEvent } from '../src/domain/to-import-event.ts';

export interface Counts {
  readonly sent: number;
  readonly skipped: number;
  readonly failed: number;
  readonly waiting: number;
}

/** A database and topics of one test's own, with the open jobs job_a and job_b. */
export interface Bench extends AsyncDisposable {
  readonly db: Database;
  readonly start: (env: Readonly<Record<string, string>>) => Promise<ServiceProcess>;
  readonly publish: (
    partition: number,
    sent: readonly OutreachEvent[],
    destinations?: readonly string[],
  ) => Promise<void>;
  readonly counts: (jobId: string) => Promise<Counts>;
  /** Waits until everything that was published is settled. */
  readonly settled: (deadlineMs?: number) => Promise<void>;
  /** Follows the dead letters of the topic. */
  readonly letters: () => Promise<{ readonly all: readonly DeadLetter[] } & AsyncDisposable>;
}

export async function openBench(): Promise<Bench> {
  const { kafkaBrokers, schemaRegistryUrl, databaseUrl } = stackAddresses();
  const database = await freshDatabase(databaseUrl);
  const prefix = randomPrefix();
  const logger = createLogger({ service: 'test', level: 'silent' });
  const db = await connectDatabase({
    config: { DATABASE_URL: database.url, DATABASE_SCHEMA: 'public', DATABASE_POOL_MAX: 4 },
    applicationName: 'full-sync-test',
  });
  await migrate(db);
  await db.pool.query(`
    insert into jobs (job_id, status, sync_mode, config, parallel_workers, window_end)
    values ('job_a', 'in_progress', 'full_historical', '{}', 4, now()), ('job_b', 'in_progress', 'full_historical', '{}', 4, now())`);
  const config = { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const client = await connectKafka({ config, clientId: 'test', logger });
  await client.ensureTopics();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: schemaRegistryUrl }, named: client.named });
  const producer = await createProducer(client);
  const codec = serde.codec(topicNames.events);
  const letterCodec = serde.codec(topicNames.deadLetters);
  const published = new Map<number, number>();
  const env = {
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    DATABASE_URL: database.url,
    KAFKA_TOPIC_PREFIX: prefix,
  };
  const isSettled = async (): Promise<boolean> => {
    const { rows } = await db.pool.query<{ partition: number; next_offset: string }>(
      `select partition, next_offset from destination_positions where destination = 'mixpanel'`,
    );
    const at = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
    return [...published].every(([partition, next]) => (at.get(partition) ?? 0) >= next);
  };
  return {
    db,
    start: async (more) => {
      const service = await spawnService({ name: 'mixpanel', env: { ...env, ...more } });
      await service.ready(60_000);
      return service;
    },
    publish: async (partition, sent, destinations = ['mixpanel']) => {
      const headers = writeWishes({ destinations, redrive: false }) ?? {};
      await producer.send(
        topicNames.events,
        sent.map((one) => ({ partition, key: one.lead_email, value: codec.encode(one), headers })),
      );
      published.set(partition, (published.get(partition) ?? 0) + sent.length);
    },
    counts: async (jobId) => {
      const all = (await readJobDestinations(db.pool, [jobId])).get(jobId) ?? [];
      const found = all.find(({ destination }) => destination === 'mixpanel');
      const { sent = 0, skipped = 0, failed = 0, waiting = 0 } = found ?? {};
      return { sent, skipped, failed, waiting };
    },
    settled: async (deadlineMs = 60_000) => {
      await waitFor(isSettled, { deadlineMs, what: 'all events to be settled', intervalMs: 50 });
    },
    letters: async () => {
      const all: DeadLetter[] = [];
      const following = await followTopic({
        client,
        purpose: 'test',
        topic: topicNames.deadLetters,
        onRecords: async (records) => {
          for (const { value } of records) if (value !== null) all.push(letterCodec.decode(value));
        },
        onFailure: (error) => {
          throw error;
        },
      });
      return { all, [Symbol.asyncDispose]: () => following[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: async () => {
      await producer[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Mixpanel's simulator on a port of its own, and the variables that lead to its first project. */
export type RunningMixpanel = Sink<MixpanelPlatform> & {
  readonly env: Readonly<Record<string, string>>;
} & AsyncDisposable;

export async function openSimulator(options: MixpanelOptions = {}): Promise<RunningMixpanel> {
  const simulator = createMixpanelSimulator(options);
  const baseUrl = await simulator.app.listen({ port: 0, host: '127.0.0.1' });
  const [account] = MIXPANEL_PROJECT.serviceAccounts;
  return {
    ...simulator,
    env: {
      MIXPANEL_BASE_URL: baseUrl,
      MIXPANEL_PROJECT_ID: MIXPANEL_PROJECT.id,
      MIXPANEL_SERVICE_ACCOUNT_USERNAME: account?.username ?? '',
      MIXPANEL_SERVICE_ACCOUNT_SECRET: account?.secret ?? '',
      MIXPANEL_PROJECT_TOKEN: MIXPANEL_PROJECT.token,
    },
    [Symbol.asyncDispose]: () => simulator.app.close(),
  };
}

/** What a report must show of these events, in the order of their ids. */
export function expectedView(events: readonly OutreachEvent[]): readonly object[] {
  const shown = events.map((event) => {
    const mapped = toImportEvent(event);
    if (mapped.kind !== 'send') throw new Error(`${event.event_key} is not to be sent`);
    const { time, distinct_id: distinctId, $insert_id: insertId, ip: _ip, ...properties } = mapped.payload.properties;
    return { event: mapped.payload.event, distinctId, time, insertId, properties };
  });
  return shown.toSorted((a, b) => (a.insertId < b.insertId ? -1 : 1));
}

/** What the project shows, in the order of the ids. */
export function viewOf(events: readonly MixpanelEvent[]): readonly object[] {
  const shown = events.map(({ event, distinctId, time, insertId, properties }) => ({
    event,
    distinctId,
    time,
    insertId,
    properties: JSON.parse(properties) as unknown,
  }));
  return shown.toSorted((a, b) => (a.insertId < b.insertId ? -1 : 1));
}
