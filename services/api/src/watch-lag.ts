import type { Database } from '@full-sync/database';
import type { KafkaClient, LogBounds } from '@full-sync/kafka';
import type { Instruments, lagMetrics } from '@full-sync/metrics';
import type { Clock, Logger } from '@full-sync/runtime';
import { topicNames } from '@full-sync/schemas';
import { isUnreachable } from './answer-errors.ts';
import { createEndHistory } from './domain/end-history.ts';
import { dataTopics, throughputOf } from './domain/lag.ts';
import type { DataTopic, LagSnapshot, PartitionLag, PartitionLog, Totals } from './domain/lag.ts';
import { createPositionReader } from './group-positions.ts';
import type { GroupPositions } from './group-positions.ts';
import { lookOnce } from './look-once.ts';
import { createLagDisplay } from './show-lag.ts';
import { createWaitingSince } from './waiting-since.ts';

export interface LagWatch {
  /** Looks every 3 s until `signal` is aborted; broker and database may fail meanwhile. */
  readonly watch: (signal: AbortSignal) => Promise<void>;
  /** Looks now, unless that was done a moment ago; returns within a second, looked or not. */
  readonly refresh: () => Promise<void>;
  /** What the last complete look saw; null before the first. */
  readonly snapshot: () => LagSnapshot | null;
}

/** What came between two looks is dated to half of this at worst, and lag in seconds is to be right within 2 s. */
const lookEveryMs = 3_000;
/** Also when looks take long. */
const shortestRestMs = 500;
/** What a look that began this long ago has seen is shown as it is, ms. */
const freshMs = 50;
/** How long whoever asks waits for a look, ms. */
const patienceMs = 500;
const windowMs = 60_000;
/** Topic ids take a connection of their own: they are read this often, and when a log has become shorter. */
const readIdsEveryMs = 10_000;

type Bounds = ReadonlyMap<DataTopic, ReadonlyMap<number, LogBounds>>;

/** Measures how far every group is behind, in records and in seconds, from offsets, positions and the log. */
export function watchLag(options: {
  readonly client: KafkaClient;
  readonly db: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly instruments: Instruments<typeof lagMetrics>;
}): LagWatch {
  const { client, clock, logger, instruments } = options;
  const { offsets, log } = client;
  const positions = createPositionReader({ offsets, db: options.db, clock });
  const waitingSince = createWaitingSince(log);
  const display = createLagDisplay(instruments);
  const looks: Totals[] = [];
  let snapshot: LagSnapshot | null = null;
  const history = createEndHistory();
  let before: Bounds | null = null;
  let ids: ReadonlyMap<string, string> = new Map();
  let idsReadAtMs = -Infinity;

  const readIds = async (): Promise<void> => {
    const now = await offsets.topicIds(dataTopics);
    // Offsets of a recreated topic have nothing to do with those of the old one.
    if ([...ids].some(([topic, id]) => now.get(topic) !== id)) {
      log.forget();
      history.forget();
      before = null;
    }
    ids = now;
    idsReadAtMs = clock.now();
  };
  const lagsOf = async (groups: readonly GroupPositions[], bounds: Bounds, atMs: number): Promise<PartitionLag[]> => {
    const reached = groups.flatMap((group) => reachedBy(group, bounds));
    const waiting = reached
      .filter(({ records }) => records > 0)
      .map((one) => ({ ...one, arrival: history.arrivalOf(`${one.topic}/${one.partition}`, one.position) }));
    const since = await waitingSince.read(waiting, atMs);
    const ages = new Map(
      waiting.map(({ group, topic, partition }, index) => [
        `${group}/${topic}/${partition}`,
        Math.max(0, atMs - (since[index] ?? atMs)) / 1_000,
      ]),
    );
    return reached.map((one) => ({ ...one, seconds: ages.get(`${one.group}/${one.topic}/${one.partition}`) ?? 0 }));
  };
  const look = async (): Promise<void> => {
    const endTimer = instruments.lookSeconds.startTimer({});
    if (clock.now() - idsReadAtMs >= readIdsEveryMs) await readIds();
    // Positions first: they cannot pass an end that was read later.
    const groups = await positions.read(ids);
    const askedMs = clock.now();
    const bounds = await log.bounds(dataTopics);
    const toldMs = clock.now();
    if (before !== null && isShorter(bounds, before)) await readIds();
    const atMs = clock.now();
    for (const [topic, ofTopic] of bounds)
      for (const [partition, { end }] of ofTopic) history.note(`${topic}/${partition}`, end, { askedMs, toldMs });
    const lags = await lagsOf(groups, bounds, atMs);
    const logs = [...bounds].flatMap(([topic, ofTopic]) =>
      [...ofTopic].map(([partition, both]): PartitionLog => ({ topic, partition, ...both })),
    );
    looks.push(totalsOf(lags, logs, atMs));
    while ((looks[0]?.atMs ?? atMs) < atMs - windowMs) looks.shift();
    before = bounds;
    snapshot = { atMs, logs, lags, throughput: throughputOf(looks) };
    display(snapshot, log.reads());
    endTimer();
  };
  const once = lookOnce(look, { clock, freshMs, patienceMs });
  return {
    refresh: once.refresh,
    watch: async (signal) => {
      let failing = false;
      while (!signal.aborted) {
        const beganAt = performance.now();
        try {
          await once.look();
          failing = false;
        } catch (error) {
          // Only figures depend on it; `followJobs` is who gives up on a broker that stays away.
          if (!failing) logger.warn({ err: error, unreachable: isUnreachable(error) }, 'lag cannot be measured now');
          failing = true;
        }
        await clock.sleep(Math.max(shortestRestMs, lookEveryMs - (performance.now() - beganAt)), signal);
      }
    },
    snapshot: () => snapshot,
  };
}

/** Where a group stands in each partition; what was deleted long ago waits for nobody. */
function reachedBy({ group, topic, next, fromStart }: GroupPositions, bounds: Bounds) {
  return [...(bounds.get(topic) ?? [])].flatMap(([partition, { start, end }]) => {
    const known = next.get(partition);
    if (known === undefined && !fromStart) return [];
    const position = Math.max(known ?? start, start);
    return [{ group, topic, partition, position, standsAt: known ?? start, records: Math.max(0, end - position) }];
  });
}

function isShorter(now: Bounds, before: Bounds): boolean {
  return [...before].some(([topic, ofTopic]) =>
    [...ofTopic].some(([partition, { end }]) => (now.get(topic)?.get(partition)?.end ?? 0) < end),
  );
}

function totalsOf(lags: readonly PartitionLag[], logs: readonly PartitionLog[], atMs: number): Totals {
  const passed = (group: string): number =>
    lags.filter((lag) => lag.group === group).reduce((sum, { position }) => sum + position, 0);
  const published = logs
    .filter(({ topic }) => topic === topicNames.smartleadRaw || topic === topicNames.lemlistRaw)
    .reduce((sum, { end }) => sum + end, 0);
  return { atMs, published, keyed: passed('keyer'), loaded: passed('loader') };
}
