import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { connectDatabase, migrate, readJobDestinations } from '@full-sync/database';
import type { Database, JobDestination } from '@full-sync/database';
import { connectKafka, connectSerde, consumeBatches, createProducer } from '@full-sync/kafka';
import type { KafkaClient, Producer, Serde } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { topicNames, writeWishes } from '@full-sync/schemas';
import type { DeadLetter, OutreachEvent } from '@full-sync/schemas';
import { freshDatabase, randomPrefix, randomSuffix, spawnProgram, stackAddresses, waitFor } from '@full-sync/testing';
import type { ChildProgram } from '@full-sync/testing';

const sourceTopicId = '11111111-2222-3333-4444-555555555555';

export type Program = ChildProgram & {
  readonly url: string;
  /** The samples of a metric that have all these labels, added up. */
  readonly metric: (name: string, ...labels: readonly string[]) => Promise<number>;
  readonly isReady: () => Promise<boolean>;
};

/** A database and topics of one test's own, with the jobs job_a and job_b, which have not ended. */
export interface Bench extends AsyncDisposable {
  readonly db: Database;
  readonly client: KafkaClient;
  readonly serde: Serde;
  readonly producer: Producer;
  readonly env: Readonly<Record<string, string>>;
  /** Starts a fixture's main.ts, and waits until it is ready unless told not to. */
  readonly start: (fixture: string, env: Readonly<Record<string, string>>) => Promise<Program>;
  /** Starts a program that is to end by itself, perhaps before anybody sees it ready. */
  readonly launch: (fixture: string, env: Readonly<Record<string, string>>) => Promise<ChildProgram>;
  readonly publish: (
    partition: number,
    sent: readonly OutreachEvent[],
    wishes?: { readonly destinations?: readonly string[]; readonly redrive?: boolean },
  ) => Promise<void>;
  /** Waits until a destination has passed `nextOffset` in a partition. */
  readonly passed: (destination: string, partition: number, nextOffset: number, deadlineMs?: number) => Promise<void>;
  readonly counts: (jobId: string, destination: string) => Promise<Omit<JobDestination, 'jobId' | 'destination'>>;
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
  const env = {
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    DATABASE_URL: database.url,
    KAFKA_TOPIC_PREFIX: prefix,
    LOG_PRETTY: 'false',
  };
  return {
    db,
    client,
    serde,
    producer,
    env,
    start: (fixture, more) => startFixture(fixture, { ...env, ...more }),
    launch: async (fixture, more) => launchFixture(fixture, { ...env, ...more }),
    publish: async (partition, sent, { destinations = ['post'], redrive = false } = {}) => {
      const headers = writeWishes({ destinations, redrive }) ?? {};
      await producer.send(
        topicNames.events,
        sent.map((one) => ({ partition, key: one.lead_email, value: codec.encode(one), headers })),
      );
    },
    passed: async (destination, partition, nextOffset, deadlineMs = 30_000) => {
      const look = async (): Promise<boolean> => (await positionOf(db, destination, partition)) >= nextOffset;
      await waitFor(look, { deadlineMs, what: `${destination} to pass ${nextOffset} of partition ${partition}` });
    },
    counts: async (jobId, destination) => {
      const all = (await readJobDestinations(db.pool, [jobId])).get(jobId) ?? [];
      const found = all.find((one) => one.destination === destination);
      const { sent = 0, skipped = 0, failed = 0, waiting = 0 } = found ?? {};
      return { sent, skipped, failed, waiting };
    },
    [Symbol.asyncDispose]: async () => {
      await producer[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function positionOf(db: Database, destination: string, partition: number): Promise<number> {
  const { rows } = await db.pool.query<{ next_offset: string }>(
    'select next_offset from destination_positions where destination = $1 and partition = $2',
    [destination, partition],
  );
  return Number(rows[0]?.next_offset ?? 0);
}

/** At a port that the system gives it: one chosen here could be taken before it listens. */
function launchFixture(fixture: string, env: Readonly<Record<string, string>>): ChildProgram {
  return spawnProgram({
    name: fixture,
    args: [join(import.meta.dirname, 'fixtures', fixture, 'main.ts')],
    cwd: import.meta.dirname,
    env: { ...env, [`${fixture.toUpperCase()}_METRICS_PORT`]: '0' },
  });
}

async function startFixture(fixture: string, env: Readonly<Record<string, string>>): Promise<Program> {
  const program = launchFixture(fixture, env);
  const served = (): string => /"metrics":"(http:[^"]+)\/metrics"/.exec(program.output())?.[1] ?? '';
  const isReady = async (): Promise<boolean> => {
    if (served() === '') return false;
    const answer = await fetch(`${served()}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok;
  };
  const look = async (): Promise<boolean> => program.hasExited() || (await isReady());
  await waitFor(look, { deadlineMs: 60_000, what: `${fixture} to be ready`, intervalMs: 50 }).catch(
    (error: unknown) => {
      throw new Error(`${fixture} was not ready; it printed:\n${program.output()}`, { cause: error });
    },
  );
  if (program.hasExited()) throw new Error(`${fixture} ended before it was ready:\n${program.output()}`);
  const url = served();
  const metric: Program['metric'] = async (name, ...labels) => {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
    const lines = (await answer.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
    const wanted = lines.filter((line) => labels.every((label) => line.includes(label)));
    return wanted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  };
  return { ...program, url, metric, isReady };
}

export interface ReceivedBatch {
  readonly target: string;
  readonly batch: readonly { readonly id: string; readonly type: string; readonly mapped: string }[];
}

/** What a receiver does with a batch: the status, and the ids it refuses; `hold` = never answers. */
export type Answer =
  { readonly status: number; readonly refused?: readonly string[]; readonly retryAfterS?: number } | 'hold';

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** All batches that arrived, in order, also those that were not accepted. */
  readonly batches: readonly ReceivedBatch[];
  /** Ids by how often they were in an accepted batch. */
  readonly accepted: ReadonlyMap<string, number>;
  answer: (batch: ReceivedBatch) => Answer | Promise<Answer>;
}

/** What the fixture `post` posts to. */
export async function openReceiver(): Promise<Receiver> {
  const batches: ReceivedBatch[] = [];
  const accepted = new Map<string, number>();
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const batch = JSON.parse(Buffer.concat(chunks).toString()) as ReceivedBatch;
    batches.push(batch);
    const answer = await receiver.answer(batch);
    if (answer === 'hold') return;
    const { status, refused = [], retryAfterS } = answer;
    if (status === 200) {
      for (const { id } of batch.batch) if (!refused.includes(id)) accepted.set(id, (accepted.get(id) ?? 0) + 1);
    }
    if (retryAfterS !== undefined) response.setHeader('retry-after', String(retryAfterS));
    response.writeHead(status).end(JSON.stringify({ refused }));
  };
  const server = createServer((request, response) => {
    // Whoever posts is killed in the middle of it: a connection that breaks off is no news.
    receive(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    batches,
    accepted,
    answer: () => ({ status: 200 }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** The n-th event of a made-up source: record n gives one event, at source offset n. */
export function event(n: number, over: Partial<OutreachEvent> = {}): OutreachEvent {
  return {
    event_key: `smartlead_7_emailsent_s${n}_${idOf(n)}`,
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
    occurred_at_approximate: false,
    properties: JSON.stringify({ stats_id: `s${n}` }),
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

export function idOf(n: number): string {
  return createHash('sha256').update(`fact ${n}`).digest('hex').slice(0, 32);
}

export function events(from: number, count: number, over: (n: number) => Partial<OutreachEvent> = () => ({})) {
  return Array.from({ length: count }, (_, index) => event(from + index, over(from + index)));
}

/** All dead letters in the topic, in order. */
export async function readLetters(bench: Bench): Promise<readonly DeadLetter[]> {
  const { client, serde } = bench;
  const end = (await client.offsets.end(topicNames.deadLetters)).get(0) ?? 0;
  const codec = serde.codec(topicNames.deadLetters);
  const letters: DeadLetter[] = [];
  if (end === 0) return letters;
  const failure = Promise.withResolvers<never>();
  await using consumer = await consumeBatches({
    client,
    group: `reader-${randomSuffix()}`,
    topics: [topicNames.deadLetters],
    concurrency: 1,
    maxBytesPerPartition: 4_194_304,
    gapPolicy: 'halt',
    onBatch: async ({ records, lastOffset }) => {
      await codec.prepare(records.map(({ value }) => value));
      letters.push(...records.map(({ value }) => codec.decode(value)));
      return lastOffset + 1;
    },
    onFailure: failure.reject,
  });
  void consumer;
  await Promise.race([
    failure.promise,
    waitFor(() => letters.length >= end, { deadlineMs: 60_000, what: 'all dead letters to be read' }),
  ]);
  return letters;
}
