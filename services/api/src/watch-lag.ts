import type { Database } from '@full-sync/database';
import { createLagTracker } from '@full-sync/kafka';
import type { Offsets, PartitionOffsets } from '@full-sync/kafka';
import type { Clock, Logger } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { isUnreachable } from './answer-errors.ts';

/** How far a group is behind a topic. */
export interface Lag {
  readonly records: number;
  /** Age of the oldest record that waits, exact to the interval of looking; 0 when none waits. */
  readonly seconds: number;
}

export interface Throughput {
  /** Per second, over the last minute of looking. */
  readonly published: number;
  readonly keyed: number;
  readonly loaded: number;
  readonly windowSeconds: number;
}

export interface LagWatch {
  /** Looks every 2 s until `signal` is aborted; broker and database may fail meanwhile. */
  readonly watch: (signal: AbortSignal) => Promise<void>;
  readonly lags: () => Readonly<Record<string, Readonly<Record<string, Lag>>>>;
  readonly throughput: () => Throughput;
  /** When the last look was complete, ms since 1970; null before the first. */
  readonly lookedAtMs: () => number | null;
}

const lookEveryMs = 2_000;
const windowMs = 60_000;

const followed = [
  { group: 'keyer', topic: topicNames.smartleadRaw },
  { group: 'keyer', topic: topicNames.lemlistRaw },
  { group: 'loader', topic: topicNames.events },
  { group: 'api', topic: topicNames.deadLetters },
] as const;

interface Look {
  readonly atMs: number;
  readonly published: number;
  readonly keyed: number;
  readonly loaded: number;
}

/** What is shown before there is data: every group and topic, with nothing waiting. */
export function noLags(): Record<string, Record<string, Lag>> {
  const lags: Record<string, Record<string, Lag>> = {};
  for (const { group, topic } of followed) lags[group] = { ...lags[group], [topic]: { records: 0, seconds: 0 } };
  return lags;
}

/** Watches how far each stage is behind: the keyer by its committed offsets, the others by their positions in Postgres. */
export function watchLag(options: {
  readonly offsets: Offsets;
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}): LagWatch {
  const { offsets, db, clock, logger } = options;
  const tracker = createLagTracker();
  const lags = noLags();
  const looks: Look[] = [];

  const positionsIn = async (group: string, topic: string): Promise<PartitionOffsets> => {
    if (group === 'keyer') return await offsets.group(group, topic);
    const table = group === 'loader' ? 'event_positions' : 'dead_letter_positions';
    const topicId = (await offsets.topicIds([topic])).get(topic) ?? null;
    const { rows } = await db.pool.query<{ partition: number; next: string }>(
      `select partition, next_offset as next from ${table} where topic_id = $1`,
      [topicId],
    );
    return new Map(rows.map(({ partition, next }) => [partition, Number(next)]));
  };
  const lagOf = async (group: string, topic: string) => {
    // Positions first: they cannot pass an end that was read later.
    const positions = await positionsIn(group, topic);
    const ends = await offsets.end(topic);
    const starts = await offsets.start(topic);
    const atMs = clock.now();
    // What was deleted long ago waits for nobody.
    const reached = new Map([...ends.keys()].map((p) => [p, Math.max(positions.get(p) ?? 0, starts.get(p) ?? 0)]));
    tracker.sample(topic, ends, atMs);
    const behind = [...ends].reduce((sum, [p, end]) => sum + Math.max(0, end - (reached.get(p) ?? 0)), 0);
    const seconds = behind === 0 ? 0 : tracker.ageMs(topic, reached, atMs) / 1_000;
    return { lag: { records: behind, seconds }, ended: total(ends), reached: total(reached) };
  };
  const look = async (): Promise<void> => {
    let published = 0;
    let keyed = 0;
    let loaded = 0;
    for (const { group, topic } of followed) {
      const { lag, ended, reached } = await lagOf(group, topic);
      lags[group] = { ...lags[group], [topic]: lag };
      if (group === 'keyer') {
        published += ended;
        keyed += reached;
      } else if (group === 'loader') {
        loaded += reached;
      }
    }
    const atMs = clock.now();
    looks.push({ atMs, published, keyed, loaded });
    while ((looks[0]?.atMs ?? atMs) < atMs - windowMs) looks.shift();
  };
  return {
    watch: async (signal) => {
      let failing = false;
      while (!signal.aborted) {
        try {
          await look();
          failing = false;
        } catch (error) {
          // Only figures depend on it; `followJobs` is who gives up on a broker that stays away.
          if (!failing) logger.warn({ err: error, unreachable: isUnreachable(error) }, 'lag cannot be read now');
          failing = true;
        }
        await clock.sleep(lookEveryMs, signal);
      }
    },
    lags: () => lags,
    throughput: () => {
      const [first, last] = [looks[0], looks.at(-1)];
      const seconds = first === undefined || last === undefined ? 0 : (last.atMs - first.atMs) / 1_000;
      if (first === undefined || last === undefined || seconds === 0)
        return { published: 0, keyed: 0, loaded: 0, windowSeconds: 0 };
      // A topic made anew begins at 0 again: then there is nothing to tell from.
      const rate = (name: 'published' | 'keyed' | 'loaded'): number =>
        Math.max(0, (last[name] - first[name]) / seconds);
      return { published: rate('published'), keyed: rate('keyed'), loaded: rate('loaded'), windowSeconds: seconds };
    },
    lookedAtMs: () => looks.at(-1)?.atMs ?? null,
  };
}

function total(offsets: PartitionOffsets): number {
  return [...offsets.values()].reduce((sum, offset) => sum + offset, 0);
}
