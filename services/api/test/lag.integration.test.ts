import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { connectKafka, consumeBatches } from '@full-sync/kafka';
import type { BatchConsumer, KafkaClient } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import {
  createKafkaProxy,
  freshDatabase,
  parseMetrics,
  randomPrefix,
  spawnService,
  stackAddresses,
  waitFor,
} from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';

/*
 * Lag in seconds against the truth: the age of the oldest record that a group has not committed, by the times with which
 * the records were published here and the offsets that the broker holds for the group.
 */

const raw = topicNames.smartleadRaw;
const partitions = [0, 1, 2, 3] as const;
/** What it may be off, seconds. */
const tolerance = 2;

/** When each record was published, ms since 1970, by topic and partition; a record's place is its offset. */
const published = new Map<string, number[]>();

const cleanUp = new AsyncDisposableStack();
const prefix = randomPrefix();
let client: KafkaClient;
let env: Readonly<Record<string, string>>;
let api: ServiceProcess;

before(async () => {
  const database = cleanUp.use(await freshDatabase());
  env = { DATABASE_URL: database.url, KAFKA_TOPIC_PREFIX: prefix };
  const config = { KAFKA_BROKERS: stackAddresses().kafkaBrokers, KAFKA_TOPIC_PREFIX: prefix, KAFKA_SSL: false };
  const logger = createLogger({ service: 'test', level: 'silent' });
  client = cleanUp.use(await connectKafka({ config, clientId: 'lag-test', logger }));
  await client.ensureTopics();
  cleanUp.defer(async () => {
    const names = await client.admin.listTopics();
    await client.admin.deleteTopics({ topics: names.filter((name) => name.startsWith(prefix)) });
  });
  await startApi();
  cleanUp.defer(async () => await api[Symbol.asyncDispose]());
});

after(async () => await cleanUp.disposeAsync());

async function startApi(more: Readonly<Record<string, string>> = {}): Promise<void> {
  api = await spawnService({ name: 'api', env: { ...env, ...more } });
  await api.ready(60_000);
}

/** Publishes records with the times given, each a batch of its own, as from a producer that sends what comes. */
async function publish(topic: string, partition: number, times: readonly number[]): Promise<void> {
  const producer = client.kafka.producer();
  await producer.connect();
  const log = published.get(`${topic}/${partition}`) ?? [];
  published.set(`${topic}/${partition}`, log);
  for (const time of times) {
    await producer.send({
      topic: client.named(topic),
      acks: -1,
      messages: [{ partition, value: 'a record', timestamp: String(time) }],
    });
    log.push(time);
  }
  await producer.disconnect();
}

/** The lag that is shown of a group in a topic, seconds by partition. */
async function shown(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
  const families = parseMetrics(await (await fetch(`${api.url}/metrics`)).text());
  const samples = families.find(({ name }) => name === 'full_sync_lag_seconds')?.samples ?? [];
  const ofGroup = samples.filter(({ labels }) => labels['group'] === group && labels['topic'] === topic);
  return new Map(ofGroup.map(({ labels, value }) => [Number(labels['partition']), value]));
}

/** The true age, in seconds at `nowMs`, of the first record at or above a position; 0 when there is none. */
function trueAge(topic: string, partition: number, position: number, nowMs: number): number {
  const first = (published.get(`${topic}/${partition}`) ?? [])[position];
  return first === undefined ? 0 : Math.max(0, nowMs - first) / 1_000;
}

interface Comparison {
  readonly worst: number;
  /** Comparisons in which something waited. */
  readonly waiting: number;
  readonly oldest: number;
}

/** Compares what is shown with the truth, again and again for a while; the group may move on between two questions. */
async function compare(group: string, topic: string, forMs: number): Promise<Comparison> {
  const endsAt = Date.now() + forMs;
  let worst = 0;
  let waiting = 0;
  let oldest = 0;
  while (Date.now() < endsAt) {
    const earlier = await client.offsets.group(group, topic);
    const askedAtMs = Date.now();
    const lags = await shown(group, topic);
    const answeredAtMs = Date.now();
    const later = await client.offsets.group(group, topic);
    for (const partition of partitions) {
      const lag = lags.get(partition);
      assert.ok(lag !== undefined, `nothing is shown of ${group} in partition ${partition}`);
      const atLeast = trueAge(topic, partition, later.get(partition) ?? 0, askedAtMs);
      const atMost = trueAge(topic, partition, earlier.get(partition) ?? 0, answeredAtMs);
      worst = Math.max(worst, atLeast - lag, lag - atMost);
      if (atLeast > 0) waiting += 1;
      oldest = Math.max(oldest, atMost);
    }
    await delay(200);
  }
  return { worst, waiting, oldest };
}

/** A keyer that settles a batch of a partition in a time of its own: none, 0.4 s, 1.2 s, 4 s. */
async function startKeyer(): Promise<BatchConsumer> {
  const takesMs = [0, 400, 1_200, 4_000];
  return await consumeBatches({
    client,
    group: 'keyer',
    topics: [raw],
    concurrency: 4,
    maxBytesPerPartition: 1_024,
    gapPolicy: 'handler',
    onBatch: async (batch) => {
      await delay(takesMs[batch.partition] ?? 0);
      return batch.lastOffset + 1;
    },
    onFailure: (error) => {
      throw error;
    },
  });
}

test('lag in seconds is the age of the oldest uncommitted record, within 2 s, while consumers run and after they died', async (t) => {
  const keyer = await startKeyer();
  const stop = new AbortController();
  const publishing = Promise.all(
    partitions.map(async (partition) => {
      while (!stop.signal.aborted) {
        await publish(raw, partition, [Date.now()]);
        await delay(150);
      }
    }),
  );
  await waitFor(async () => (await client.offsets.group('keyer', raw)).size === 4, { what: 'all partitions to move' });
  const live = await compare('keyer', raw, 12_000);
  stop.abort();
  await publishing;
  await keyer[Symbol.asyncDispose]();
  // What arrives from now on waits for good.
  for (const partition of partitions) await publish(raw, partition, [Date.now()]);
  const dead = await compare('keyer', raw, 6_000);
  t.diagnostic(
    `running: off by ${live.worst.toFixed(2)} s at most in ${live.waiting} comparisons, ages to ${live.oldest.toFixed(1)} s`,
  );
  t.diagnostic(
    `dead: off by ${dead.worst.toFixed(2)} s at most in ${dead.waiting} comparisons, ages to ${dead.oldest.toFixed(1)} s`,
  );
  assert.ok(live.waiting > 20 && live.oldest > 3 && dead.waiting > 20 && dead.oldest > 5);
  assert.ok(live.worst <= tolerance, `running: off by ${live.worst} s`);
  assert.ok(dead.worst <= tolerance, `dead: off by ${dead.worst} s`);
});

test('records that are older than the api, and a group that was never there, have their true age', async (t) => {
  await api.kill('SIGKILL');
  const hourAgo = Date.now() - 3_600_000;
  for (const partition of partitions)
    await publish(topicNames.events, partition, [hourAgo + partition * 60_000, Date.now()]);
  await startApi();
  const keyer = await compare('keyer', raw, 2_000);
  const loader = await compare('loader', topicNames.events, 2_000);
  t.diagnostic(
    `off by ${keyer.worst.toFixed(2)} s and ${loader.worst.toFixed(2)} s at most; the oldest is ${loader.oldest.toFixed(0)} s old`,
  );
  assert.ok(keyer.worst <= tolerance && loader.worst <= tolerance);
  assert.ok(loader.oldest > 3_599);
});

test('positions that stand still are read once', async () => {
  const reads = await api.metric('full_sync_lag_log_reads_total');
  assert.ok(reads > 0);
  for (let scrapes = 0; scrapes < 5; scrapes += 1) {
    await shown('keyer', raw);
    await delay(300);
  }
  assert.equal(await api.metric('full_sync_lag_log_reads_total'), reads);
});

test('other readers of the events are shown as soon as they have committed', async () => {
  await client.admin.setOffsets({
    groupId: client.named('analytics'),
    topic: client.named(topicNames.events),
    partitions: [{ partition: 2, offset: '1' }],
  });
  await api.kill('SIGKILL');
  await startApi();
  const lags = await shown('analytics', topicNames.events);
  // What it has not committed in, nobody can tell whether it will read.
  assert.deepEqual([...lags.keys()], [2]);
  const truth = trueAge(topicNames.events, 2, 1, Date.now());
  assert.ok(Math.abs((lags.get(2) ?? 0) - truth) <= tolerance);
});

test('a broker that does not answer leaves the figures as they were, and they say how old they are', async () => {
  await using proxy = await createKafkaProxy(stackAddresses().kafkaBrokers);
  await api.kill('SIGKILL');
  await startApi({ KAFKA_BROKERS: proxy.brokers });
  const measuredAt = async (): Promise<number> => await api.metric('full_sync_lag_measured_timestamp_seconds');
  await waitFor(async () => (await measuredAt()) > 0, { what: 'the first look' });
  proxy.pause();
  // One look may have been under way.
  await delay(1_200);
  const last = await measuredAt();
  // Answered while the broker is not.
  const lags = await shown('keyer', raw);
  assert.equal(lags.size, 12);
  assert.equal(await measuredAt(), last);
  proxy.resume();
  await waitFor(async () => (await measuredAt()) > last, { what: 'the next look' });
});
