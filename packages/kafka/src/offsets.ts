import type { Admin } from 'kafkajs';

/** Offsets by partition number. */
export type PartitionOffsets = ReadonlyMap<number, number>;

export interface Offsets {
  /** Where a group has committed to, per partition; partitions without a commit are left out. */
  readonly group: (group: string, topic: string) => Promise<PartitionOffsets>;
  /** The next offset to be written, per partition (the high watermark: there are no transactions here). */
  readonly end: (topic: string) => Promise<PartitionOffsets>;
  /** The first offset still in the log, per partition. */
  readonly start: (topic: string) => Promise<PartitionOffsets>;
  /** Topic ids (uuid text) by topic name as declared, without the prefix. */
  readonly topicIds: (topics: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

export function createOffsets(options: {
  readonly admin: Admin;
  readonly named: (name: string) => string;
  readonly topicIds: (topics: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}): Offsets {
  const { admin, named } = options;
  const watermarks = async (topic: string, side: 'low' | 'high'): Promise<PartitionOffsets> => {
    const found = await admin.fetchTopicOffsets(named(topic));
    return new Map(found.map((entry) => [entry.partition, Number(entry[side])]));
  };
  return {
    group: async (group, topic) => {
      const found = await admin.fetchOffsets({ groupId: named(group), topics: [named(topic)] });
      const committed = new Map<number, number>();
      for (const { partition, offset } of found[0]?.partitions ?? []) {
        if (Number(offset) >= 0) committed.set(partition, Number(offset));
      }
      return committed;
    },
    end: (topic) => watermarks(topic, 'high'),
    start: (topic) => watermarks(topic, 'low'),
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
