import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';
import { EnvironmentError } from '@full-sync/runtime';
import type { Logger } from '@full-sync/runtime';
import { topics } from '@full-sync/schemas';
import type { TopicSettings } from '@full-sync/schemas';
import { untilSettled } from './retrying.ts';

export interface TopicsOptions {
  readonly admin: Admin;
  readonly named: (name: string) => string;
  readonly logger: Logger;
}

/**
 * Creates the topics of the table that are missing, then checks every one against it. Several processes may do this at
 * once.
 *
 * @throws EnvironmentError that lists each wrong setting: a topic with another partition count would break identity
 * partitioning, one with a short retention would lose what is not yet loaded. Also when the broker refuses, or does not
 * answer.
 */
export async function ensureTopics(options: TopicsOptions): Promise<void> {
  try {
    await untilSettled(() => createMissing(options));
    await untilSettled(() => checkTopics(options));
  } catch (error) {
    if (!(error instanceof Error) || !error.name.startsWith('KafkaJS')) throw error;
    throw new EnvironmentError(`The Kafka broker did not let the topics be created and checked: ${error.message}`, {
      hint: 'Check the broker, and that this user may create and describe topics.',
      cause: error,
    });
  }
}

async function createMissing({ admin, named, logger }: TopicsOptions): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = topics.filter((topic) => !existing.has(named(topic.name)));
  if (missing.length > 0) {
    // False means that another process was quicker; the check below settles what is there.
    await admin.createTopics({
      waitForLeaders: false,
      timeout: 15_000,
      topics: missing.map((topic) => ({
        topic: named(topic.name),
        numPartitions: topic.partitions,
        replicationFactor: -1,
        configEntries: Object.entries(settingsOf(topic)).map(([name, value]) => ({ name, value })),
      })),
    });
    for (const topic of missing)
      logger.info({ topic: named(topic.name), partitions: topic.partitions }, 'topic created');
  }
}

async function checkTopics({ admin, named }: TopicsOptions): Promise<void> {
  const metadata = await admin.fetchTopicMetadata({ topics: topics.map((topic) => named(topic.name)) });
  const configs = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: named(topic.name) })),
  });
  const problems: string[] = [];
  for (const topic of topics) {
    const name = named(topic.name);
    const partitions = metadata.topics.find((found) => found.name === name)?.partitions.length ?? 0;
    const entries = configs.resources.find((resource) => resource.resourceName === name)?.configEntries ?? [];
    const actual = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
    problems.push(...problemsOf(topic, name, partitions, actual));
  }
  if (problems.length > 0) {
    throw new EnvironmentError(`Topics with wrong settings:\n  ${problems.join('\n  ')}`, {
      hint: 'Mend the settings with your broker tools. A partition count cannot be mended on a live topic: use another KAFKA_TOPIC_PREFIX.',
    });
  }
}

function settingsOf(topic: TopicSettings): Record<string, string> {
  return {
    'cleanup.policy': topic.cleanupPolicy,
    'retention.ms': String(topic.retentionMs ?? -1),
    'retention.bytes': '-1',
    'max.message.bytes': String(topic.maxMessageBytes),
    'message.timestamp.type': 'CreateTime',
  };
}

/** What is wrong with a topic, a line each; longer retention and larger messages are fine. */
function problemsOf(
  topic: TopicSettings,
  name: string,
  partitions: number,
  actual: ReadonlyMap<string, string>,
): string[] {
  const problems: string[] = [];
  const wrong = (what: string, expected: string, found: string | undefined): void => {
    problems.push(`${name}: ${what} is ${found ?? 'unknown'}, expected ${expected}`);
  };
  if (partitions !== topic.partitions) wrong('partition count', String(topic.partitions), String(partitions));
  const policy = actual.get('cleanup.policy');
  if (policy !== topic.cleanupPolicy) wrong('cleanup.policy', topic.cleanupPolicy, policy);
  const largest = Number(actual.get('max.message.bytes'));
  if (!(largest >= topic.maxMessageBytes))
    wrong('max.message.bytes', `${topic.maxMessageBytes} or more`, String(largest));
  if (topic.cleanupPolicy === 'delete') {
    const retention = Number(actual.get('retention.ms'));
    const enough = retention === -1 || (topic.retentionMs !== null && retention >= topic.retentionMs);
    if (!enough)
      wrong('retention.ms', topic.retentionMs === null ? '-1' : `${topic.retentionMs} or more`, String(retention));
    const bytes = actual.get('retention.bytes');
    if (bytes !== '-1') wrong('retention.bytes', '-1', bytes);
  }
  return problems;
}
