import { Counter, Gauge, Histogram } from '@full-sync/runtime';
import type { Registry } from '@full-sync/runtime';
import type { SlicePlan } from './domain/plan-slice.ts';
import type { DeliveryCounts } from './work.ts';

export interface DestinationMetrics {
  /** To be called once the counts are committed (I9). */
  readonly noteCounts: (counts: readonly DeliveryCounts[]) => void;
  readonly noteSlice: (plan: SlicePlan) => void;
  /** `outcome`: `delivered`, `halt`, `circuit-open` or the reason of a retry. */
  readonly noteAttempt: (outcome: string, events: number, elapsedMs: number) => void;
  readonly takenOver: (events: number) => void;
  readonly halted: (targets: number) => void;
  readonly circuitsOpen: (circuits: number) => void;
}

/** The closed list of metrics that every destination has. */
export function createDestinationMetrics(registry: Registry, destination: string): DestinationMetrics {
  const registers = [registry];
  const events = new Counter({
    name: 'full_sync_destination_events_total',
    help: 'Events settled in the ledger by outcome. Many failed: the destination refuses them, see the dead letters.',
    labelNames: ['destination', 'outcome'],
    registers,
  });
  const repeats = new Counter({
    name: 'full_sync_destination_repeats_total',
    help: 'Records told apart by position: redelivered by Kafka, replayed by a keyer, or late ones of ended jobs.',
    labelNames: ['destination', 'kind'],
    registers,
  });
  const attempts = new Counter({
    name: 'full_sync_destination_attempts_total',
    help: 'Batches handed to the destination by outcome. Many throttled: its rate limit is the bottleneck.',
    labelNames: ['destination', 'outcome'],
    registers,
  });
  const batchEvents = new Histogram({
    name: 'full_sync_destination_batch_events',
    help: 'Events per batch. Low while there is lag: batches are cut by bytes.',
    labelNames: ['destination'],
    buckets: [1, 10, 50, 100, 250, 500, 1_000, 2_000],
    registers,
  });
  const seconds = new Histogram({
    name: 'full_sync_destination_deliver_seconds',
    help: 'Time that the destination took for one batch. High: the destination is slow.',
    labelNames: ['destination'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const takenOver = new Counter({
    name: 'full_sync_destination_taken_over_total',
    help: 'Deliveries that were claimed by a process that did not settle them, and were sent again as stored.',
    labelNames: ['destination'],
    registers,
  });
  const halted = new Gauge({
    name: 'full_sync_destination_halted_targets',
    help: 'Targets that accept nothing until somebody mends something, usually credentials. Above zero: mend them.',
    labelNames: ['destination'],
    registers,
  });
  const circuits = new Gauge({
    name: 'full_sync_destination_circuits_open',
    help: 'Targets that are left alone for a while because their host failed. Above zero for long: the host is down.',
    labelNames: ['destination'],
    registers,
  });
  const labels = { destination };
  // There from the start, so that a rate over them is 0 and not missing.
  for (const outcome of ['sent', 'skipped', 'failed']) events.inc({ ...labels, outcome }, 0);
  for (const kind of ['redelivered', 'replayed', 'late']) repeats.inc({ ...labels, kind }, 0);
  takenOver.inc(labels, 0);
  halted.set(labels, 0);
  circuits.set(labels, 0);
  return {
    noteCounts: (counts) => {
      for (const { sent, skipped, failed } of counts) {
        events.inc({ ...labels, outcome: 'sent' }, sent);
        events.inc({ ...labels, outcome: 'skipped' }, skipped);
        events.inc({ ...labels, outcome: 'failed' }, failed);
      }
    },
    noteSlice: ({ redelivered, replayed, late }) => {
      repeats.inc({ ...labels, kind: 'redelivered' }, redelivered);
      repeats.inc({ ...labels, kind: 'replayed' }, replayed);
      repeats.inc({ ...labels, kind: 'late' }, late);
    },
    noteAttempt: (outcome, count, elapsedMs) => {
      attempts.inc({ ...labels, outcome });
      if (outcome === 'circuit-open') return;
      batchEvents.observe(labels, count);
      seconds.observe(labels, elapsedMs / 1000);
    },
    takenOver: (count) => {
      takenOver.inc(labels, count);
    },
    halted: (targets) => {
      halted.set(labels, targets);
    },
    circuitsOpen: (open) => {
      circuits.set(labels, open);
    },
  };
}
