import { topicNames } from '@full-sync/schemas';

/** The consumer group; the api reads its offsets for progress. */
export const keyerGroup = 'keyer';

export const rawTopics = [topicNames.smartleadRaw, topicNames.lemlistRaw] as const;
export type RawTopic = (typeof rawTopics)[number];

export function isRawTopic(topic: string): topic is RawTopic {
  return topic === topicNames.smartleadRaw || topic === topicNames.lemlistRaw;
}

/** How the raw topics are read: sized so that what is fetched and not yet published stays a few tens of megabytes. */
export const consuming = {
  group: keyerGroup,
  topics: rawTopics,
  concurrency: 4,
  maxBytesPerPartition: 262_144,
  maxBytes: 2_097_152,
  // A gap on a raw topic is loss until proven otherwise.
  gapPolicy: 'halt',
} as const;
