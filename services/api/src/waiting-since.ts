import type { RecordTimes } from '@full-sync/kafka';
import type { DataTopic } from './domain/lag.ts';

/** A partition in which a group has records that wait. */
export interface WaitingPartition {
  readonly group: string;
  readonly topic: DataTopic;
  readonly partition: number;
  readonly position: number;
}

export interface WaitingSince {
  /** When the first record that waits was published, ms since 1970, in the order of `waiting`. */
  readonly read: (waiting: readonly WaitingPartition[], nowMs: number) => Promise<readonly number[]>;
}

/** Batches of the log that are fetched per look for partitions of which an older figure is known. */
const maxReads = 24;

interface Known {
  readonly position: number;
  readonly sinceMs: number;
  readonly readAtMs: number;
}

/**
 * Reads the times of records from the log. A position that stands still costs nothing. While many groups work through old
 * records, those that were read longest ago have their turn, and the others show what was read last: too old, never too
 * young.
 */
export function createWaitingSince(times: RecordTimes): WaitingSince {
  const known = new Map<string, Known>();
  return {
    read: async (waiting, nowMs) => {
      const keys = waiting.map(({ group, topic, partition }) => `${group}/${topic}/${partition}`);
      const stale = waiting
        .map((one, index) => ({ one, key: keys[index] ?? '' }))
        .filter(({ one, key }) => known.get(key)?.position !== one.position)
        .toSorted((a, b) => (known.get(a.key)?.readAtMs ?? 0) - (known.get(b.key)?.readAtMs ?? 0));
      const wanted = stale.filter(({ key }, index) => index < maxReads || !known.has(key));
      await Promise.all(
        wanted.map(async ({ one: { topic, partition, position }, key }) => {
          const sinceMs = await times.at(topic, partition, position);
          // Deleted since its position was read: the next look sees another one.
          if (sinceMs !== null) known.set(key, { position, sinceMs, readAtMs: nowMs });
        }),
      );
      return keys.map((key) => known.get(key)?.sinceMs ?? nowMs);
    },
  };
}
