import { consumerMetrics, createInstruments, MetricRegistry, producerMetrics } from '@full-sync/metrics';
import type { Instruments } from '@full-sync/metrics';
import type { TopicName } from '@full-sync/schemas';

export interface KafkaInstruments {
  readonly producer: Instruments<typeof producerMetrics>;
  /** Of the one group that the process is a member of; made when it joins. */
  readonly consumer: (topics: readonly TopicName[]) => Instruments<typeof consumerMetrics>;
  readonly onScrape: (read: () => void) => void;
}

/** The instruments of a process's client; without a registry nobody sees them. */
export function createKafkaInstruments(registry = new MetricRegistry('unseen')): KafkaInstruments {
  const producer = createInstruments(registry, producerMetrics);
  let consumer: Instruments<typeof consumerMetrics> | undefined;
  return {
    producer,
    consumer: (topics) => (consumer ??= createInstruments(registry, consumerMetrics, { topic: topics })),
    onScrape: (read) => {
      registry.onScrape(read);
    },
  };
}
