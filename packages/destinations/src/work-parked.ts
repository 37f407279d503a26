import {
  addJobDeliveries,
  claimLanes,
  leaveLane,
  lockLane,
  readParked,
  readParkedPage,
  renewLane,
  unparkEvents,
} from '@full-sync/database';
import type { Database, LaneTurn, ParkedEvent, ParkedLane } from '@full-sync/database';
import type { Codec } from '@full-sync/kafka';
import { resting } from '@full-sync/runtime';
import type { Clock } from '@full-sync/runtime';
import { holdLease } from './hold-lease.ts';
import type { DestinationMetrics } from './metrics.ts';
import { probeAfterMs } from './probing.ts';
import type { DeliveryCounts, Settle, WantedEvent, Work, WorkEnd } from './work.ts';

export interface ParkedDelivery {
  readonly destination: string;
  readonly db: Database;
  readonly codec: Codec<'outreach.events'>;
  readonly settle: Settle;
  readonly owner: string;
  readonly clock: Clock;
  readonly metrics: Pick<DestinationMetrics, 'parked'>;
  readonly beat: () => void;
  readonly fail: (error: unknown) => void;
  /** Namespaces whose target refused everything when this process met it; they leave when it takes events again. */
  readonly refused: Set<string>;
  /** Told of each that leaves, whichever copy has delivered to it. */
  readonly onTaken: (namespace: string) => void;
}

/** Pages in work at once, of all lanes together; their values stay in memory until they are settled. */
const mostPages = 4;
const fullPage = { events: 2_000, bytes: 4_194_304 };
/** Enough to ask whether a target takes events again. */
const firstPage = { events: 50, bytes: 262_144 };
const lease = { leaseMs: 10_000, everyMs: 3_000 };
const lookEveryMs = 1_000;

/**
 * Delivers what was set aside, until `signal` is aborted: a page of each lane in turn, each lane by one copy and in the order
 * of the log (I4), through the same ledger as the topic. A record leaves in the transaction that settles it (I1).
 */
export async function workParked(parts: ParkedDelivery, signal: AbortSignal): Promise<void> {
  const { db, destination, owner, clock } = parts;
  const ending = new AbortController();
  const working = new Set<Promise<void>>();
  await using _end = {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await Promise.all(working);
    },
  };
  const until = AbortSignal.any([signal, ending.signal]);
  let toldAt = -Infinity;
  while (!signal.aborted) {
    parts.beat();
    if (performance.now() - toldAt >= lookEveryMs) {
      await tellStates(parts);
      toldAt = performance.now();
    }
    const most = mostPages - working.size;
    const lanes = most > 0 ? await claimLanes(db.pool, { destination, owner, leaseMs: lease.leaseMs, most }) : [];
    for (const lane of lanes) {
      const work = deliverPage(parts, lane, until)
        .catch(parts.fail)
        .finally(() => working.delete(work));
      working.add(work);
    }
    if (lanes.length === 0 || working.size === mostPages)
      await Promise.race([...working, resting(clock, lookEveryMs, until)]);
  }
}

/** Shows how much is set aside, and tells of namespaces whose target takes events again. */
async function tellStates({ db, destination, metrics, refused, onTaken }: ParkedDelivery): Promise<void> {
  // Taken first: what is set aside during the query is not over.
  const met = [...refused];
  const parked = await readParked(db.pool, destination);
  metrics.parked(parked.reduce((sum, { events }) => sum + events, 0));
  const refusing = new Set(parked.filter((one) => one.refused).map(({ namespace }) => namespace));
  for (const namespace of met) {
    if (refusing.has(namespace)) continue;
    refused.delete(namespace);
    onTaken(namespace);
  }
}

async function deliverPage(parts: ParkedDelivery, lane: ParkedLane, ending: AbortSignal): Promise<void> {
  const { db, codec, settle, refused } = parts;
  using held = holdLease(() => renewLane(db.pool, lane, lease.leaseMs), lease);
  const signal = AbortSignal.any([ending, held.lost]);
  const first = await readParkedPage(db.pool, lane, lane.refusals > 0 ? firstPage : fullPage);
  // Offsets of a topic that was made anew begin again: a piece of work is of one topic.
  const events = first.filter(({ topicId }) => topicId === first[0]?.topicId);
  await codec.prepare(events.map(({ value }) => value));
  const end = events.length === 0 ? 'stale' : await settle(toWork(parts, lane, events, signal));
  if (typeof end === 'object') refused.add(lane.namespace);
  await leaveLane(db.pool, lane, turnAfter(lane, end));
}

function turnAfter({ refusals }: ParkedLane, end: WorkEnd): LaneTurn {
  if (end === 'settled') return { refusals: 0, waitMs: 0 };
  // Refused when it was set aside, too.
  if (typeof end === 'object') return { refusals: refusals + 1, waitMs: probeAfterMs(refusals - 1) };
  return { refusals, waitMs: lookEveryMs };
}

function toWork(
  { destination, codec }: ParkedDelivery,
  lane: ParkedLane,
  events: readonly ParkedEvent[],
  signal: AbortSignal,
): Work {
  return {
    destination,
    backfillId: null,
    partition: lane.partition,
    topicId: events[0]?.topicId ?? null,
    events: events.map((parked) => toWanted(parked, codec)),
    givesUp: true,
    signal,
    lock: (client) => lockLane(client, lane),
    finish: async (client, counts) => {
      // Under a partition of its own, so that nobody who reads the topic waits.
      await addJobDeliveries(client, { destination, partition: -1 }, counts.map(takenOut));
      await unparkEvents(
        client,
        lane,
        events.map(({ parkedId }) => parkedId),
      );
    },
  };
}

/** Each was open since it was set aside. */
function takenOut(counts: DeliveryCounts): DeliveryCounts {
  const { sent, skipped, failed, open } = counts;
  return { ...counts, open: open - (sent + skipped + failed + open) };
}

function toWanted(parked: ParkedEvent, codec: Codec<'outreach.events'>): WantedEvent {
  const { eventId, offset, publishedAtMs, redrive, value } = parked;
  return { event: codec.decode(value), eventId, offset, publishedAtMs, redrive, value };
}
