import { connectKafka, consumeBatches } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import type { TopicName } from '@full-sync/schemas';
import { randomSuffix, stackAddresses, waitFor } from '@full-sync/testing';

/** Every value that lies in a topic now, as it lies there. */
export async function readTopic(topicPrefix: string, topic: TopicName): Promise<readonly Buffer[]> {
  const config = { KAFKA_BROKERS: stackAddresses().kafkaBrokers, KAFKA_TOPIC_PREFIX: topicPrefix, KAFKA_SSL: false };
  const logger = createLogger({ service: 'e2e', level: 'silent' });
  await using client = await connectKafka({ config, clientId: 'e2e', logger });
  const left = new Map([...(await client.offsets.end(topic))].filter(([, end]) => end > 0));
  const values: Buffer[] = [];
  const failures: Error[] = [];
  if (left.size === 0) return values;
  await using _consumer = await consumeBatches({
    client,
    group: `e2e-${randomSuffix()}`,
    topics: [topic],
    concurrency: 1,
    maxBytesPerPartition: 4_194_304,
    gapPolicy: 'handler',
    onBatch: async ({ partition, records, lastOffset }) => {
      for (const { value } of records) if (value !== null) values.push(value);
      if (lastOffset + 1 >= (left.get(partition) ?? 0)) left.delete(partition);
      return lastOffset + 1;
    },
    onFailure: (error) => failures.push(error),
  });
  await waitFor(() => failures.length > 0 || left.size === 0, { what: `all of ${topic}`, deadlineMs: 60_000 });
  if (failures[0] !== undefined) throw failures[0];
  return values;
}
