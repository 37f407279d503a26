import type { Consumer, EachBatchPayload } from 'kafkajs';
import { FullSyncError } from '@full-sync/runtime';
import type { TopicName } from '@full-sync/schemas';
import { namingBrokerGone } from './broker-gone.ts';
import type { KafkaClient } from './client.ts';
import { messageOf } from './client.ts';
import { createCommitter } from './committer.ts';
import type { Committer } from './committer.ts';
import { toBatch } from './consumed-batch.ts';
import { createConsumerDisplay } from './consumer-display.ts';
import type { ConsumedBatch } from './consumed-batch.ts';
import { OffsetGapError, TopicChangedError, createExpectations } from './expectations.ts';
import type { GapPolicy } from './expectations.ts';

export interface ConsumeOptions {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topics: readonly TopicName[];
  /** Batches of different partitions in work at once. */
  readonly concurrency: number;
  readonly maxBytesPerPartition: number;
  readonly maxBytes?: number;
  /** How long the broker waits for `minBytes` before it answers with less, ms. */
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  /** `halt`: a gap below a batch is loss and ends the process. `handler`: the handler keeps its own positions. */
  readonly gapPolicy: GapPolicy;
  /**
   * Settles one batch of one partition and returns the next offset to read: usually `lastOffset + 1`; any other offset
   * is sought. It is committed only after this resolves (I1); an error ends the process with nothing committed.
   */
  readonly onBatch: (batch: ConsumedBatch) => Promise<number>;
  /** Called after each rebalance with the ids that the topics have now. */
  readonly onAssigned?: (topicIds: ReadonlyMap<string, string>) => void;
  /** Called when the loop turned: a fetch was answered or a batch was settled. */
  readonly onBeat?: () => void;
  /** Called once when consuming cannot go on. */
  readonly onFailure: (error: Error) => void;
}

export interface BatchConsumer {
  /** Stops fetching, waits for the batches in work, commits them and leaves the group. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/*
 * A killed sole consumer is replaced after about 9 s with these (28 s with a 30 s session): kafkajs has no static
 * membership, so the broker waits for the session of the dead one.
 */
const sessionTimeoutMs = 10_000;
const heartbeatIntervalMs = 2_000;
const rebalanceTimeoutMs = 20_000;

/**
 * Joins a group and hands batches to `onBatch`; the sole owner of the group's offsets. A partition's batches come in
 * order and one at a time.
 */
export async function consumeBatches(options: ConsumeOptions): Promise<BatchConsumer> {
  const { client, group, topics } = options;
  const consumer = client.kafka.consumer({
    groupId: client.named(group),
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs,
    rebalanceTimeout: rebalanceTimeoutMs,
    maxBytesPerPartition: options.maxBytesPerPartition,
    maxBytes: options.maxBytes ?? 16_777_216,
    minBytes: options.minBytes ?? 1,
    maxWaitTimeInMs: options.maxWaitMs ?? 250,
    // For a coordinator that is still loading and the like. A handler's error is never retried: `failed` is set first.
    retry: {
      initialRetryTime: 200,
      maxRetryTime: 2_000,
      multiplier: 2,
      factor: 0.2,
      retries: 5,
      restartOnFailure: async () => false,
    },
  });
  let failed = false;
  const fail = (error: Error): void => {
    if (failed) return;
    failed = true;
    options.onFailure(namingBrokerGone(error));
  };
  const declared = new Map(topics.map((topic) => [client.named(topic), topic]));
  const expectations = createExpectations({ client, group, topics, policy: options.gapPolicy });
  const committer = createCommitter();
  const display = createConsumerDisplay(client, consumer, topics);
  watch(consumer, { expectations, fail, onBeat: options.onBeat, onAssigned: options.onAssigned });

  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const topic = declared.get(payload.batch.topic);
    if (topic === undefined) throw new Error(`a batch of ${payload.batch.topic}, which is not subscribed to`);
    if (failed || !payload.isRunning() || payload.isStale()) return;
    try {
      const settling = { payload, topic, consumer, options, expectations, committer };
      await display.during(payload, topic, () => settleBatch(settling));
    } catch (error) {
      // What kafkajs raised itself (a rebalance) it also knows how to go on from.
      if (!isKafkaJsError(error)) fail(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  };
  try {
    await expectations.start();
    await consumer.connect();
    await consumer.subscribe({ topics: [...declared.keys()], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency,
      eachBatch,
    });
  } catch (error) {
    throw error instanceof Error ? namingBrokerGone(error) : error;
  }
  return {
    [Symbol.asyncDispose]: async () => {
      await consumer.stop();
      await consumer.disconnect();
      display.left();
    },
  };
}

async function settleBatch(work: {
  readonly payload: EachBatchPayload;
  readonly topic: TopicName;
  readonly consumer: Consumer;
  readonly options: ConsumeOptions;
  readonly expectations: ReturnType<typeof createExpectations>;
  readonly committer: Committer;
}): Promise<void> {
  const { payload, topic, consumer, options, expectations } = work;
  const { partition } = payload.batch;
  const topicId = await expectations.check(topic, partition, {
    offset: Number(payload.batch.firstOffset()),
    timestamp: Number(payload.batch.messages[0]?.timestamp),
  });
  const beat = heartbeatBeside(payload);
  let nextOffset: number;
  try {
    nextOffset = await options.onBatch(toBatch({ payload, topic, topicId, lost: beat.lost }));
  } finally {
    beat.stop();
  }
  const afterBatch = Number(payload.batch.lastOffset()) + 1;
  if (nextOffset === afterBatch) {
    payload.resolveOffset(String(nextOffset - 1));
  } else {
    consumer.seek({ topic: payload.batch.topic, partition, offset: String(nextOffset) });
  }
  expectations.settle(topic, partition, nextOffset);
  await work.committer.commit(payload, nextOffset);
  options.onBeat?.();
  const lost = beat.lost();
  if (lost) throw lost;
}

/** Keeps the membership alive beside long work; kafkajs itself heartbeats only between batches. */
function heartbeatBeside(payload: EachBatchPayload): { stop: () => void; lost: () => Error | undefined } {
  let lost: Error | undefined;
  const timer = setInterval(() => {
    payload.heartbeat().catch((error: unknown) => {
      lost ??= error instanceof Error ? error : new Error(messageOf(error));
    });
  }, heartbeatIntervalMs);
  return {
    stop: () => {
      clearInterval(timer);
    },
    lost: () => lost,
  };
}

function watch(
  consumer: Consumer,
  hooks: {
    readonly expectations: ReturnType<typeof createExpectations>;
    readonly fail: (error: Error) => void;
    readonly onBeat: (() => void) | undefined;
    readonly onAssigned: ((topicIds: ReadonlyMap<string, string>) => void) | undefined;
  },
): void {
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    hooks.fail(payload.error);
  });
  consumer.on(consumer.events.FETCH, () => {
    hooks.onBeat?.();
  });
  consumer.on(consumer.events.GROUP_JOIN, () => {
    hooks.expectations.forget().then(hooks.onAssigned, hooks.fail);
  });
}

function isKafkaJsError(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.name.startsWith('KafkaJS') &&
    !(error instanceof FullSyncError) &&
    !(error instanceof OffsetGapError) &&
    !(error instanceof TopicChangedError)
  );
}
