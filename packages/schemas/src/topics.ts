import type { Platform } from './platforms.ts';

/** The topics by what they carry; `packages/kafka` puts `KAFKA_TOPIC_PREFIX` before each. */
export const topicNames = {
  smartleadRaw: 'outreach.smartlead.raw',
  lemlistRaw: 'outreach.lemlist.raw',
  events: 'outreach.events',
  deadLetters: 'outreach.dead-letters',
  control: 'sync.control',
  telemetry: 'service.telemetry',
} as const;

export type TopicName = (typeof topicNames)[keyof typeof topicNames];

/** Raw topics and `outreach.events` share one count: raw partition p becomes events partition p (identity partitioning). */
export const dataPartitions = 12;

const day = 86_400_000;
const mebibyte = 1_048_576;

export interface TopicSettings {
  readonly name: TopicName;
  readonly partitions: number;
  /** `null` keeps records until something else removes them. */
  readonly retentionMs: number | null;
  readonly cleanupPolicy: 'delete' | 'compact';
  readonly maxMessageBytes: number;
  readonly schema: SchemaName;
}

export type SchemaName = 'raw-record' | 'outreach-event' | 'dead-letter' | 'control-message' | 'service-telemetry';

/** The one place where topics are declared; they are created from it and checked against it at start. */
export const topics: readonly TopicSettings[] = [
  raw(topicNames.smartleadRaw),
  raw(topicNames.lemlistRaw),
  {
    name: topicNames.events,
    partitions: dataPartitions,
    retentionMs: 7 * day,
    cleanupPolicy: 'delete',
    maxMessageBytes: 4 * mebibyte,
    schema: 'outreach-event',
  },
  {
    name: topicNames.deadLetters,
    partitions: 1,
    retentionMs: null,
    cleanupPolicy: 'delete',
    maxMessageBytes: 8 * mebibyte,
    schema: 'dead-letter',
  },
  {
    name: topicNames.control,
    partitions: 1,
    retentionMs: null,
    cleanupPolicy: 'compact',
    maxMessageBytes: mebibyte,
    schema: 'control-message',
  },
  {
    name: topicNames.telemetry,
    partitions: 1,
    retentionMs: null,
    cleanupPolicy: 'compact',
    maxMessageBytes: mebibyte,
    schema: 'service-telemetry',
  },
];

function raw(name: TopicName): TopicSettings {
  return {
    name,
    partitions: dataPartitions,
    retentionMs: 7 * day,
    cleanupPolicy: 'delete',
    maxMessageBytes: 4 * mebibyte,
    schema: 'raw-record',
  };
}

/** The raw topic of a platform. */
export function rawTopic(platform: Platform): TopicName {
  return platform === 'smartlead' ? topicNames.smartleadRaw : topicNames.lemlistRaw;
}

/** The largest raw record that is published; a larger one is dead-lettered (architecture, topics). */
export const maxRawRecordBytes = mebibyte;
/** How much of an oversized record a dead letter keeps. */
export const deadLetterExcerptBytes = 65_536;
