import { topicNames } from '@full-sync/schemas';

/** The topics in which records of the pipeline wait. */
export const dataTopics = [
  topicNames.smartleadRaw,
  topicNames.lemlistRaw,
  topicNames.events,
  topicNames.deadLetters,
] as const;

export type DataTopic = (typeof dataTopics)[number];

/** How far a group is behind in one partition. */
export interface PartitionLag {
  readonly group: string;
  readonly topic: DataTopic;
  readonly partition: number;
  /** The next offset that the group is to settle: where it stands, or the start of the log where that is above. */
  readonly position: number;
  /** Where it stands; below the start of the log, records were deleted before it had read them. */
  readonly standsAt: number;
  readonly records: number;
  /** Age of the oldest record that waits, by its own timestamp; 0 when none waits. */
  readonly seconds: number;
}

export interface PartitionLog {
  readonly topic: DataTopic;
  readonly partition: number;
  /** The first offset still in the log, and the next to be written. */
  readonly start: number;
  readonly end: number;
}

/** Everything that was measured at one instant: whoever shows lag shows it from here. */
export interface LagSnapshot {
  /** ms since 1970. */
  readonly atMs: number;
  readonly logs: readonly PartitionLog[];
  readonly lags: readonly PartitionLag[];
  readonly throughput: Throughput;
}

export interface Throughput {
  /** Per second, mean of the window. */
  readonly published: number;
  readonly keyed: number;
  readonly loaded: number;
  readonly windowSeconds: number;
}

export interface Lag {
  readonly records: number;
  readonly seconds: number;
}

export interface GroupLag extends Lag {
  readonly topics: Readonly<Record<string, Lag>>;
}

/** What is shown before there is data: every stage and its topics, with nothing waiting. */
export function noLags(): Readonly<Record<string, GroupLag>> {
  const none = { records: 0, seconds: 0 };
  const { smartleadRaw, lemlistRaw, events, deadLetters } = topicNames;
  return {
    keyer: { ...none, topics: { [smartleadRaw]: none, [lemlistRaw]: none } },
    loader: { ...none, topics: { [events]: none } },
    api: { ...none, topics: { [deadLetters]: none } },
  };
}

/** The lag of each group and of its topics: records added up, and the oldest of them. */
export function addUpLags(lags: readonly PartitionLag[]): Readonly<Record<string, GroupLag>> {
  const byGroup = Map.groupBy(lags, ({ group }) => group);
  return Object.fromEntries(
    [...byGroup].map(([group, ofGroup]) => {
      const byTopic = Map.groupBy(ofGroup, ({ topic }) => topic);
      const topics = Object.fromEntries([...byTopic].map(([topic, ofTopic]) => [topic, addUp(ofTopic)]));
      return [group, { ...addUp(ofGroup), topics }];
    }),
  );
}

function addUp(lags: readonly Lag[]): Lag {
  return {
    records: lags.reduce((sum, { records }) => sum + records, 0),
    seconds: Math.max(0, ...lags.map(({ seconds }) => seconds)),
  };
}

/** Totals of all partitions at one instant. */
export interface Totals {
  readonly atMs: number;
  readonly published: number;
  readonly keyed: number;
  readonly loaded: number;
}

/** What went through each stage between the first and the last of `looks`. */
export function throughputOf(looks: readonly Totals[]): Throughput {
  const [first, last] = [looks[0], looks.at(-1)];
  const seconds = first === undefined || last === undefined ? 0 : (last.atMs - first.atMs) / 1_000;
  if (first === undefined || last === undefined || seconds <= 0)
    return { published: 0, keyed: 0, loaded: 0, windowSeconds: 0 };
  // A topic made anew begins at 0 again: then there is nothing to tell from.
  const rate = (name: 'published' | 'keyed' | 'loaded'): number => Math.max(0, (last[name] - first[name]) / seconds);
  return { published: rate('published'), keyed: rate('keyed'), loaded: rate('loaded'), windowSeconds: seconds };
}
