import type { Admin } from 'kafkajs';
import { untilSettled } from './retrying.ts';

/** Offsets by partition number. */
export type PartitionOffsets = ReadonlyMap<number, number>;

export interface Commit {
  readonly offset: number;
  readonly note: string;
}

export interface Offsets {
  /** Where a group has committed to, per partition; partitions without a commit are left out. */
  readonly group: (group: string, topic: string) => Promise<PartitionOffsets>;
  /** Like `group`, for one partition, with the note that was committed beside it. */
  readonly commit: (group: string, topic: string, partition: number) => Promise<Commit | null>;
  /** The next offset to be written, per partition (the high watermark: there are no transactions here). */
  readonly end: (topic: string) => Promise<PartitionOffsets>;
  /** The first offset still in the log, per partition. */
  readonly start: (topic: string) => Promise<PartitionOffsets>;
  /** All that a group has committed, by topic as declared. */
  readonly allOf: (group: string) => Promise<ReadonlyMap<string, PartitionOffsets>>;
  /** The consumer groups of the broker whose names begin with the prefix, without it. */
  readonly groups: () => Promise<readonly string[]>;
  /** Topic ids (uuid text) by topic name as declared, without the prefix. */
  readonly topicIds: (topics: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

export function createOffsets(options: {
  readonly admin: Admin;
  readonly named: (name: string) => string;
  readonly topicIds: (topics: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}): Offsets {
  const { admin, named } = options;
  const prefix = named('');
  const watermarks = async (topic: string, side: 'low' | 'high'): Promise<PartitionOffsets> => {
    const found = await untilSettled(() => admin.fetchTopicOffsets(named(topic)));
    return new Map(found.map((entry) => [entry.partition, Number(entry[side])]));
  };
  const commits = async (group: string, topic: string) => {
    // All topics of the group are asked for: naming one that is gone would spoil this client's metadata from then on.
    const found = await untilSettled(() => admin.fetchOffsets({ groupId: named(group) }));
    const ofTopic = found.find((entry) => entry.topic === named(topic));
    return (ofTopic?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
  };
  return {
    group: async (group, topic) =>
      new Map((await commits(group, topic)).map(({ partition, offset }) => [partition, Number(offset)])),
    commit: async (group, topic, partition) => {
      const found = (await commits(group, topic)).find((commit) => commit.partition === partition);
      return found === undefined ? null : { offset: Number(found.offset), note: found.metadata ?? '' };
    },
    end: (topic) => watermarks(topic, 'high'),
    start: (topic) => watermarks(topic, 'low'),
    allOf: async (group) => {
      const found = await untilSettled(() => admin.fetchOffsets({ groupId: named(group) }));
      const ofTopic = (topic: (typeof found)[number]) =>
        topic.partitions
          .filter(({ offset }) => Number(offset) >= 0)
          .map(({ partition, offset }) => [partition, Number(offset)] as const);
      return new Map(
        found
          .filter(({ topic }) => topic.startsWith(prefix))
          .map((topic) => [topic.topic.slice(prefix.length), new Map(ofTopic(topic))]),
      );
    },
    groups: async () => {
      const { groups } = await untilSettled(() => admin.listGroups());
      return groups
        .filter(({ groupId, protocolType }) => protocolType === 'consumer' && groupId.startsWith(prefix))
        .map(({ groupId }) => groupId.slice(prefix.length));
    },
    topicIds: async (topics) => {
      const byName = await options.topicIds(topics.map(named));
      const ids = new Map<string, string>();
      for (const topic of topics) {
        const id = byName.get(named(topic));
        if (id !== undefined) ids.set(topic, id);
      }
      return ids;
    },
  };
}
