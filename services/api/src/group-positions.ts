import { readGroupPositions } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import type { Offsets } from '@full-sync/kafka';
import type { Clock } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import type { DataTopic } from './domain/lag.ts';

/** Where a group stands in one topic: the next offset per partition, where it has one. */
export interface GroupPositions {
  readonly group: string;
  readonly topic: DataTopic;
  readonly next: ReadonlyMap<number, number>;
  /** Whether partitions without an entry are read from the start of the log; else nobody waits for them. */
  readonly fromStart: boolean;
}

const keyerGroup = 'keyer';
const rawTopics = [topicNames.smartleadRaw, topicNames.lemlistRaw] as const;
/** Groups of other readers of the events that are shown; the first by name. */
const maxOthers = 10;
/** Groups that are asked whether they read the events, per search; the others have their turn later. */
const maxAsked = 50;
const searchEveryMs = 30_000;

export interface PositionReader {
  /** The positions of all groups in the topics with these ids. */
  readonly read: (ids: ReadonlyMap<string, string>) => Promise<readonly GroupPositions[]>;
}

/**
 * Reads where every group stands, whether or not it runs: the keyer by its committed offsets, loader, api and destinations
 * by their positions in Postgres, which rule, and whoever else commits offsets in the events topic.
 */
export function createPositionReader(options: {
  readonly offsets: Offsets;
  readonly db: Database;
  readonly clock: Clock;
}): PositionReader {
  const { offsets, db, clock } = options;
  let others: readonly string[] = [];
  let searchedAtMs = -Infinity;
  const readersOfNothing = new Set<string>();

  const searchOthers = async (ours: ReadonlySet<string>): Promise<void> => {
    searchedAtMs = clock.now();
    const strangers = (await offsets.groups()).filter((group) => !ours.has(group));
    // Those that were asked in vain are asked again once all have been asked.
    if (strangers.every((group) => readersOfNothing.has(group) || others.includes(group))) readersOfNothing.clear();
    const found: string[] = [];
    const asked = strangers.filter((group) => !readersOfNothing.has(group)).toSorted();
    for (const group of asked.slice(0, maxAsked)) {
      if ((await offsets.allOf(group)).has(topicNames.events)) found.push(group);
      else readersOfNothing.add(group);
    }
    others = found.slice(0, maxOthers);
  };
  const readOther = async (group: string): Promise<GroupPositions> => {
    const next = (await offsets.allOf(group)).get(topicNames.events) ?? new Map<number, number>();
    return { group, topic: topicNames.events, next, fromStart: false };
  };
  return {
    read: async (ids) => {
      const committed = await offsets.allOf(keyerGroup);
      const keyer = rawTopics.map((topic) => {
        return { group: keyerGroup, topic, next: committed.get(topic) ?? new Map<number, number>(), fromStart: true };
      });
      const [eventsId, lettersId] = [ids.get(topicNames.events), ids.get(topicNames.deadLetters)];
      const stored = await readGroupPositions(
        db.pool,
        [eventsId, lettersId].filter((id) => id !== undefined),
      );
      const byGroup = Map.groupBy(stored, ({ group }) => group);
      const own = new Set(['loader', ...byGroup.keys()]);
      own.delete('api');
      const nextOf = (group: string): ReadonlyMap<number, number> =>
        new Map((byGroup.get(group) ?? []).map(({ partition, nextOffset }) => [partition, nextOffset]));
      const events = [...own].map((group) => {
        return { group, topic: topicNames.events, next: nextOf(group), fromStart: true };
      });
      const letters = { group: 'api', topic: topicNames.deadLetters, next: nextOf('api'), fromStart: true };
      const ours = new Set([keyerGroup, 'api', ...own]);
      if (clock.now() - searchedAtMs >= searchEveryMs) await searchOthers(ours);
      const strangers = await Promise.all(others.filter((group) => !ours.has(group)).map(readOther));
      return [...keyer, ...events, letters, ...strangers];
    },
  };
}
