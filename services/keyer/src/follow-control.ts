import { UndecodableError, followTopic } from '@full-sync/kafka';
import type { Codec, FollowedRecord, KafkaClient } from '@full-sync/kafka';
import type { Logger } from '@full-sync/runtime';
import { controlSubjects, topicNames } from '@full-sync/schemas';
import type { ControlMessage } from '@full-sync/schemas';
import type { Telemetry } from './telemetry.ts';
import type { SightingWindow } from './window.ts';

export interface ControlDeps {
  readonly client: KafkaClient;
  readonly codec: Codec<'sync.control'>;
  readonly window: SightingWindow;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly onFailure: (error: Error) => void;
}

/** Follows what is told to all keyers. Clearing the window changes no key and nothing that is published (I2). */
export async function followControl(deps: ControlDeps): Promise<AsyncDisposable> {
  const { client, codec, window, telemetry, logger } = deps;
  let followedAtMs = 0;
  return await followTopic({
    client,
    purpose: 'keyer-control',
    topic: topicNames.control,
    onRecords: async (records) => {
      await codec.prepare(records.map(({ value }) => value));
      const order = records
        .flatMap((record) => readMessage(codec, record, logger))
        .findLast(({ subject }) => subject === controlSubjects.clearKeyCache);
      // The topic is read from its start again after an interruption.
      if (order === undefined || order.issued_at <= followedAtMs) return;
      followedAtMs = order.issued_at;
      const forgotten = window.clear();
      telemetry.noteCleared(order.issued_at);
      logger.info({ forgotten, issuedBy: order.issued_by }, 'key window cleared');
      await telemetry.publish();
    },
    onFailure: deps.onFailure,
  });
}

/** Whoever may write to the topic must not be able to end the keyers with it. */
function readMessage(
  codec: Codec<'sync.control'>,
  { value }: FollowedRecord,
  logger: Logger,
): readonly ControlMessage[] {
  if (value === null) return [];
  try {
    return [codec.decode(value)];
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    logger.warn({ err: error }, 'a control message cannot be read');
    return [];
  }
}
