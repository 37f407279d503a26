import type { LogReader } from '@full-sync/kafka';
import type { DataTopic } from './domain/lag.ts';

/** A partition in which a group has records that wait. */
export interface WaitingPartition {
  readonly group: string;
  readonly topic: DataTopic;
  readonly partition: number;
  readonly position: number;
  /** The last instant at which the first of them was not there yet, ms since 1970; null when that is not known. */
  readonly notBeforeMs: number | null;
}

export interface WaitingSince {
  /** When the first record that waits was published, ms since 1970, in the order of `waiting`. */
  readonly read: (waiting: readonly WaitingPartition[], nowMs: number) => Promise<readonly number[]>;
}

/** Batches of the log that are fetched per look, where there is anything else to go by. */
const maxReads = 24;

interface Known {
  readonly position: number;
  readonly sinceMs: number;
  readonly readAtMs: number;
}

/**
 * Reads the times of records from the log. A position that stands still costs nothing. When more have moved than are to
 * be read at once, those that were read longest ago have their turn; of the others it shows since when a fresh record can
 * be there at most, or what was read last: too old, never too young.
 */
export function createWaitingSince(log: Pick<LogReader, 'timeOf'>): WaitingSince {
  const known = new Map<string, Known>();
  return {
    read: async (waiting, nowMs) => {
      const all = waiting.map((one) => ({ ...one, key: `${one.group}/${one.topic}/${one.partition}` }));
      const stale = all
        .filter(({ key, position }) => known.get(key)?.position !== position)
        .toSorted((a, b) => (known.get(a.key)?.readAtMs ?? 0) - (known.get(b.key)?.readAtMs ?? 0));
      const wanted = stale.filter(
        ({ key, notBeforeMs }, index) => index < maxReads || (notBeforeMs === null && !known.has(key)),
      );
      await Promise.all(
        wanted.map(async ({ key, topic, partition, position }) => {
          const sinceMs = await log.timeOf(topic, partition, position);
          // Deleted since its position was read: the next look sees another one.
          if (sinceMs !== null) known.set(key, { position, sinceMs, readAtMs: nowMs });
        }),
      );
      return all.map(({ key, position, notBeforeMs }) => {
        const last = known.get(key);
        if (last?.position === position) return last.sinceMs;
        return notBeforeMs ?? last?.sinceMs ?? nowMs;
      });
    },
  };
}
