import { originOf, publishDeadLetters, toDeadLetter } from '@full-sync/kafka';
import type { Codec, ConsumedBatch, Producer } from '@full-sync/kafka';
import type { DeadLetter } from '@full-sync/schemas';
import type { BatchPlan } from './domain/plan-batch.ts';
import type { RefusedRow } from './settle-rows.ts';

export interface DeadLetters {
  /** Publishes what of a batch cannot be stored and waits for the acknowledgement. */
  readonly publish: (batch: ConsumedBatch, plan: BatchPlan, refused: readonly RefusedRow[]) => Promise<void>;
}

const stage = 'loader';

export function createDeadLetters(parts: {
  readonly producer: Producer;
  readonly codec: Codec<'outreach.dead-letters'>;
  readonly now: () => number;
}): DeadLetters {
  return {
    publish: async (batch, plan, refused) => {
      const letters: DeadLetter[] = plan.faults.map((fault) =>
        toDeadLetter({
          ...originOfRecord(batch, fault.offset),
          code: 'EVENT_UNREADABLE',
          detail: fault.detail,
          job_id: null,
          namespace: null,
          platform: null,
          failed_at: parts.now(),
          record: fault.value,
        }),
      );
      const values = new Map(batch.records.map((record) => [record.offset, record.value]));
      for (const { row, code, detail } of refused) {
        letters.push(
          toDeadLetter({
            ...originOfRecord(batch, row.offset),
            code: `POSTGRES_${code}`,
            detail,
            job_id: row.facts.jobId,
            namespace: row.facts.namespace,
            platform: row.facts.platform,
            failed_at: parts.now(),
            record: values.get(row.offset) ?? Buffer.alloc(0),
          }),
        );
      }
      await publishDeadLetters(parts.producer, parts.codec, letters);
    },
  };
}

function originOfRecord(batch: ConsumedBatch, offset: number) {
  const { topicId, topic, partition } = batch;
  return {
    stage,
    pointer: null,
    origin: originOf({ topicId, partition, offset, index: 0, stage }),
    origin_topic: topic,
    origin_partition: partition,
    origin_offset: offset,
    origin_index: 0,
    stream_id: null,
    attempt: 1,
  };
}
