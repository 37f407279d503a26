import { FullSyncError } from '@full-sync/runtime';
import type { TopicName } from '@full-sync/schemas';
import { commitNote } from './commit-note.ts';
import type { KafkaClient } from './client.ts';

export type GapPolicy = 'halt' | 'handler';

/** Records are missing below a batch: loss until proven otherwise. */
export class OffsetGapError extends FullSyncError {
  constructor(gap: {
    readonly group: string;
    readonly topic: string;
    readonly partition: number;
    readonly from: number;
    readonly to: number;
    /** When the first record after the gap was published, ms since 1970, where it is known. */
    readonly endedAt?: number;
  }) {
    const { group, topic, partition, from, to, endedAt } = gap;
    const when = endedAt === undefined ? '' : `, published up to ${new Date(endedAt).toISOString()},`;
    super(
      'OFFSET_GAP',
      `Offsets ${from} to ${to} of ${topic}/${partition}${when} are gone before ${group} read them.`,
      {
        hint: `If the loss is understood, accept it: npm run cli -- accept-gap --group ${group} --topic ${topic} --partition ${partition} --to ${to + 1}; then run a full sync of what was lost.`,
      },
    );
  }
}

/** A topic was deleted and made anew: its offsets mean other records. */
export class TopicChangedError extends FullSyncError {
  constructor(topic: string) {
    super('TOPIC_CHANGED', `The topic ${topic} was recreated while it was read.`, {
      hint: 'The process starts again with new positions; jobs that published to the old topic fail and name it.',
    });
  }
}

/**
 * Where a group goes on in a partition: what it committed, or 0. A committed offset without our note that lies at the log
 * start is kafkajs' jump after an offset out of range, which it commits: what lay below was not read by this group.
 *
 * @throws OffsetGapError when the log starts above that.
 */
export async function nextOffsetOf(options: {
  readonly client: Pick<KafkaClient, 'offsets'>;
  readonly group: string;
  readonly topic: TopicName;
  readonly partition: number;
}): Promise<number> {
  const { group, topic, partition } = options;
  const { offsets } = options.client;
  // In this order: both only grow, so a log start read first cannot pass an offset that was committed in time.
  const logStart = (await offsets.start(topic)).get(partition) ?? 0;
  const next = await leftOffAt(options, logStart);
  if (logStart > next) throw new OffsetGapError({ group, topic, partition, from: next, to: logStart - 1 });
  return next;
}

/**
 * The offset that a group committed, 0 without one. An offset without our note that lies at the log start is kafkajs'
 * jump after an offset out of range: what lay below was not read.
 */
export async function leftOffAt(
  at: {
    readonly client: Pick<KafkaClient, 'offsets'>;
    readonly group: string;
    readonly topic: TopicName;
    readonly partition: number;
  },
  logStart: number,
): Promise<number> {
  const commit = await at.client.offsets.commit(at.group, at.topic, at.partition);
  const jumped = commit !== null && commit.note !== commitNote && commit.offset === logStart;
  return commit === null || jumped ? 0 : commit.offset;
}

export interface Expectations {
  readonly start: () => Promise<void>;
  /** After a rebalance nothing is expected until the committed offsets are read again. Resolves to the topic ids. */
  readonly forget: () => Promise<ReadonlyMap<string, string>>;
  /** The id of the batch's topic, once it is certain that nothing is missing below the batch. */
  readonly check: (
    topic: TopicName,
    partition: number,
    first: { readonly offset: number; readonly timestamp: number },
  ) => Promise<string>;
  readonly settle: (topic: TopicName, partition: number, nextOffset: number) => void;
}

/**
 * Watches that each batch begins where the last one ended. kafkajs jumps silently to a default on an offset out of
 * range, so the log start must be checked here.
 */
export function createExpectations(options: {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topics: readonly TopicName[];
  readonly policy: GapPolicy;
}): Expectations {
  const { client, group, topics, policy } = options;
  const expected = new Map<string, number>();
  let topicIds: ReadonlyMap<string, string> = new Map();
  let reading: Promise<void> = Promise.resolve();

  const readTopicIds = async (): Promise<void> => {
    const found = await client.offsets.topicIds(topics);
    for (const topic of topics) {
      const known = topicIds.get(topic);
      if (known !== undefined && found.get(topic) !== known) throw new TopicChangedError(client.named(topic));
    }
    topicIds = found;
  };

  const expectedOffset = async (topic: TopicName, partition: number): Promise<number> => {
    const known = expected.get(`${topic}:${partition}`);
    if (known !== undefined) return known;
    const next = await nextOffsetOf({ client, group, topic, partition });
    expected.set(`${topic}:${partition}`, next);
    return next;
  };

  return {
    start: readTopicIds,
    forget: async () => {
      expected.clear();
      reading = readTopicIds();
      await reading;
      return topicIds;
    },
    check: async (topic, partition, { offset: firstOffset, timestamp }) => {
      await reading;
      const key = `${topic}:${partition}`;
      // With a handler that keeps its own positions nothing is expected before it has settled something, or sought.
      const next = policy === 'halt' ? await expectedOffset(topic, partition) : expected.get(key);
      if (next !== undefined && firstOffset > next) {
        throw new OffsetGapError({ group, topic, partition, from: next, to: firstOffset - 1, endedAt: timestamp });
      }
      if (next !== undefined && firstOffset < next) await readTopicIds();
      const topicId = topicIds.get(topic);
      if (topicId === undefined) throw new TopicChangedError(client.named(topic));
      return topicId;
    },
    settle: (topic, partition, nextOffset) => {
      expected.set(`${topic}:${partition}`, nextOffset);
    },
  };
}
