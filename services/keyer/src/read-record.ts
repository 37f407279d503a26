import { originOf, toDeadLetter, UndecodableError } from '@full-sync/kafka';
import type { Codec, ConsumedBatch, ConsumedRecord } from '@full-sync/kafka';
import type { DeadLetter, RawRecord } from '@full-sync/schemas';
import type { Rejection } from './domain/facts.ts';
import { reject, rejectCodes } from './domain/facts.ts';
import type { RawTopic } from './raw-topics.ts';

const stage = 'keyer';

/** Decodes a raw record; what is not one is the record's own fault, and any other error is thrown. */
export function decodeRaw(codec: Codec<RawTopic>, record: ConsumedRecord): RawRecord | Rejection {
  try {
    return codec.decode(record.value);
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    return reject(rejectCodes.undecodable, `the value is no raw record: ${error.message}`, null);
  }
}

/**
 * The dead letter of a rejected record. It holds the value as it lay in the topic, envelope and all, so that it can be
 * published again; its origin is the position, so that a replay of the keyer does not double it.
 */
export function toKeyerLetter(options: {
  readonly batch: ConsumedBatch;
  readonly record: ConsumedRecord;
  readonly raw: RawRecord | null;
  readonly rejection: Rejection;
  /** ms since 1970. */
  readonly failedAt: number;
}): DeadLetter {
  const { batch, record, raw, rejection, failedAt } = options;
  const { topicId, partition } = batch;
  return toDeadLetter({
    stage,
    code: rejection.code,
    detail: rejection.detail,
    pointer: rejection.pointer,
    origin: originOf({ topicId, partition, offset: record.offset, index: 0, stage }),
    origin_topic: batch.topic,
    origin_partition: partition,
    origin_offset: record.offset,
    origin_index: 0,
    stream_id: raw?.stream_id ?? null,
    job_id: raw?.job_id ?? null,
    namespace: raw?.namespace ?? null,
    platform: raw?.platform ?? null,
    attempt: 1,
    failed_at: failedAt,
    record: record.value ?? Buffer.alloc(0),
  });
}
