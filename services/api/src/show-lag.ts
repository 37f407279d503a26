import type { Instruments, lagMetrics } from '@full-sync/metrics';
import type { LagSnapshot } from './domain/lag.ts';

const stages = ['published', 'keyed', 'loaded'] as const;

/** Puts a snapshot in the place of the one before; groups and partitions that are not in it are shown no more. */
export type LagDisplay = (snapshot: LagSnapshot, readsSoFar: number) => void;

export function createLagDisplay(instruments: Instruments<typeof lagMetrics>): LagDisplay {
  const { records, seconds, position, end, start, throughput, lookedAt, reads } = instruments;
  let readsShown = 0;
  return (snapshot, readsSoFar) => {
    for (const gauge of [records, seconds, position, end, start]) gauge.clear();
    for (const { group, topic, ...lag } of snapshot.lags) {
      const labels = { group, topic, partition: String(lag.partition) };
      records.set(labels, lag.records);
      seconds.set(labels, lag.seconds);
      position.set(labels, lag.standsAt);
    }
    for (const { topic, ...log } of snapshot.logs) {
      const labels = { topic, partition: String(log.partition) };
      end.set(labels, log.end);
      start.set(labels, log.start);
    }
    for (const stage of stages) throughput.set({ stage }, snapshot.throughput[stage]);
    lookedAt.set({}, snapshot.atMs / 1_000);
    reads.inc({}, readsSoFar - readsShown);
    readsShown = readsSoFar;
  };
}
