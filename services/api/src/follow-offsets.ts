import type { JobFacts, OffsetsByPartition, RawTarget } from '@full-sync/database';
import type { Offsets, PartitionOffsets } from '@full-sync/kafka';
import { topicNames } from '@full-sync/schemas';
import type { TopicName } from '@full-sync/schemas';

const keyerGroup = 'keyer';

/** The broker's offsets as one look at all jobs needs them: each is read at most once per look. */
export interface OffsetLook {
  readonly keyed: (topic: string) => Promise<PartitionOffsets>;
}

export function lookAtOffsets(offsets: Offsets): OffsetLook {
  const keyed = new Map<string, Promise<PartitionOffsets>>();
  return {
    keyed: async (topic) => {
      const reading = keyed.get(topic) ?? offsets.group(keyerGroup, topic);
      keyed.set(topic, reading);
      return await reading;
    },
  };
}

/** Raw offsets below the job's targets that the keyer has not committed; 0 = keying has passed all of them. */
export async function keyingLeft(targets: readonly RawTarget[], look: OffsetLook): Promise<number> {
  let left = 0;
  for (const { topic, partition, lastOffset } of targets) {
    const committed = (await look.keyed(topic)).get(partition) ?? 0;
    left += Math.max(0, lastOffset + 1 - committed);
  }
  return left;
}

/**
 * The topic that a job depends on and that is not the one it was any more, or null. `ids` must have been read after the
 * offsets that are judged by it: offsets of a recreated topic say nothing about the old one.
 */
export function recreatedTopic(facts: JobFacts, ids: ReadonlyMap<string, string>): string | null {
  if (facts.loadTargets === null) {
    const raw = facts.rawTargets.find((target) => ids.get(target.topic) !== target.topicId);
    return raw?.topic ?? null;
  }
  if (!facts.loaded) return ids.get(topicNames.events) === facts.eventsTopicId ? null : topicNames.events;
  return ids.get(topicNames.deadLetters) === facts.deadLettersTopicId ? null : topicNames.deadLetters;
}

/** The topics that `recreatedTopic` judges for this job. */
export function topicsOf(facts: JobFacts): readonly string[] {
  const raw = new Set(facts.rawTargets.map((target) => target.topic));
  return [...raw, topicNames.events, topicNames.deadLetters];
}

/**
 * The end offsets of a topic together with its id, or null when the topic was recreated in between: then offsets and id
 * would not belong together.
 */
export async function readEnds(
  offsets: Offsets,
  topic: TopicName,
): Promise<{ readonly topicId: string; readonly ends: PartitionOffsets } | null> {
  const before = (await offsets.topicIds([topic])).get(topic);
  const ends = await offsets.end(topic);
  const after = (await offsets.topicIds([topic])).get(topic);
  return before === undefined || before !== after ? null : { topicId: after, ends };
}

/** The end offsets on the partitions that the job published to: raw partition p becomes events partition p. */
export function endsOn(partitions: Iterable<number>, ends: PartitionOffsets): OffsetsByPartition {
  return Object.fromEntries([...new Set(partitions)].map((partition) => [String(partition), ends.get(partition) ?? 0]));
}

/** True when every target is reached; a position not there yet is 0. */
export function passed(targets: OffsetsByPartition, positions: OffsetsByPartition): boolean {
  return Object.entries(targets).every(([partition, target]) => (positions[partition] ?? 0) >= target);
}
