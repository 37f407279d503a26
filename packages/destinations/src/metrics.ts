import { createInstruments, destinationMetrics } from '@full-sync/metrics';
import type { Instruments, MetricRegistry } from '@full-sync/metrics';
import type { SlicePlan } from './domain/plan-slice.ts';
import type { DeliveryCounts } from './work.ts';

export type WaitReason = 'rate_limit' | 'throttled' | 'backoff' | 'halted' | 'claimed_elsewhere';
export type BatchEnd = 'rows' | 'bytes' | 'time' | 'end';

/** How old an event was when the destination had acknowledged it, in milliseconds. */
export interface DeliveryAge {
  readonly sinceSourceMs: number;
  readonly sincePublishedMs: number;
}

/** What a destination's process shows of itself. */
export interface DestinationMetrics {
  /** To be called once the counts are committed (I9). */
  readonly noteCounts: (counts: readonly DeliveryCounts[]) => void;
  readonly noteSlice: (plan: SlicePlan) => void;
  readonly noteBatch: (end: BatchEnd, events: number) => void;
  readonly noteRetry: (reason: string) => void;
  readonly noteWait: (reason: WaitReason, ms: number) => void;
  readonly noteSettled: (ms: number) => void;
  /** To be called once it is committed that these are sent (I9); stored events, which a backfill sends, have no age. */
  readonly noteAges: (ages: readonly DeliveryAge[]) => void;
  readonly halted: (targets: number) => void;
  readonly parked: (events: number) => void;
  readonly breaker: (state: 'closed' | 'half-open' | 'open') => void;
}

const { requests, requestSeconds, folded, ...shellMetrics } = destinationMetrics;

/** Instruments of the HTTP requests to a destination, for those that make some. */
export function createRequestInstruments(
  registry: MetricRegistry,
  destination: string,
): Instruments<{ readonly requests: typeof requests; readonly requestSeconds: typeof requestSeconds }> {
  return createInstruments(registry, { requests, requestSeconds }, { destination: [destination] });
}

/** The gauge of totals that have changed and are not written yet, for a destination that folds events. */
export function createFoldInstruments(
  registry: MetricRegistry,
  destination: string,
): Instruments<{ readonly folded: typeof folded }> {
  return createInstruments(registry, { folded }, { destination: [destination] });
}

const retryReasons = ['throttled', 'network', 'timeout', 'status', 'circuit_open', 'unreadable'] as const;
const breakerStates = { closed: 0, 'half-open': 1, open: 2 } as const;

export function createDestinationMetrics(registry: MetricRegistry, destination: string): DestinationMetrics {
  const instruments = createInstruments(registry, shellMetrics, { destination: [destination] });
  const { deliveries, dropped, batches, batchEvents, retries, waiting, halted, parked, breaker } = instruments;
  const sinceSource = instruments.ageSeconds.series({ destination, since: 'source' });
  const sincePublished = instruments.ageSeconds.series({ destination, since: 'published' });
  const settleSeconds = instruments.settleSeconds.series({ destination });
  return {
    noteCounts: (counts) => {
      for (const { sent, skipped, failed } of counts) {
        deliveries.inc({ destination, outcome: 'sent' }, sent);
        deliveries.inc({ destination, outcome: 'skipped' }, skipped);
        deliveries.inc({ destination, outcome: 'failed' }, failed);
      }
    },
    noteSlice: ({ redelivered, replayed, late, notAsked, unreadable }) => {
      dropped.inc({ destination, reason: 'redelivered' }, redelivered);
      dropped.inc({ destination, reason: 'replayed' }, replayed);
      dropped.inc({ destination, reason: 'late' }, late);
      dropped.inc({ destination, reason: 'not_asked' }, notAsked);
      dropped.inc({ destination, reason: 'unreadable' }, unreadable);
    },
    noteBatch: (end, events) => {
      batches.inc({ destination, reason: end });
      batchEvents.observe({ destination }, events);
    },
    noteRetry: (reason) => {
      retries.inc({ destination, reason: retryReasons.find((known) => known === reason) ?? 'other' });
    },
    noteWait: (reason, ms) => {
      waiting.inc({ destination, reason }, ms / 1000);
    },
    noteSettled: (ms) => {
      settleSeconds.observe(ms / 1000);
    },
    noteAges: (ages) => {
      for (const { sinceSourceMs, sincePublishedMs } of ages) {
        sinceSource.observe(Math.max(0, sinceSourceMs) / 1000);
        sincePublished.observe(Math.max(0, sincePublishedMs) / 1000);
      }
    },
    halted: (targets) => {
      halted.set({ destination }, targets);
    },
    parked: (events) => {
      parked.set({ destination }, events);
    },
    breaker: (state) => {
      breaker.set({ destination }, breakerStates[state]);
    },
  };
}
