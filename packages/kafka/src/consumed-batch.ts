import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { TopicName } from '@full-sync/schemas';

export interface ConsumedRecord {
  readonly offset: number;
  /** When it was published, ms since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: KafkaMessage['headers'];
}

export interface ConsumedBatch {
  readonly topic: TopicName;
  readonly topicId: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The next offset to be written when the batch was fetched. */
  readonly highWatermark: number;
  readonly records: readonly ConsumedRecord[];
  /** The error that says the partition may belong to somebody else by now, if there is one; long work looks at it. */
  readonly lost: () => Error | undefined;
}

export function toBatch(options: {
  readonly payload: EachBatchPayload;
  readonly topic: TopicName;
  readonly topicId: string;
  readonly lost: () => Error | undefined;
}): ConsumedBatch {
  const { batch } = options.payload;
  return {
    topic: options.topic,
    topicId: options.topicId,
    partition: batch.partition,
    firstOffset: Number(batch.firstOffset()),
    lastOffset: Number(batch.lastOffset()),
    highWatermark: Number(batch.highWatermark),
    lost: options.lost,
    records: batch.messages.map((message) => ({
      offset: Number(message.offset),
      timestamp: Number(message.timestamp),
      key: message.key,
      value: message.value,
      headers: message.headers,
    })),
  };
}

/** The first missing offset inside a batch, or null. These topics have no control records and are not compacted. */
export function gapInside(
  records: readonly Pick<ConsumedRecord, 'offset'>[],
): { readonly from: number; readonly to: number } | null {
  for (let index = 1; index < records.length; index += 1) {
    const before = records[index - 1]?.offset ?? 0;
    const offset = records[index]?.offset ?? 0;
    if (offset !== before + 1) return { from: before + 1, to: offset - 1 };
  }
  return null;
}
