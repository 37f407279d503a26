import type { TopicName } from '@full-sync/schemas';
import type { Acknowledgement, AnyRecord } from './outgoing-record.ts';
import { fitsOneRequest } from './split-send.ts';

export interface PendingSend {
  readonly topic: TopicName;
  readonly records: readonly AnyRecord[];
  readonly maxRecords: number | undefined;
  readonly resolve: (acknowledged: Acknowledgement[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Takes the next sends off the queue that may share one request: of one topic, in their order, within the bounds of a
 * request and of each send's own `maxRecords`. A send that is too large by itself comes alone.
 */
export function takeGroup(pending: PendingSend[]): PendingSend[] {
  const [first] = pending;
  if (first === undefined) return [];
  const group = [first];
  let records = first.records;
  let bound = first.maxRecords;
  for (const next of pending.slice(1)) {
    if (next.topic !== first.topic) break;
    const joined = [...records, ...next.records];
    const tighter = Math.min(bound ?? Infinity, next.maxRecords ?? Infinity);
    if (!fitsOneRequest(joined, tighter === Infinity ? undefined : tighter)) break;
    group.push(next);
    records = joined;
    bound = tighter === Infinity ? undefined : tighter;
  }
  pending.splice(0, group.length);
  return group;
}

/** Which part of each acknowledged range belongs to which send: within a partition they lie in the order of the sends. */
export function shareOut(
  sends: readonly Pick<PendingSend, 'records'>[],
  acknowledged: readonly Acknowledgement[],
): Acknowledgement[][] {
  const next = new Map(acknowledged.map(({ partition, firstOffset }) => [partition, firstOffset]));
  return sends.map(({ records }) => {
    const counts = new Map<number, number>();
    for (const { partition } of records) counts.set(partition, (counts.get(partition) ?? 0) + 1);
    return [...counts].map(([partition, count]) => {
      const firstOffset = next.get(partition);
      if (firstOffset === undefined) throw new Error(`partition ${partition} was not acknowledged`);
      next.set(partition, firstOffset + count);
      return { partition, firstOffset, lastOffset: firstOffset + count - 1 };
    });
  });
}
