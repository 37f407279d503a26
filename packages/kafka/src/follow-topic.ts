import { randomUUID } from 'node:crypto';
import type { TopicName } from '@full-sync/schemas';
import type { KafkaClient } from './client.ts';
import { messageOf } from './client.ts';

export interface FollowedRecord {
  readonly key: string | null;
  /** `null` says that the key is gone. */
  readonly value: Buffer | null;
}

export interface FollowOptions {
  readonly client: KafkaClient;
  /** What the follower is for; part of the name of its group. */
  readonly purpose: string;
  readonly topic: TopicName;
  /** Takes records in order. An error ends the following for good. */
  readonly onRecords: (records: readonly FollowedRecord[]) => Promise<void>;
  /** Called once when following cannot go on. */
  readonly onFailure: (error: Error) => void;
}

const sessionTimeoutMs = 30_000;
const maxWaitMs = 500;
/** A broker that is gone keeps kafkajs from leaving a group for longer than a process has to end. */
const leavingMs = 3_000;

/**
 * Hands every record of a compacted topic to this process, however many copies of it run: each follower is a group of
 * its own, which commits nothing and is gone from the broker once it has left. It begins at the start of the topic, and
 * again after an interruption, so that nothing is missed: what a record asks for must be harmless a second time.
 */
export async function followTopic(options: FollowOptions): Promise<AsyncDisposable> {
  const { client, purpose, topic } = options;
  const consumer = client.kafka.consumer({
    groupId: client.named(`${purpose}-${randomUUID()}`),
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    maxWaitTimeInMs: maxWaitMs,
    retry: {
      initialRetryTime: 200,
      maxRetryTime: 5_000,
      multiplier: 2,
      factor: 0.2,
      retries: 5,
      restartOnFailure: async () => failure === undefined,
    },
  });
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    if (failure !== undefined) return;
    failure = error;
    options.onFailure(error);
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(payload.error);
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [client.named(topic)], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      if (failure !== undefined) return;
      try {
        await options.onRecords(
          batch.messages.map(({ key, value }) => ({ key: key === null ? null : key.toString(), value })),
        );
      } catch (error) {
        fail(error instanceof Error ? error : new Error(messageOf(error)));
      }
    },
  });
  return {
    [Symbol.asyncDispose]: async () => {
      failure ??= new Error('following has ended');
      const left = consumer.stop().then(() => consumer.disconnect());
      await withinMs(left, leavingMs);
    },
  };
}

/**
 * Waits for `work`, but not longer: a follower holds nothing that would have to be settled, and the broker forgets a
 * group that does not answer.
 */
async function withinMs(work: Promise<void>, boundMs: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, boundMs);
  try {
    await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
    // When it comes too late nobody is left to be told.
    work.catch(() => undefined);
  }
}
