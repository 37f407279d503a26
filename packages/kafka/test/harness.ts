import { createLogger } from '@full-sync/runtime';
import { randomPrefix, stackAddresses } from '@full-sync/testing';
import { connectKafka } from '../src/index.ts';
import type { KafkaClient } from '../src/index.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

/** A client with topics of one test's own, already created; `brokers` may be those of a proxy. */
export async function openClient(options: { brokers?: string; prefix?: string } = {}): Promise<KafkaClient> {
  const client = await connectKafka({
    config: {
      KAFKA_BROKERS: options.brokers ?? stackAddresses().kafkaBrokers,
      KAFKA_TOPIC_PREFIX: options.prefix ?? randomPrefix(),
      KAFKA_SSL: false,
    },
    clientId: 'kafka-test',
    logger,
  });
  await client.ensureTopics();
  return client;
}

export function records(partition: number, from: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    partition,
    key: `k${from + index}`,
    value: Buffer.from(`v${from + index}`),
  }));
}
