import type { Settlement } from '@full-sync/delivery';
import type { OutreachEvent } from '@full-sync/schemas';

/** What the events of a namespace go to. */
export interface Target {
  /**
   * SHA-256 in hex over the address and the project or account, so that two namespaces with the same credentials are
   * one target, and a new key for the same project still is that target. Goes to the ledger.
   */
  readonly id: string;
}

/** What one event becomes. Pure: the same for ever (I2, I3). */
export type ToPayload<Payload> =
  | { readonly kind: 'send'; readonly payload: Payload }
  /** Not meant for the destination; counted as skipped. */
  | { readonly kind: 'skip'; readonly code: string }
  /** Cannot be sent by its own fault; dead-lettered. */
  | { readonly kind: 'reject'; readonly code: string; readonly detail: string; readonly pointer?: string };

export interface Outgoing<Payload> {
  /** The event's hash as 32 hex digits: the same however often it is sent. */
  readonly eventId: string;
  readonly payload: Payload;
  /** The payload as it was stored: `JSON.stringify` of it, made once. */
  readonly json: string;
}

/** What became of a batch. */
export type Delivery =
  /** One settlement per payload, in their order. `retry` asks for that payload again, `halt` is as below. */
  | { readonly kind: 'each'; readonly settlements: readonly Settlement[]; readonly answerCode: number }
  /**
   * Nobody's fault for good: nothing is known to be accepted, and all of it is sent again, after `afterMs` where the
   * destination named a time, else with backoff. `reason` is a short constant for metrics; all but `throttled` count as
   * failures of the host, which open its circuit.
   */
  | { readonly kind: 'retry'; readonly afterMs: number | null; readonly reason: string }
  /** Nothing is accepted until somebody mends something (credentials): pauses, says so, and probes by itself. */
  | { readonly kind: 'halt'; readonly code: string; readonly detail: string };

/** A destination that is sent each event once. Payloads are JSON values: they are stored before they are sent. */
export interface Destination<Payload> {
  /** Names its consumer group, its rows in the ledger and its metrics; `[a-z][a-z0-9_-]*`. */
  readonly name: string;
  /** Events of the jobs that asked for it (the default), or of all jobs. */
  readonly takes?: 'asked' | 'all';
  /** Where the events of a namespace go; null without credentials: they are counted as skipped, and may be backfilled. */
  readonly target: (namespace: string) => Target | null;
  /**
   * Whether namespaces go to different targets. Then the events of one that refuses everything are set aside in Postgres, so
   * that they hold up no other; else they wait in Kafka. False when left out.
   */
  readonly severalTargets?: boolean;
  readonly toPayload: (event: OutreachEvent) => ToPayload<Payload>;
  /**
   * Sends a batch to one target, in order; may split it, and answers for all of it. Several batches may be under way at
   * once. Throws only bugs, and what `signal` was aborted with.
   */
  readonly deliver: (target: Target, batch: readonly Outgoing<Payload>[], signal: AbortSignal) => Promise<Delivery>;
  /** Bounds of one `deliver`; 2,000 events and 9 MB of payload JSON when left out. */
  readonly limits?: { readonly maxEvents: number; readonly maxBytes: number };
}
