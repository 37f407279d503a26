import type { LogReader } from '@full-sync/kafka';
import type { Arrival } from './domain/end-history.ts';
import type { DataTopic } from './domain/lag.ts';

/** A partition in which a group has records that wait. */
export interface WaitingPartition {
  readonly group: string;
  readonly topic: DataTopic;
  readonly partition: number;
  readonly position: number;
  /** When the first of them came, as far as the ends of the log tell. */
  readonly arrival: Arrival;
}

export interface WaitingSince {
  /** When the first record that waits was published, ms since 1970, in the order of `waiting`. */
  readonly read: (waiting: readonly WaitingPartition[], nowMs: number) => Promise<readonly number[]>;
}

/** Batches of the log that are fetched per look, where there is anything else to go by. */
const maxReads = 24;
/**
 * Two looks that are no further apart, as two in turn are, tell the time of what came between them to half of that, ms: well
 * within the 2 s to which lag is to be right, and far cheaper than a batch that is fetched.
 */
const closeMs = 3_500;

interface Known {
  readonly position: number;
  readonly sinceMs: number;
  readonly atMs: number;
  /** From the log, and not by the looks between which it came. */
  readonly read: boolean;
}

/**
 * Tells the times of records: by the looks between which they came where these are close, else from the log, and of a
 * position that stands still always from there, once. When there are more to read than is done at once, those come first
 * of which least is known, and of these the ones that were found longest ago. The others show the middle of the two looks,
 * which is off by half the time between these at most, or where even that is not known what was found last: too old, never
 * too young.
 */
export function createWaitingSince(log: Pick<LogReader, 'timeOf'>): WaitingSince {
  const known = new Map<string, Known>();
  const foundAt = (key: string): number => known.get(key)?.atMs ?? 0;
  return {
    read: async (waiting, nowMs) => {
      const all = waiting.map((one) => ({
        ...one,
        key: `${one.group}/${one.topic}/${one.partition}`,
        between: betweenOf(one.arrival),
      }));
      const unread = all.filter(({ key, position }) => !isRead(known.get(key), position));
      const moved = unread.filter(({ key, position }) => known.get(key)?.position !== position);
      const dated = new Set(moved.filter(({ between }) => between.widthMs <= closeMs));
      for (const { key, position, between } of dated)
        known.set(key, { position, sinceMs: between.middleMs, atMs: nowMs, read: false });
      const wanted = unread
        .filter((one) => !dated.has(one))
        .toSorted((a, b) => byWidth(a.between, b.between) || foundAt(a.key) - foundAt(b.key))
        .filter(({ key, between }, index) => index < maxReads || (between.widthMs === Infinity && !known.has(key)));
      await Promise.all(
        wanted.map(async ({ key, topic, partition, position }) => {
          const sinceMs = await log.timeOf(topic, partition, position);
          // Deleted since its position was read: the next look sees another one.
          if (sinceMs !== null) known.set(key, { position, sinceMs, atMs: nowMs, read: true });
        }),
      );
      return all.map(({ key, position, between }) => {
        const last = known.get(key);
        if (last?.position === position || between.widthMs === Infinity) return last?.sinceMs ?? nowMs;
        return between.middleMs;
      });
    },
  };
}

interface Between {
  readonly widthMs: number;
  readonly middleMs: number;
}

function isRead(known: Known | undefined, position: number): boolean {
  return known?.position === position && known.read;
}

/** The widest first; two of infinite width are equal. */
function byWidth(a: Between, b: Between): number {
  return a.widthMs === b.widthMs ? 0 : b.widthMs - a.widthMs;
}

function betweenOf({ afterMs, byMs }: Arrival): Between {
  if (afterMs === null || byMs === null) return { widthMs: Infinity, middleMs: Number.NaN };
  return { widthMs: byMs - afterMs, middleMs: (afterMs + byMs) / 2 };
}
