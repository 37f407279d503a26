import { FullSyncError } from '@full-sync/runtime';
import type { TopicName } from '@full-sync/schemas';
import type { KafkaClient } from './client.ts';
import { commitNote } from './commit-note.ts';
import { leftOffAt } from './expectations.ts';

/**
 * Moves a group on to `to` in one partition, on the word of an operator who understands what is lost below.
 *
 * @throws FullSyncError while the group has members (they would overwrite it), and when `to` does not lie above where
 * the group left off and within the log: then there is no such gap, and the group would lose or repeat records.
 */
export async function acceptGap(options: {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly to: number;
}): Promise<void> {
  const { client, group, topic, partition, to } = options;
  const described = await client.admin.describeGroups([client.named(group)]);
  if ((described.groups[0]?.members.length ?? 0) > 0) {
    throw new FullSyncError('GROUP_ACTIVE', `The group ${group} has running members.`, {
      hint: `Stop every copy of the ${group} service first.`,
    });
  }
  const start = (await client.offsets.start(topic)).get(partition);
  const end = (await client.offsets.end(topic)).get(partition);
  if (start === undefined || end === undefined)
    throw new FullSyncError('NO_PARTITION', `${topic} has no partition ${partition}.`);
  const leftOff = await leftOffAt(options, start);
  if (to <= leftOff || to < start || to > end) {
    throw new FullSyncError('NO_GAP', `${group} left off at ${leftOff}, the log holds ${start} to ${end - 1}.`, {
      hint: 'Take the offset from the message of the stage that halted.',
    });
  }
  await commitAlone(client, { group: client.named(group), topic: client.named(topic), partition, offset: to });
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
