import type { KafkaClient } from '@full-sync/kafka';
import type { TopicName } from '@full-sync/schemas';
import { waitFor } from './wait-for.ts';

/**
 * Deletes the records of a partition below `offset`, as retention would. Repeats the request: the broker may not have told
 * yet who leads the partitions of a topic that was just made, and kafkajs asks for all of them first.
 */
export async function deleteRecordsBelow(
  client: KafkaClient,
  topic: TopicName,
  partition: number,
  offset: number,
): Promise<void> {
  const request = { topic: client.named(topic), partitions: [{ partition, offset: String(offset) }] };
  const deleted = async (): Promise<true> => {
    await client.admin.deleteTopicRecords(request);
    return true;
  };
  await waitFor(deleted, { what: `the records of ${topic}/${partition} below ${offset} to be deleted` });
}
