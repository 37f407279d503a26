import { liesBeyond } from '@full-sync/delivery';
import type { Position } from '@full-sync/delivery';
import { readWishes } from '@full-sync/schemas';
import type { OutreachEvent, RecordWishes } from '@full-sync/schemas';
import type { WantedEvent } from './wanted-event.ts';

export interface SliceRecord {
  readonly offset: number;
  /** When it was published, ms since 1970. */
  readonly timestamp: number;
  readonly value: Buffer | null;
  readonly headers: Parameters<typeof readWishes>[0];
}

export interface SliceOptions {
  readonly records: readonly SliceRecord[];
  readonly base: Position;
  readonly wants: (wishes: RecordWishes) => boolean;
  /** Null for a value that is no event: the loader dead-letters it. */
  readonly decode: (value: Buffer | null) => OutreachEvent | null;
  readonly isLate: (event: OutreachEvent, offset: number) => boolean;
}

/** What a destination does with some records of a partition, and where it stands after them. */
export interface SlicePlan {
  readonly wanted: readonly WantedEvent[];
  readonly base: Position;
  readonly next: Position;
  /** Records below the position: delivered by Kafka again. */
  readonly redelivered: number;
  /** Events that a keyer published again. */
  readonly replayed: number;
  /** Events of jobs that had ended: a zombie's late chunk. */
  readonly late: number;
  /** Records of jobs that did not ask for the destination. */
  readonly notAsked: number;
  /** Values that are no events; the loader dead-letters them. */
  readonly unreadable: number;
}

const hashDigits = 32;

/** Decides which of the records above `base` the destination is to have. What no job wants of it is not even decoded. */
export function planSlice({ records, base, wants, decode, isLate }: SliceOptions): SlicePlan {
  const sources = { ...base.sources };
  const wanted: WantedEvent[] = [];
  let { nextOffset } = base;
  let redelivered = 0;
  let replayed = 0;
  let late = 0;
  let notAsked = 0;
  let unreadable = 0;
  for (const { offset, timestamp, value, headers } of records) {
    if (offset < nextOffset) {
      redelivered += 1;
      continue;
    }
    nextOffset = offset + 1;
    const wishes = readWishes(headers);
    if (!wants(wishes)) {
      notAsked += 1;
      continue;
    }
    const event = decode(value);
    if (event === null || value === null) {
      unreadable += 1;
      continue;
    }
    if (!liesBeyond(sources[event.source_topic_id], event.source_offset, event.source_index)) {
      replayed += 1;
      continue;
    }
    sources[event.source_topic_id] = [event.source_offset, event.source_index];
    if (isLate(event, offset)) {
      late += 1;
      continue;
    }
    const { redrive } = wishes;
    wanted.push({ event, eventId: eventIdOf(event), offset, publishedAtMs: timestamp, value, redrive });
  }
  return { wanted, base, next: { nextOffset, sources }, redelivered, replayed, late, notAsked, unreadable };
}

/** The hash at the end of an event's key: 32 hex digits. */
export function eventIdOf(event: Pick<OutreachEvent, 'event_key'>): string {
  return event.event_key.slice(-hashDigits);
}
