import type { OutreachEvent } from '@full-sync/schemas';

/** An event that the destination is to have, in the order of the log. */
export interface WantedEvent {
  readonly event: OutreachEvent;
  /** The hash of its key: 32 hex digits. */
  readonly eventId: string;
  /** The record's offset in its partition of the events topic; null for stored events. */
  readonly offset: number | null;
  /** When the keyer published it, ms since 1970; null for stored events. */
  readonly publishedAtMs: number | null;
  /** As it was published, for a dead letter. */
  readonly value: Buffer;
  /** True for what somebody asked for once more: deliveries that have failed are tried again. */
  readonly redrive: boolean;
}
