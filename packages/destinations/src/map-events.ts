import { deliveryKey } from '@full-sync/database';
import type { NewDelivery } from '@full-sync/database';
import type { Destination, Outgoing, Target, ToPayload } from './destination.ts';
import type { WantedEvent, Work } from './work.ts';

/** An event that the ledger is asked about: the first of its key in the work. */
export interface Entry<Payload> extends NewDelivery {
  readonly key: string;
  readonly wanted: WantedEvent;
  readonly redrive: boolean;
  readonly target: Target;
  readonly mapped: ToPayload<Payload>;
}

export interface MappedWork<Payload> {
  /** Sorted by key: consumers with keys in common wait for each other in one order. */
  readonly entries: readonly Entry<Payload>[];
  /** Who brought the events that have no place in the ledger: those without a target, and repeats within the work. */
  readonly skipped: readonly string[];
}

/** What the destination makes of the events of a piece of work. `targetIds` gives the numbers of targets in the ledger. */
export function mapEvents<Payload>(
  destination: Destination<Payload>,
  work: Work,
  targetIds: ReadonlyMap<string, number>,
): MappedWork<Payload> {
  const entries = new Map<string, Entry<Payload>>();
  const skipped: string[] = [];
  for (const wanted of work.events) {
    const { event, eventId, offset, redrive } = wanted;
    const jobId = work.backfillId ?? event.job_id;
    const target = destination.target(event.namespace);
    if (target === null) {
      skipped.push(jobId);
      continue;
    }
    const targetId = targetIds.get(target.id);
    if (targetId === undefined) throw new Error('a target without its number');
    const key = deliveryKey({ targetId, eventId });
    if (entries.has(key)) {
      skipped.push(jobId);
      continue;
    }
    const mapped = destination.toPayload(event);
    const payload = mapped.kind === 'send' ? JSON.stringify(mapped.payload) : null;
    const { partition } = work;
    entries.set(key, {
      key,
      wanted,
      redrive,
      target,
      mapped,
      targetId,
      eventId,
      jobId,
      partition,
      offset,
      payload,
    });
  }
  const sorted = [...entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return { entries: sorted, skipped };
}

/** What is sent of an entry: as it was stored, should an earlier reader have claimed it. */
export function toOutgoing<Payload>(entry: Entry<Payload>, stored: string | null): Outgoing<Payload> | null {
  const { eventId, mapped, payload } = entry;
  if (stored !== null && stored !== payload) {
    const parsed: Payload = JSON.parse(stored);
    return { eventId, payload: parsed, json: stored };
  }
  return mapped.kind === 'send' ? { eventId, payload: mapped.payload, json: payload ?? '' } : null;
}
