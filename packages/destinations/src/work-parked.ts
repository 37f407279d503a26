import {
  addJobDeliveries,
  countParked,
  endParking,
  leaseParked,
  lockParked,
  readParkedNamespaces,
  readParkedPage,
  readParkedPartitions,
  releaseParked,
  unparkEvents,
} from '@full-sync/database';
import type { Database, Parked, ParkedEvent } from '@full-sync/database';
import type { Codec } from '@full-sync/kafka';
import type { Clock, Logger } from '@full-sync/runtime';
import { eventIdOf } from './domain/plan-slice.ts';
import type { DestinationMetrics } from './metrics.ts';
import type { DeliveryCounts, Settle, WantedEvent, Work } from './work.ts';

export interface ParkedDelivery {
  readonly destination: string;
  readonly db: Database;
  readonly codec: Codec<'outreach.events'>;
  readonly settle: Settle;
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<DestinationMetrics, 'parked' | 'noteWait'>;
  readonly beat: () => void;
  readonly fail: (error: unknown) => void;
  /** Told of a namespace of which nothing is set aside any more, whichever copy has delivered it. */
  readonly onDelivered: (namespace: string) => void;
}

/** Of one partition at a time; the values stay in memory until they are settled. */
const page = { events: 2_000, bytes: 4_194_304 };
const leaseMs = 10_000;
const renewEveryMs = 3_000;
const lookEveryMs = 1_000;
/** Between two probes of a target that takes nothing: doubled from the first to the last. */
const probe = { firstMs: 5_000, lastMs: 60_000 };
/** Partitions of a namespace in work at once. */
const lanes = 4;

/**
 * Delivers what was set aside, until `signal` is aborted: namespace by namespace at once, each by one copy, partition by
 * partition in the order of the log (I4), through the same ledger as the topic. A record leaves in the transaction that
 * settles it (I1); when none is left, the reader of the topic delivers the namespace's events itself again.
 */
export async function workParked(parts: ParkedDelivery, signal: AbortSignal): Promise<void> {
  const { db, destination, owner, clock, logger } = parts;
  const working = new Map<string, Promise<void>>();
  let before: readonly string[] = [];
  await using _end = { [Symbol.asyncDispose]: async () => void (await Promise.all(working.values())) };
  while (!signal.aborted) {
    parts.beat();
    const parked = await readParkedNamespaces(db.pool, destination);
    parts.metrics.parked(parked.length === 0 ? 0 : await countParked(db.pool, destination));
    for (const namespace of before) if (!parked.includes(namespace)) parts.onDelivered(namespace);
    before = parked;
    for (const namespace of parked) {
      const at = { destination, namespace };
      if (working.has(namespace) || !(await leaseParked(db.pool, at, { owner, leaseMs }))) continue;
      logger.info({ namespace }, 'delivering what was set aside');
      const work = deliverParked(parts, at, signal)
        .catch(parts.fail)
        .finally(() => working.delete(namespace));
      working.set(namespace, work);
    }
    await clock.sleep(lookEveryMs, signal);
  }
}

async function deliverParked(parts: ParkedDelivery, at: Parked, draining: AbortSignal): Promise<void> {
  const { db, owner } = parts;
  const lost = new AbortController();
  const signal = AbortSignal.any([draining, lost.signal]);
  const timer = setInterval(() => {
    leaseParked(db.pool, at, { owner, leaseMs }).then(
      (held) => {
        if (!held) lost.abort();
      },
      // The database does not answer: the next page meets that.
      () => undefined,
    );
  }, renewEveryMs);
  try {
    for (let probes = 0; !signal.aborted;) {
      const partitions = await readParkedPartitions(db.pool, at);
      if (partitions.length === 0 && (await endParking(db, at))) {
        parts.logger.info({ namespace: at.namespace }, 'what was set aside is delivered');
        return;
      }
      const left = partitions[Symbol.iterator]();
      let halted = false;
      const lane = async (): Promise<void> => {
        for (const partition of left) {
          if (halted) return;
          if ((await deliverLane(parts, { ...at, partition }, signal)) === 'halted') halted = true;
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      if (!halted) {
        probes = 0;
        continue;
      }
      await rest(parts, Math.min(probe.lastMs, probe.firstMs * 2 ** probes), signal);
      probes += 1;
    }
  } finally {
    clearInterval(timer);
    await releaseParked(db.pool, at, owner);
  }
}

/** Waits until the time is over or `signal` is aborted. */
async function rest({ clock, metrics }: ParkedDelivery, ms: number, signal: AbortSignal): Promise<void> {
  const beganAt = performance.now();
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  metrics.noteWait('halted', performance.now() - beganAt);
}

/** Delivers what is set aside of one partition, page by page, until there is none or its target takes nothing. */
async function deliverLane(
  parts: ParkedDelivery,
  at: Parked & { readonly partition: number },
  signal: AbortSignal,
): Promise<'over' | 'halted'> {
  while (!signal.aborted) {
    const first = await readParkedPage(parts.db.pool, at, page);
    // Offsets of a topic that was made anew begin again: a piece of work is of one topic.
    const events = first.filter(({ topicId }) => topicId === first[0]?.topicId);
    if (events.length === 0) return 'over';
    await parts.codec.prepare(events.map(({ value }) => value));
    // Stale: another copy has settled some of it, or it was dropped, and the next page is without that.
    const end = await parts.settle(toWork(parts, at.partition, events, signal));
    if (typeof end === 'object') return 'halted';
  }
  return 'over';
}

function toWork(
  { destination, codec }: ParkedDelivery,
  partition: number,
  events: readonly ParkedEvent[],
  signal: AbortSignal,
): Work {
  const ids = events.map(({ parkedId }) => parkedId);
  return {
    destination,
    backfillId: null,
    partition,
    topicId: events[0]?.topicId ?? null,
    events: events.map((parked) => toWanted(parked, codec)),
    givesUp: true,
    signal,
    lock: (client) => lockParked(client, ids),
    finish: async (client, counts) => {
      // Under a partition of its own, so that nobody who reads the topic waits.
      const at = { destination, partition: -1 };
      await addJobDeliveries(client, at, counts.map(takenOut));
      await unparkEvents(client, ids);
    },
  };
}

/** Each was open since it was set aside. */
function takenOut(counts: DeliveryCounts): DeliveryCounts {
  const { sent, skipped, failed, open } = counts;
  return { ...counts, open: open - (sent + skipped + failed + open) };
}

function toWanted(
  { value, offset, publishedAtMs, redrive }: ParkedEvent,
  codec: Codec<'outreach.events'>,
): WantedEvent {
  const event = codec.decode(value);
  return { event, eventId: eventIdOf(event), offset, publishedAtMs, value, redrive };
}
