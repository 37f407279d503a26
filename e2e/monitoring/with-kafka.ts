import { connectKafka } from '@full-sync/kafka';
import type { KafkaClient } from '@full-sync/kafka';
import { createLogger } from '@full-sync/runtime';
import type { Stage } from './stage.ts';

/** Lets `work` use a connection to the broker of the proof. */
export async function withKafka<T>({ system }: Stage, work: (client: KafkaClient) => Promise<T>): Promise<T> {
  const config = { KAFKA_BROKERS: system.stack.env.KAFKA_BROKERS, KAFKA_TOPIC_PREFIX: '', KAFKA_SSL: false };
  const logger = createLogger({ service: 'e2e', level: 'silent' });
  await using client = await connectKafka({ config, clientId: 'monitoring', logger });
  return await work(client);
}
