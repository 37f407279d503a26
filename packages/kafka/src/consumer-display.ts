import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { TopicName } from '@full-sync/schemas';
import type { KafkaClient } from './client.ts';

/** Shows what a member of a group does. */
export interface ConsumerDisplay {
  /** Runs the work on a batch, and notes the batch once that is done. */
  readonly during: (payload: EachBatchPayload, topic: TopicName, work: () => Promise<void>) => Promise<void>;
  /** Notes that the member has left. */
  readonly left: () => void;
}

/** From here on a batch in work counts as one that holds its partition up, ms. */
const standstillMs = 10_000;

export function createConsumerDisplay(
  { instruments, named }: Pick<KafkaClient, 'instruments' | 'named'>,
  consumer: Consumer,
  topics: readonly TopicName[],
): ConsumerDisplay {
  const { rebalances, assigned, paused, batchRecords, batches } = instruments.consumer(topics);
  const inWork = new Map<EachBatchPayload, { readonly topic: TopicName; readonly since: number }>();
  instruments.onScrape(() => {
    const now = performance.now();
    const still = [...inWork.values()].filter(({ since }) => now - since > standstillMs);
    for (const topic of topics) paused.set({ topic }, still.filter((one) => one.topic === topic).length);
  });
  const noteAssigned = (assignment: Readonly<Record<string, readonly number[]>>): void => {
    for (const topic of topics) assigned.set({ topic }, assignment[named(topic)]?.length ?? 0);
  };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    rebalances.inc({});
    noteAssigned(payload.memberAssignment);
  });
  return {
    during: async (payload, topic, work) => {
      const { batch } = payload;
      inWork.set(payload, { topic, since: performance.now() });
      try {
        await work();
        batchRecords.observe({ topic }, batch.messages.length);
        const isLast = Number(batch.lastOffset()) + 1 >= Number(batch.highWatermark);
        batches.inc({ topic, reason: isLast ? 'end' : 'bytes' });
      } finally {
        inWork.delete(payload);
      }
    },
    left: () => {
      noteAssigned({});
    },
  };
}
