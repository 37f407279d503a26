import type { Client } from '@full-sync/database';
import type { DeliveryCounts } from './domain/tally.ts';
import type { WantedEvent } from './domain/wanted-event.ts';

export type { DeliveryCounts, WantedEvent };

/**
 * A bounded piece of work for a destination: part of a partition's batch, a page of a backfill, or of what was
 * set aside. Its events are
 * settled, then its place moves on, in one transaction (I1).
 */
export interface Work {
  readonly destination: string;
  /** Who is credited in the ledger with events of no job of their own: the backfill; null = each event's own job. */
  readonly backfillId: string | null;
  /** Of the events topic; null for a backfill. */
  readonly partition: number | null;
  readonly topicId: string | null;
  /** All of it, in order; also the second of two events with one id. */
  readonly events: readonly WantedEvent[];
  /**
   * Locks the place of this work in the caller's transaction; false when it has moved on: somebody else has settled it,
   * and nothing of it is to be done or counted any more.
   */
  readonly lock: (client: Client) => Promise<boolean>;
  /** Adds the counts and moves the place past all of the work, in the transaction that called `lock`. */
  readonly finish: (client: Client, counts: readonly DeliveryCounts[]) => Promise<void>;
  /** Whether to end with `Halted` where a target refuses everything, rather than to wait until it takes something. */
  readonly givesUp: boolean;
  /** Aborted when the process drains or the partition belongs to somebody else: give up and return. */
  readonly signal: AbortSignal;
}

/**
 * How a piece of work ended. `settled` = its place has moved past it; `stale` = somebody else has moved the place;
 * `aborted` = `signal` was aborted before all of it was settled.
 */
export type WorkEnd = 'settled' | 'stale' | 'aborted' | Halted;

/** The place has not moved: these namespaces go to targets that refuse everything. What others of it took is in the ledger. */
export interface Halted {
  readonly halted: readonly string[];
}

/** Settles a piece of work. Throws only bugs and the environment. */
export type Settle = (work: Work) => Promise<WorkEnd>;
