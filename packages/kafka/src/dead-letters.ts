import { createHash } from 'node:crypto';
import { letterCodeLabel } from '@full-sync/metrics';
import { deadLetterExcerptBytes, maxRawRecordBytes, topicNames } from '@full-sync/schemas';
import type { DeadLetter } from '@full-sync/schemas';
import type { Producer } from './producer.ts';
import type { Codec } from './serde.ts';

/** A failed record before its excerpt, size and hash are taken. */
export type FailedRecord = Omit<DeadLetter, 'record' | 'record_bytes' | 'record_sha256' | 'truncated'> & {
  readonly record: Buffer;
};

/**
 * A dead letter keeps the original bytes whole up to `maxWholeBytes`, else their first 64 KiB; size and SHA-256 are of
 * the whole.
 */
export function toDeadLetter(failed: FailedRecord, maxWholeBytes = 2 * maxRawRecordBytes): DeadLetter {
  const truncated = failed.record.length > maxWholeBytes;
  return {
    ...failed,
    record: truncated ? failed.record.subarray(0, deadLetterExcerptBytes) : failed.record,
    record_bytes: failed.record.length,
    record_sha256: createHash('sha256').update(failed.record).digest(),
    truncated,
  };
}

/** The unique name of a record that failed in a stage behind Kafka: a replay of the stage gives the same one. */
export function originOf(position: {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly index: number;
  readonly stage: string;
}): string {
  return `${position.topicId}:${position.partition}:${position.offset}:${position.index}:${position.stage}`;
}

/**
 * Publishes dead letters and waits for the acknowledgement, which settles the records (I1). What cannot be written
 * halts the stage: the error is not for catching.
 */
export async function publishDeadLetters(
  producer: Producer,
  codec: Codec<'outreach.dead-letters'>,
  letters: readonly DeadLetter[],
): Promise<void> {
  if (letters.length === 0) return;
  await producer.send(
    topicNames.deadLetters,
    letters.map((letter) => ({ partition: 0, key: letter.origin, value: codec.encode(letter) })),
  );
  for (const { code, stage } of letters) producer.instruments.letters.inc({ code: letterCodeLabel(code, stage) });
}
