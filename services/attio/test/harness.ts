import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connectDatabase, migrate, readJobDestinations } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { connectKafka, connectSerde, createProducer, followTopic } from '@full-sync/kafka';
import { createSender } from '@full-sync/http-client';
import { createLogger, systemClock } from '@full-sync/runtime';
import { topicNames, writeWishes } from '@full-sync/schemas';
import type { DeadLetter, OutreachEvent } from '@full-sync/schemas';
import { createAttioSimulator } from '@full-sync/simulators';
import type { AttioOptions, AttioPlatform } from '@full-sync/simulators';
import { freshDatabase, randomPrefix, spawnService, stackAddresses, waitFor } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';
import { createAttio } from '../src/attio.ts';
import { attributeSlugs, valuesOf } from '../src/domain/attributes.ts';
import { emptyState, foldEvents } from '../src/domain/person-state.ts';
import { setUpWorkspace } from '../src/set-up-workspace.ts';

/** A database and topics of one test's own, with the open jobs job_a and job_b. */
export interface Bench extends AsyncDisposable {
  readonly db: Database;
  readonly env: Readonly<Record<string, string>>;
  /** Starts the service, and waits until it is ready, unless it is expected to be halted. */
  readonly start: (env: Readonly<Record<string, string>>, expected?: 'halted') => Promise<ServiceProcess>;
  readonly publish: (
    partition: number,
    sent: readonly OutreachEvent[],
    wishes?: { readonly destinations?: readonly string[]; readonly redrive?: boolean },
  ) => Promise<void>;
  readonly counts: (
    jobId: string,
  ) => Promise<{ readonly sent: number; readonly skipped: number; readonly failed: number; readonly waiting: number }>;
  /** Waits until all that was published is folded. */
  readonly folded: (deadlineMs: number) => Promise<void>;
  /** Waits until nobody is to be written any more and all that was published is folded. */
  readonly quiet: (deadlineMs?: number) => Promise<void>;
  /** Stores events as the loader does. */
  readonly store: (stored: readonly OutreachEvent[]) => Promise<void>;
  /** Follows the dead letters of the topic. */
  readonly letters: () => Promise<{ readonly all: readonly DeadLetter[] } & AsyncDisposable>;
  readonly decodeEvent: (value: Buffer) => Promise<OutreachEvent>;
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
  await db.pool.query(`insert into namespaces (namespace) values ('test'), ('other');
    insert into jobs (job_id, status, sync_mode, config, parallel_workers, window_end)
    values ('job_a', 'in_progress', 'full_historical', '{}', 4, now()), ('job_b', 'in_progress', 'full_historical', '{}', 4, now());
    create table event_source_1 (like event_source including all) partition by list (platform);
    create table event_source_1_smartlead (like event_source including all, primary key (event_id));
    alter table event_source_1 attach partition event_source_1_smartlead for values in ('smartlead');
    alter table event_source attach partition event_source_1 for values in ('test')`);
  const config = { KAFKA_BROKERS: kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const client = await connectKafka({ config, clientId: 'test', logger });
  await client.ensureTopics();
  const serde = await connectSerde({ config: { SCHEMA_REGISTRY_URL: schemaRegistryUrl }, named: client.named });
  const producer = await createProducer(client);
  const codec = serde.codec(topicNames.events);
  const env = {
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    DATABASE_URL: database.url,
    KAFKA_TOPIC_PREFIX: prefix,
    ATTIO_API_KEY: 'key-of-a-workspace',
  };
  const published = new Map<number, number>();
  const isFolded = async (): Promise<boolean> => {
    const { rows } = await db.pool.query<{ partition: number; next_offset: string }>(
      `select partition, next_offset from destination_positions where destination = 'attio'`,
    );
    const at = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
    return [...published].every(([partition, next]) => (at.get(partition) ?? 0) >= next);
  };
  return {
    db,
    env,
    start: async (more, expectation) => {
      const service = await spawnService({ name: 'attio', env: { ...env, ...more } });
      if (expectation === undefined) await service.ready(60_000);
      return service;
    },
    publish: async (partition, sent, { destinations = ['attio'], redrive = false } = {}) => {
      const headers = writeWishes({ destinations, redrive }) ?? {};
      await producer.send(
        topicNames.events,
        sent.map((one) => ({ partition, key: one.lead_email, value: codec.encode(one), headers })),
      );
      published.set(partition, (published.get(partition) ?? 0) + sent.length);
    },
    counts: async (jobId) => {
      const all = (await readJobDestinations(db.pool, [jobId])).get(jobId) ?? [];
      const { sent = 0, skipped = 0, failed = 0, waiting = 0 } = all.find((one) => one.destination === 'attio') ?? {};
      return { sent, skipped, failed, waiting };
    },
    folded: async (deadlineMs) => {
      await waitFor(isFolded, { deadlineMs, what: 'all events to be folded', intervalMs: 50 });
    },
    quiet: async (deadlineMs = 60_000) => {
      const look = async (): Promise<boolean> => {
        if (!(await isFolded())) return false;
        const { rows } = await db.pool.query<{ due: number }>(
          `select ((select count(*) from attio_people where due_at is not null or lease_until is not null)
             + (select count(*) from attio_activities))::int as due`,
        );
        return rows[0]?.due === 0;
      };
      await waitFor(look, { deadlineMs, what: 'everybody to be written', intervalMs: 100 });
    },
    store: async (stored) => {
      const { rows } = await db.pool.query<{ columns: string }>(
        `select string_agg(column_name, ', ') as columns from information_schema.columns
         where table_name = 'event_source' and column_name not in ('event_id', 'occurred_at', 'fingerprint', 'created_at')`,
      );
      const columns = rows[0]?.columns ?? '';
      await db.pool.query(
        `insert into event_source (event_id, occurred_at, fingerprint, ${columns})
         select right(event_key, 32)::uuid, to_timestamp(at / 1000.0), decode(print, 'hex'), ${columns}
         from jsonb_to_recordset($1) as e (at bigint, print text, event_key text, namespace text, platform text, event_type text,
           source_type text, campaign_id text, campaign_name text, source_id text, lead_email text, lead_id text,
           occurred_at_approximate boolean, properties jsonb, job_id text)`,
        [
          JSON.stringify(
            stored.map((one) => ({
              ...one,
              at: one.occurred_at,
              print: one.fingerprint.toString('hex'),
              properties: JSON.parse(one.properties) as unknown,
            })),
          ),
        ],
      );
    },
    letters: async () => {
      const all: DeadLetter[] = [];
      const letterCodec = serde.codec(topicNames.deadLetters);
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
    decodeEvent: async (value) => codec.decode(value),
    [Symbol.asyncDispose]: async () => {
      await producer[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const types = ['email_sent', 'email_opened', 'email_clicked', 'email_replied', 'linkedin_sent'];

/** The n-th event of a made-up source: one of 50 people, one record at source offset n. */
export function event(n: number, over: Partial<OutreachEvent> = {}): OutreachEvent {
  const hash = createHash('sha256').update(`fact ${n}`).digest('hex').slice(0, 32);
  return {
    event_key: `smartlead_7_emailsent_s${n}_${hash}`,
    namespace: 'test',
    platform: 'smartlead',
    event_type: types[n % types.length] ?? 'email_sent',
    source_type: 'sent',
    campaign_id: String(n % 3),
    campaign_name: `Wave ${n % 3}`,
    source_id: `s${n}`,
    lead_email: `lead${n % 50}@example.com`,
    lead_id: null,
    occurred_at: 1_772_000_000_123 + n * 1000,
    occurred_at_approximate: false,
    properties: JSON.stringify({ stats_id: `s${n}` }),
    fingerprint: createHash('sha256').update(`fingerprint ${n}`).digest().subarray(0, 8),
    job_id: 'job_a',
    source_topic_id: '11111111-2222-3333-4444-555555555555',
    source_offset: n,
    source_index: 0,
    source_count: 1,
    fetched_at: 1_780_000_000_000,
    ...over,
  };
}

export function events(
  first: number,
  count: number,
  over: (n: number) => Partial<OutreachEvent> = () => ({}),
): readonly OutreachEvent[] {
  return Array.from({ length: count }, (_, i) => event(first + i, over(first + i)));
}

/** What each person must hold, from the events themselves and one at a time. */
export function expected(all: readonly OutreachEvent[]): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  const people = Map.groupBy(
    all.filter(({ lead_email: email }) => email !== null),
    ({ lead_email: email }) => email ?? '',
  );
  return new Map(
    [...people].map(([email, some]) => {
      const facts = some.map((one) => ({
        eventType: one.event_type,
        occurredAt: one.occurred_at,
        campaignId: one.campaign_id,
        campaignName: one.campaign_name,
      }));
      return [email, valuesOf(foldEvents(emptyState, facts), attributeSlugs)] as const;
    }),
  );
}

/** The most instants in any span of `spanMs`. */
export function busiest(instants: readonly number[], spanMs: number): number {
  const inOrder = instants.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  inOrder.forEach((at, last) => {
    while (at - (inOrder[first] ?? 0) >= spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

/** What the simulator must hold: it shows times in nanoseconds, and people under their address. */
export function heldBySimulator(all: readonly OutreachEvent[]): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  return new Map(
    [...expected(all)].map(([email, values]) => {
      const shown = Object.entries(values).map(([slug, value]) => [
        slug,
        slug.endsWith('_at') ? String(value).replace('Z', '000000Z') : value,
      ]);
      return [email, Object.fromEntries(shown) as Readonly<Record<string, unknown>>] as const;
    }),
  );
}

/** What the simulator holds of our attributes. */
export function outreachOf(
  people: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  return new Map(
    [...people].map(([email, values]) => [
      email,
      Object.fromEntries(Object.entries(values).filter(([slug]) => attributeSlugs.has(slug))),
    ]),
  );
}

/** Attio's simulator on a port of its own, with our attributes unless told not to. */
export async function openSimulator(
  options: AttioOptions = {},
): Promise<AttioPlatform & AsyncDisposable & { readonly url: string; readonly env: Readonly<Record<string, string>> }> {
  const simulator = createAttioSimulator(options);
  const { app, ...platform } = simulator;
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/v2`;
  const key = platform.workspaces[0]?.tokens[0]?.token ?? '';
  {
    await using sender = createSender({ baseUrl: url, timeoutMs: 5000, maxConnections: 1, circuit: 'none' });
    const end = await setUpWorkspace(createAttio(sender, key), {
      clock: systemClock,
      create: true,
      activities: options.activities ?? false,
    });
    assert.equal(end.kind, 'done');
  }
  return {
    ...platform,
    install: async () => undefined,
    url,
    env: { ATTIO_BASE_URL: url, ATTIO_API_KEY: key },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** By address, so that two are alike whatever the order in which they were made. */
export function sorted<T>(people: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...people].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
