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
  readonly metrics: Pick<DestinationMetrics, 'parked'>;
  readonly beat: () => void;
  readonly fail: (error: unknown) => void;
  /** Told of a namespace of which nothing is set aside any more, whichever copy has delivered it. */
  readonly onDelivered: (namespace: string) => void;
}

const pageEvents = 2_000;
const leaseMs = 10_000;
const renewEveryMs = 3_000;
const lookEveryMs = 1_000;
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
    while (!signal.aborted) {
      const partitions = await readParkedPartitions(db.pool, at);
      if (partitions.length === 0 && (await endParking(db, at))) {
        parts.logger.info({ namespace: at.namespace }, 'what was set aside is delivered');
        return;
      }
      const left = partitions[Symbol.iterator]();
      const lane = async (): Promise<void> => {
        for (const partition of left) await deliverLane(parts, { ...at, partition }, signal);
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    }
  } finally {
    clearInterval(timer);
    await releaseParked(db.pool, at, owner);
  }
}

/** Delivers what is set aside of one partition, page by page, until there is none. */
async function deliverLane(
  parts: ParkedDelivery,
  at: Parked & { readonly partition: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const page = await readParkedPage(parts.db.pool, at, pageEvents);
    // Offsets of a topic that was made anew begin again: a page is of one topic.
    const events = page.filter(({ topicId }) => topicId === page[0]?.topicId);
    if (events.length === 0) return;
    await parts.codec.prepare(events.map(({ value }) => value));
    // Stale: another copy has settled some of it, and the next page is without them.
    await parts.settle(toWork(parts, at.partition, events, signal));
  }
}

function toWork(
  { destination, codec }: ParkedDelivery,
  partition: number,
  page: readonly ParkedEvent[],
  signal: AbortSignal,
): Work {
  const ids = page.map(({ parkedId }) => parkedId);
  return {
    destination,
    backfillId: null,
    partition,
    topicId: page[0]?.topicId ?? null,
    events: page.map((parked) => toWanted(parked, codec)),
    givesUp: false,
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
