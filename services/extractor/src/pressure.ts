import { sqlState, UnreachableError } from '@full-sync/database';
import type { Database } from '@full-sync/database';
import { createLagTracker, TopicChangedError } from '@full-sync/kafka';
import type { KafkaClient, LagTracker, PartitionOffsets } from '@full-sync/kafka';
import { EnvironmentError, exitCodeOf, exitCodes } from '@full-sync/runtime';
import type { Logger } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import type { ExtractorMetrics } from './metrics.ts';
import { pause } from './pause.ts';

/** Whether the stages behind extraction keep up. */
export interface Pressure {
  /** True while the oldest record not yet keyed or loaded is older than 30 s: nothing new is claimed. */
  readonly held: () => boolean;
  /**
   * Looks every 2 s until `signal` is aborted; while the broker does not answer nothing is claimed either.
   *
   * @throws TopicChangedError when a topic was recreated, EnvironmentError when the broker has not answered for 60 s.
   */
  readonly watch: (signal: AbortSignal) => Promise<void>;
}

const lookEveryMs = 2_000;
/** Topic ids take a connection of their own: they are read at every so many looks. */
const looksPerCheck = 10;
const maxAgeMs = 30_000;
/** A broker that restarts is back before that. */
const maxSilenceMs = 60_000;
const keyerGroup = 'keyer';
const rawTopics = [topicNames.smartleadRaw, topicNames.lemlistRaw] as const;

export function createPressure(options: {
  readonly client: KafkaClient;
  readonly database: Database;
  readonly topicIds: ReadonlyMap<string, string>;
  readonly metrics: ExtractorMetrics;
  readonly logger: Logger;
}): Pressure {
  const { client, metrics, logger } = options;
  const tracker = createLagTracker();
  let held = false;
  let looks = 0;
  const look = async (): Promise<void> => {
    if (looks++ % looksPerCheck === looksPerCheck - 1) await checkTopics(options);
    const keyedAgeMs = await ageOfUnkeyed(client, tracker);
    const loadedAgeMs = await ageOfUnloaded(options, tracker);
    metrics.downstreamLag.set({ stage: 'keyer' }, keyedAgeMs / 1000);
    metrics.downstreamLag.set({ stage: 'loader' }, loadedAgeMs / 1000);
    const nowHeld = Math.max(keyedAgeMs, loadedAgeMs) > maxAgeMs;
    metrics.heldBack.set({}, nowHeld ? 1 : 0);
    if (nowHeld !== held) {
      const fields = { keyerLagMs: Math.round(keyedAgeMs), loaderLagMs: Math.round(loadedAgeMs) };
      if (nowHeld) logger.warn(fields, 'extraction pauses until the stages behind it catch up');
      else logger.info(fields, 'extraction goes on');
    }
    held = nowHeld;
  };
  let heardAt = performance.now();
  let silent = false;
  const lookOrHold = async (): Promise<void> => {
    try {
      await look();
      heardAt = performance.now();
      silent = false;
    } catch (error) {
      // Anything else is Postgres', or a bug, and not for riding out.
      if (!isOfBroker(error)) throw error;
      if (performance.now() - heardAt > maxSilenceMs) {
        throw new EnvironmentError('The Kafka broker does not answer any more', { cause: error });
      }
      if (!silent) logger.warn({ err: error }, 'the broker does not answer: nothing is claimed');
      silent = true;
      metrics.heldBack.set({}, 1);
    }
  };
  return {
    held: () => held || silent,
    watch: async (signal) => {
      while (!signal.aborted) {
        await lookOrHold();
        await pause(lookEveryMs, signal);
      }
    },
  };
}

function isOfBroker(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof TopicChangedError || error instanceof UnreachableError)
    return false;
  return (
    sqlState(error) === undefined && (error.name.startsWith('KafkaJS') || exitCodeOf(error) === exitCodes.environment)
  );
}

/** A raw topic that was recreated has other offsets: targets with the old id would be waited for in vain. */
async function checkTopics({
  client,
  topicIds,
}: {
  readonly client: KafkaClient;
  readonly topicIds: ReadonlyMap<string, string>;
}): Promise<void> {
  const now = await client.offsets.topicIds([...topicIds.keys()]);
  for (const [topic, expected] of topicIds) {
    if (now.get(topic) !== expected) throw new TopicChangedError(topic);
  }
}

async function ageOfUnkeyed(client: KafkaClient, tracker: LagTracker): Promise<number> {
  let oldest = 0;
  for (const topic of rawTopics) {
    const committed = await client.offsets.group(keyerGroup, topic);
    const ends = await client.offsets.end(topic);
    const unread = [...ends.keys()].some((partition) => !committed.has(partition));
    // Where the keyer has committed nothing, all that is in the log is before it, and not what retention has taken.
    const starts: PartitionOffsets = unread ? await client.offsets.start(topic) : new Map();
    const positions = new Map([...ends.keys()].map((p) => [p, committed.get(p) ?? starts.get(p) ?? 0]));
    tracker.sample(topic, ends, performance.now());
    oldest = Math.max(oldest, tracker.ageMs(topic, positions, performance.now()));
  }
  return oldest;
}

async function ageOfUnloaded(
  {
    client,
    database,
    topicIds,
  }: { readonly client: KafkaClient; readonly database: Database; readonly topicIds: ReadonlyMap<string, string> },
  tracker: LagTracker,
): Promise<number> {
  const { rows } = await database.pool.query<{ partition: number; next_offset: string }>(
    'select partition, next_offset from event_positions where topic_id = $1',
    [topicIds.get(topicNames.events)],
  );
  const loaded = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
  const ends = await client.offsets.end(topicNames.events);
  const unread = [...ends.keys()].some((partition) => !loaded.has(partition));
  const starts: PartitionOffsets = unread ? await client.offsets.start(topicNames.events) : new Map();
  const positions = new Map([...ends.keys()].map((p) => [p, loaded.get(p) ?? starts.get(p) ?? 0]));
  tracker.sample(topicNames.events, ends, performance.now());
  return tracker.ageMs(topicNames.events, positions, performance.now());
}
