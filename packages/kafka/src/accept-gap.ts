import { FullSyncError } from '@full-sync/runtime';
import type { TopicName } from '@full-sync/schemas';
import type { KafkaClient } from './client.ts';

/** What this system writes beside an offset it commits: kafkajs' silent jump to the log start carries nothing. */
export const commitNote = 'full-sync';

/**
 * Moves a group to the log start of one partition, on the word of an operator who understands the loss. Returns the
 * accepted offset.
 *
 * @throws FullSyncError while the group has members: they would overwrite it.
 */
export async function acceptGap(options: {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: TopicName;
  readonly partition: number;
}): Promise<number> {
  const { client, group, topic, partition } = options;
  const described = await client.admin.describeGroups([client.named(group)]);
  if ((described.groups[0]?.members.length ?? 0) > 0) {
    throw new FullSyncError('GROUP_ACTIVE', `The group ${group} has running members.`, {
      hint: `Stop every copy of the ${group} service first.`,
    });
  }
  const offset = (await client.offsets.start(topic)).get(partition);
  if (offset === undefined) throw new FullSyncError('NO_PARTITION', `${topic} has no partition ${partition}.`);
  await commitAlone(client, { group: client.named(group), topic: client.named(topic), partition, offset });
  return offset;
}

/** kafkajs commits with a note only from inside a group, so this joins it for the moment. */
async function commitAlone(
  client: KafkaClient,
  at: { readonly group: string; readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<void> {
  const consumer = client.kafka.consumer({ groupId: at.group, allowAutoTopicCreation: false });
  const joined = Promise.withResolvers<void>();
  consumer.on(consumer.events.GROUP_JOIN, () => {
    joined.resolve();
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    joined.reject(payload.error);
  });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [at.topic], fromBeginning: true });
    // Nothing is read: every batch is left where it is.
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
    await joined.promise;
    await consumer.commitOffsets([
      { topic: at.topic, partition: at.partition, offset: String(at.offset), metadata: commitNote },
    ]);
  } finally {
    await consumer.disconnect();
  }
}
