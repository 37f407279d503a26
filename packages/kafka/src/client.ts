import kafkajs from 'kafkajs';
import type { Admin, Kafka, KafkaConfig as KafkaJsConfig, LogEntry, SASLOptions } from 'kafkajs';
import { EnvironmentError } from '@full-sync/runtime';
import type { MetricRegistry } from '@full-sync/metrics';
import type { KafkaSettings, Logger } from '@full-sync/runtime';
import { createKafkaInstruments } from './instruments.ts';
import type { KafkaInstruments } from './instruments.ts';
import { createOffsets } from './offsets.ts';
import type { Offsets } from './offsets.ts';
import { createLogReader } from './log-reader.ts';
import type { LogReader } from './log-reader.ts';
import { fetchTopicIds } from './topic-ids.ts';
import { ensureTopics } from './topics.ts';

export interface KafkaClient {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly offsets: Offsets;
  readonly log: LogReader;
  readonly instruments: KafkaInstruments;
  /** The name on the broker of a topic or group: the prefix before it. */
  readonly named: (name: string) => string;
  /** Creates the topics that are missing and checks the settings of those that are there. */
  readonly ensureTopics: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Connects to the broker; the one client of a process, shared by its producers and consumers.
 *
 * @throws EnvironmentError when no broker answers.
 */
export async function connectKafka(options: {
  readonly config: KafkaSettings;
  readonly clientId: string;
  readonly logger: Logger;
  /** Where producers and consumers of this client show what they do. */
  readonly metrics?: MetricRegistry;
}): Promise<KafkaClient> {
  const { config, clientId, logger } = options;
  const kafka = new kafkajs.Kafka(clientConfig(config, clientId, logger));
  const admin = kafka.admin();
  try {
    await admin.connect();
  } catch (error) {
    throw new EnvironmentError(`No Kafka broker answers at ${config.KAFKA_BROKERS}: ${messageOf(error)}`, {
      hint: 'Check KAFKA_BROKERS, or start the local stack with `npm run up`.',
      cause: error,
    });
  }
  const prefix = config.KAFKA_TOPIC_PREFIX ?? '';
  const named = (name: string): string => prefix + name;
  const log = createLogReader(kafka, named);
  return {
    kafka,
    admin,
    logger,
    named,
    log,
    instruments: createKafkaInstruments(options.metrics),
    offsets: createOffsets({ admin, named, topicIds: (topics) => fetchTopicIds(kafka, topics) }),
    ensureTopics: () => ensureTopics({ admin, named, logger }),
    [Symbol.asyncDispose]: async () => {
      await log[Symbol.asyncDispose]();
      await admin.disconnect();
    },
  };
}

function clientConfig(config: KafkaSettings, clientId: string, logger: Logger): KafkaJsConfig {
  return {
    clientId,
    brokers: config.KAFKA_BROKERS.split(',').map((address) => address.trim()),
    ssl: config.KAFKA_SSL ?? false,
    ...saslOf(config),
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    // Set here and nowhere guessed: kafkajs picks other defaults when NODE_ENV is "test".
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, multiplier: 2, factor: 0.2, retries: 6 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => {
      forwardLog(logger, entry);
    },
  };
}

function saslOf(config: KafkaSettings): { readonly sasl?: SASLOptions } {
  const mechanism = config.KAFKA_SASL_MECHANISM;
  if (mechanism === undefined) return {};
  const username = config.KAFKA_SASL_USERNAME ?? '';
  const password = config.KAFKA_SASL_PASSWORD ?? '';
  switch (mechanism) {
    case 'plain':
      return { sasl: { mechanism, username, password } };
    case 'scram-sha-256':
      return { sasl: { mechanism, username, password } };
    case 'scram-sha-512':
      return { sasl: { mechanism, username, password } };
  }
}

/** kafkajs logs every retry as an error; what ends in failure is thrown as well, so its lines are debug material. */
function forwardLog(logger: Logger, entry: LogEntry): void {
  logger.debug({ kafkajs: entry.log.message, level: entry.level, namespace: entry.namespace }, 'kafkajs');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
