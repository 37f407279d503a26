import { originOf, publishDeadLetters, toDeadLetter } from '@full-sync/kafka';
import type { Codec, Producer } from '@full-sync/kafka';
import { topicNames } from '@full-sync/schemas';
import type { WantedEvent, Work } from './work.ts';

export interface RefusedEvent {
  readonly wanted: WantedEvent;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
}

/**
 * Publishes the dead letters of events that a destination refuses for their own fault, with its reason, and waits for
 * the acknowledgement, which settles them (I1). Read again, an event gives the same letter.
 */
export async function buryRefused(
  parts: {
    readonly producer: Producer;
    readonly codec: Codec<'outreach.dead-letters'>;
    readonly now: () => number;
  },
  work: Work,
  refused: readonly RefusedEvent[],
): Promise<void> {
  const letters = refused.map(({ wanted, code, detail, pointer }) =>
    toDeadLetter({
      stage: work.destination,
      code,
      detail,
      pointer,
      ...originIn(work, wanted),
      origin_index: 0,
      stream_id: null,
      job_id: wanted.event.job_id,
      namespace: wanted.event.namespace,
      platform: wanted.event.platform,
      attempt: 1,
      failed_at: parts.now(),
      record: wanted.value,
    }),
  );
  await publishDeadLetters(parts.producer, parts.codec, letters);
}

function originIn({ destination, topicId, partition, backfillId }: Work, { offset, eventId }: WantedEvent) {
  if (topicId === null || partition === null || offset === null) {
    return {
      origin: `${backfillId ?? ''}:${eventId}:${destination}`,
      origin_topic: null,
      origin_partition: null,
      origin_offset: null,
    };
  }
  return {
    origin: originOf({ topicId, partition, offset, index: 0, stage: destination }),
    origin_topic: topicNames.events,
    origin_partition: partition,
    origin_offset: offset,
  };
}
