import type { EachBatchPayload } from 'kafkajs';
import { commitNote } from './commit-note.ts';

export interface Committer {
  /** Commits the next offset of a batch's partition; resolves when the broker has it. */
  readonly commit: (payload: EachBatchPayload, nextOffset: number) => Promise<void>;
}

interface Waiting {
  readonly payload: EachBatchPayload;
  readonly nextOffset: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits group offsets, those of several partitions in one request while another is under way. It goes through the
 * batch's own group: `consumer.commitOffsets` does nothing once the consumer is stopping.
 */
export function createCommitter(): Committer {
  const waiting: Waiting[] = [];
  let committing = false;
  const pump = async (): Promise<void> => {
    committing = true;
    for (let group = waiting.splice(0); group.length > 0; group = waiting.splice(0)) await commitTogether(group);
    committing = false;
  };
  return {
    commit: (payload, nextOffset) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ payload, nextOffset, resolve, reject });
      if (!committing) void pump();
      return promise;
    },
  };
}

async function commitTogether(group: readonly Waiting[]): Promise<void> {
  const byTopic = Map.groupBy(group, ({ payload }) => payload.batch.topic);
  const topics = [...byTopic].map(([topic, commits]) => ({
    topic,
    partitions: commits.map(({ payload, nextOffset }) => ({
      partition: payload.batch.partition,
      offset: String(nextOffset),
      metadata: commitNote,
    })),
  }));
  try {
    await group[0]?.payload.commitOffsetsIfNecessary({ topics });
    for (const { resolve } of group) resolve();
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}
