import {
  addJobDeliveries,
  lockDestinationPosition,
  openDestinationPosition,
  parkEvents,
  readDestinationPosition,
  readParkedNamespaces,
  storeDestinationPosition,
} from '@full-sync/database';
import type { Database, DestinationPartition, NewParkedEvent } from '@full-sync/database';
import { samePosition } from '@full-sync/delivery';
import type { Position } from '@full-sync/delivery';
import { gapInside, OffsetGapError, UndecodableError } from '@full-sync/kafka';
import type { Codec, ConsumedBatch, ConsumedRecord, KafkaClient } from '@full-sync/kafka';
import type { Logger } from '@full-sync/runtime';
import type { OutreachEvent, RecordWishes } from '@full-sync/schemas';
import { leaveAside } from './domain/leave-aside.ts';
import type { Aside } from './domain/leave-aside.ts';
import { planSlice } from './domain/plan-slice.ts';
import type { SlicePlan } from './domain/plan-slice.ts';
import { addUp } from './domain/tally.ts';
import type { IsLate } from './job-reaches.ts';
import type { DestinationMetrics } from './metrics.ts';
import type { Settle, WantedEvent, Work } from './work.ts';

export interface PartitionReader {
  readonly destination: string;
  readonly takes: 'asked' | 'all';
  /** Whether events whose target refuses everything are set aside, for those of other targets. */
  readonly parks: boolean;
  /** Told of namespaces whose events were set aside here. */
  readonly refused: Set<string>;
  readonly db: Database;
  readonly client: KafkaClient;
  readonly codec: Codec<'outreach.events'>;
  readonly readReaches: (jobIds: Iterable<string>) => Promise<IsLate>;
  readonly settle: Settle;
  readonly metrics: DestinationMetrics;
  readonly logger: Logger;
  /** Aborted when no more is to be begun. */
  readonly draining: AbortSignal;
}

/** Records of one piece of work; a destination cuts them further. */
const sliceRecords = 2_000;
const sliceBytes = 9_000_000;
const lookForLossMs = 500;

/**
 * Hands one batch of one partition to the destination, piece by piece, and returns the next offset to read. A piece's
 * deliveries and the position are settled in one transaction (I1): whatever dies, a second consumer of the partition goes
 * on where the first one's position is. Returns early when the process drains.
 *
 * @throws OffsetGapError when records are missing: loss until proven otherwise. What `batch.lost()` says, when the
 * partition went to somebody else.
 */
export async function readBatch(reader: PartitionReader, batch: ConsumedBatch): Promise<number> {
  const { destination, codec } = reader;
  const at = { destination, topic: batch.topic, topicId: batch.topicId, partition: batch.partition };
  let base = await openPosition(reader, at);
  if (batch.firstOffset > base.nextOffset) return await seekBackOrHalt(reader, batch, base.nextOffset);
  const gap = gapInside(batch.records);
  if (gap !== null) throw gapError(reader, batch, gap.from, gap.to);
  await codec.prepare(batch.records.map(({ value }) => value));
  using watch = watchPartition(batch, reader.draining);
  for (const records of slices(batch.records)) {
    const halted = new Set<string>();
    for (;;) {
      // Passed already, perhaps by somebody else.
      if ((records.at(-1)?.offset ?? -1) < base.nextOffset) break;
      const plan = await plannedSlice(reader, batch, records, base);
      // What this piece has met a refusal of, and what has older events set aside: they come first (I4).
      const parked = new Set([...halted, ...(await readParkedNamespaces(reader.db.pool, at))]);
      const aside = leaveAside(plan.wanted, parked);
      const end = await reader.settle(toWork(reader, at, { plan, aside, signal: watch.signal }));
      if (end === 'settled') {
        reader.metrics.noteSlice(plan);
        for (const { event } of aside.parked) reader.refused.add(event.namespace);
        base = plan.next;
        break;
      }
      const lost = batch.lost();
      if (lost !== undefined) throw lost;
      if (typeof end === 'object') for (const namespace of end.halted) halted.add(namespace);
      base = await openPosition(reader, at);
      if (end === 'aborted') return base.nextOffset;
    }
  }
  return base.nextOffset;
}

/** Where the destination stands; it begins with what the log still holds, and what is older can be backfilled. */
async function openPosition({ db, client }: PartitionReader, at: DestinationPartition): Promise<Position> {
  const known = await readDestinationPosition(db.pool, at);
  if (known !== null) return known;
  const starts = await client.offsets.start(at.topic);
  await openDestinationPosition(db.pool, at, starts.get(at.partition) ?? 0);
  const opened = await readDestinationPosition(db.pool, at);
  if (opened === null) throw new Error('the position row is gone');
  return opened;
}

async function plannedSlice(
  reader: PartitionReader,
  batch: ConsumedBatch,
  records: readonly ConsumedRecord[],
  base: Position,
): Promise<SlicePlan> {
  const { codec, readReaches } = reader;
  const { topicId, partition } = batch;
  const decoded = new Map<Buffer, OutreachEvent | null>();
  const wants = ({ destinations }: RecordWishes): boolean =>
    reader.takes === 'all' || destinations.includes(reader.destination);
  const decode = (value: Buffer | null): OutreachEvent | null => {
    if (value === null) return null;
    const known = decoded.get(value);
    if (known !== undefined) return known;
    const event = decodeOrNull(codec, value);
    decoded.set(value, event);
    return event;
  };
  const draft = planSlice({ records, base, wants, decode, isLate: () => false });
  if (draft.wanted.length === 0) return draft;
  const reaches = await readReaches(draft.wanted.map(({ event }) => event.job_id));
  const isLate = (event: OutreachEvent, offset: number): boolean =>
    reaches(event.job_id, { topicId, partition, offset });
  if (!draft.wanted.some(({ event, offset }) => isLate(event, offset ?? 0))) return draft;
  return planSlice({ records, base, wants, decode, isLate });
}

function decodeOrNull(codec: Codec<'outreach.events'>, value: Buffer): OutreachEvent | null {
  try {
    return codec.decode(value);
  } catch (error) {
    if (error instanceof UndecodableError) return null;
    throw error;
  }
}

function toWork(
  { destination, db, logger, parks }: PartitionReader,
  at: DestinationPartition,
  { plan, aside, signal }: { readonly plan: SlicePlan; readonly aside: Aside; readonly signal: AbortSignal },
): Work {
  return {
    destination,
    backfillId: null,
    partition: at.partition,
    topicId: at.topicId,
    events: aside.now,
    givesUp: parks,
    signal,
    lock: async (client) => samePosition(await lockDestinationPosition({ db, client, at, logger }), plan.base),
    finish: async (client, counts) => {
      await addJobDeliveries(client, at, addUp([...counts, ...aside.counts]));
      await parkEvents(
        client,
        destination,
        aside.parked.map((wanted) => toParked(at, wanted)),
      );
      await storeDestinationPosition(client, at, plan.next);
    },
  };
}

function toParked({ topicId, partition }: DestinationPartition, wanted: WantedEvent): NewParkedEvent {
  const { event, eventId, offset, publishedAtMs, redrive, value } = wanted;
  if (offset === null || publishedAtMs === null) throw new Error('a record of the topic without its place');
  const { namespace, job_id: jobId } = event;
  return { namespace, eventId, jobId, topicId, partition, offset, publishedAtMs, redrive, value };
}

function* slices(records: readonly ConsumedRecord[]): Generator<readonly ConsumedRecord[], void, undefined> {
  let start = 0;
  let bytes = 0;
  for (const [index, { value }] of records.entries()) {
    const size = value?.length ?? 0;
    if (index > start && (index - start >= sliceRecords || bytes + size > sliceBytes)) {
      yield records.slice(start, index);
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < records.length) yield records.slice(start);
}

/** A signal that is aborted when the process drains or the partition may belong to somebody else. */
function watchPartition(batch: ConsumedBatch, draining: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const lost = new AbortController();
  const timer = setInterval(() => {
    if (batch.lost() !== undefined) lost.abort();
  }, lookForLossMs);
  return {
    signal: AbortSignal.any([draining, lost.signal]),
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}

/** Postgres is behind the group's offset: read again from its position if the log still has it. */
async function seekBackOrHalt(reader: PartitionReader, batch: ConsumedBatch, nextOffset: number): Promise<number> {
  const logStart = (await reader.client.offsets.start(batch.topic)).get(batch.partition) ?? 0;
  if (logStart > nextOffset) throw gapError(reader, batch, nextOffset, logStart - 1);
  reader.logger.info(
    { partition: batch.partition, from: batch.firstOffset, to: nextOffset },
    'the database is behind the group: reading again',
  );
  return nextOffset;
}

function gapError({ destination }: PartitionReader, { topic, partition }: ConsumedBatch, from: number, to: number) {
  return new OffsetGapError({ group: destination, topic, partition, from, to });
}
