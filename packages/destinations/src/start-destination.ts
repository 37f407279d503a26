import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { connectDatabase, migrate, noteDestination } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { connectKafka, connectSerde, consumeBatches, createProducer } from '@full-sync/kafka';
import type { Codec, KafkaClient, Producer, Serde } from '@full-sync/kafka';
import { systemClock } from '@full-sync/runtime';
import type { Clock, DatabaseSettings, KafkaSettings, RegistrySettings, ServiceScope } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { createDeliver } from './deliver-work.ts';
import type { Destination } from './destination.ts';
import { createJobReaches } from './job-reaches.ts';
import { createDestinationMetrics, createFoldInstruments } from './metrics.ts';
import type { DestinationMetrics } from './metrics.ts';
import { readBatch } from './read-partition.ts';
import { createTargetStates } from './target-states.ts';
import type { TargetStates } from './target-states.ts';
import { workBackfills } from './work-backfills.ts';
import { workParked } from './work-parked.ts';
import type { Settle } from './work.ts';

export type DestinationSettings = KafkaSettings & RegistrySettings & DatabaseSettings;

/** What a destination's service is built of, for those that settle their work in their own way. */
export interface DestinationParts {
  readonly scope: ServiceScope;
  readonly db: Database;
  readonly client: KafkaClient;
  readonly serde: Serde;
  readonly producer: Producer;
  readonly letterCodec: Codec<'outreach.dead-letters'>;
  readonly metrics: DestinationMetrics;
  readonly states: TargetStates;
  readonly clock: Clock;
  /** Names this process where it claims something. */
  readonly owner: string;
  /** To be called whenever a loop turns that may take longer than 30 s. */
  readonly beat: () => void;
  /** Aborted when what is under way has to be let go, some time after the drain began. */
  readonly cutOff: AbortSignal;
}

/** Partitions in work at once: while one waits for the destination, others claim and settle. */
const concurrency = 4;
/** Beside those, what was set aside, backfills, renewals of claims, and one that ends a frozen holder of a position. */
const fewestConnections = 2 * concurrency + 4;
/** What is under way when the drain begins may take this long; its deadline is 25 s. */
const cutOffMs = 15_000;

/**
 * Runs a destination that is sent each event once, as a consumer group of its own on `outreach.events`; for the `start`
 * of `runService`. Whatever a destination needs beside its interface is in its own folder.
 *
 * @throws EnvironmentError when broker, registry or database do not answer.
 */
export async function startDestination<Payload>(
  scope: ServiceScope,
  config: DestinationSettings,
  destination: Destination<Payload>,
): Promise<void> {
  const { name, takes } = destination;
  const hasTarget = (namespace: string): boolean => destination.target(namespace) !== null;
  // Shown as 0: nothing is folded here.
  createFoldInstruments(scope.metrics, name);
  const consumer = { name, hasTarget, takes: takes ?? 'asked', severalTargets: destination.severalTargets ?? false };
  await startConsumer(scope, config, consumer, (parts) => {
    const { states } = parts;
    const onTaken = (namespace: string): void => {
      const target = destination.target(namespace);
      if (target !== null) states.works(target.id);
    };
    return { settle: createDeliver({ ...parts, destination, random: Math.random }), onTaken };
  });
}

/** A consumer of events for a destination. */
export interface DestinationConsumer {
  readonly name: string;
  readonly takes?: 'asked' | 'all';
  /** Whether a namespace has credentials; orders to backfill one that has none fail and say so. */
  readonly hasTarget?: (namespace: string) => boolean;
  /** Whether namespaces go to different targets, as of `Destination`. */
  readonly severalTargets?: boolean;
}

/** How a destination settles its work. */
export interface Settling {
  readonly settle: Settle;
  /** Told when the target of a namespace that was set aside takes events again, whichever copy has delivered them. */
  readonly onTaken?: (namespace: string) => void;
}

/** Like `startDestination`, for a destination that settles its work by itself, as one that folds events into totals. */
export async function startConsumer(
  scope: ServiceScope,
  config: DestinationSettings,
  consumer: DestinationConsumer,
  createSettling: (parts: DestinationParts) => Settling | Promise<Settling>,
): Promise<void> {
  const { logger, health } = scope;
  const { name, takes = 'asked', hasTarget = () => true, severalTargets: parks = false } = consumer;
  const applicationName = `full-sync-${name}`;
  const poolMax = Math.max(fewestConnections, config.DATABASE_POOL_MAX);
  const db = scope.use(await connectDatabase({ config, applicationName, poolMax, metrics: scope.metrics }), 'database');
  await migrate(db);
  await noteDestination(db.pool, name);
  const client = scope.use(
    await connectKafka({ config, clientId: applicationName, logger, metrics: scope.metrics }),
    'kafka',
  );
  await client.ensureTopics();
  const serde = await connectSerde({ config, named: client.named });
  const producer = scope.use(await createProducer(client), 'producer');
  const metrics = createDestinationMetrics(scope.metrics, name);
  const states = scope.use(
    createTargetStates({ destination: name, health, logger, metrics, draining: scope.signal }),
    'circuits',
  );
  const owner = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const codec = serde.codec(topicNames.events);
  const { settle, onTaken = () => undefined } = await createSettling({
    scope,
    db,
    client,
    serde,
    producer,
    letterCodec: serde.codec(topicNames.deadLetters),
    metrics,
    states,
    clock: systemClock,
    owner,
    beat: () => health.beat('consumer'),
    cutOff: after(scope.signal, cutOffMs),
  });
  const refused = new Set<string>();
  const reader = {
    destination: name,
    takes,
    parks,
    refused,
    db,
    client,
    codec,
    readReaches: createJobReaches(db),
    settle,
    metrics,
    logger,
    draining: scope.signal,
  };
  const backfilling = {
    destination: name,
    db,
    codec,
    settle,
    hasTarget,
    pausedBy: states.pausedBy,
    owner,
    clock: systemClock,
    logger,
    beat: () => health.beat('backfills'),
  };
  scope.loop('backfills', (signal) => workBackfills(backfilling, signal));
  const parking = {
    destination: name,
    db,
    codec,
    settle,
    owner,
    clock: systemClock,
    metrics,
    beat: () => health.beat('parked'),
    fail: (error: unknown) => scope.fail(error),
    refused,
    onTaken,
  };
  scope.loop('parked', (signal) => workParked(parking, signal));
  const reading = await consumeBatches({
    client,
    group: name,
    topics: [topicNames.events],
    concurrency,
    maxBytesPerPartition: 4_194_304,
    maxBytes: 16_777_216,
    gapPolicy: 'handler',
    onBatch: (batch) => readBatch(reader, batch),
    onBeat: () => health.beat('consumer'),
    onFailure: (error) => scope.fail(error),
  });
  scope.use(reading, 'consumer');
}

/** A signal that is aborted `ms` after `signal` was. */
function after(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  signal.addEventListener('abort', () => {
    setTimeout(() => {
      controller.abort();
    }, ms).unref();
  });
  return controller.signal;
}
