import { liesBeyond } from '@full-sync/delivery';
import type { Position, SourcePosition } from '@full-sync/delivery';
import { MalformedValueError } from './avro-cursor.ts';
import type { CopyRows } from './copy-rows.ts';
import { transcode } from './transcode.ts';
import type { EventFacts } from './transcode.ts';

export interface IncomingRecord {
  readonly offset: number;
  /** When it was published, ms since 1970. */
  readonly timestamp: number;
  readonly value: Buffer | null;
}

export interface PlannedRow {
  readonly facts: EventFacts;
  readonly offset: number;
  /** ms since 1970. */
  readonly publishedAtMs: number;
  /** Bounds of the encoded row in `LeafRows.encoded`. */
  readonly start: number;
  readonly end: number;
}

/** The rows for one namespace and platform, in the log's order. */
export interface LeafRows {
  readonly namespace: string;
  readonly platform: string;
  readonly encoded: CopyRows;
  readonly rows: PlannedRow[];
  /** True when a key comes more than once among the rows. */
  hasRepeats: boolean;
}

export interface Fault {
  readonly offset: number;
  readonly value: Buffer;
  readonly detail: string;
}

export interface BatchPlan {
  readonly base: Position;
  readonly next: Position;
  readonly leaves: readonly LeafRows[];
  /** Values that are no events: dead-lettered by their own fault. */
  readonly faults: readonly Fault[];
  /** Records dropped because they lie below the position: redelivered by Kafka, or published again by the keyer. */
  readonly redelivered: number;
  readonly replayed: number;
  /** Events of jobs that have ended: a zombie's late chunk. */
  readonly late: number;
}

export interface PlanOptions {
  readonly records: readonly IncomingRecord[];
  readonly base: Position;
  readonly ended: ReadonlySet<string>;
  /** Brings a value written under another schema to this release's. @throws when it is no event at all. */
  readonly normalise: (value: Buffer | null) => Buffer;
  readonly takeRows: () => CopyRows;
}

/** Decides what of a batch is to be loaded above `base`, and encodes it: replays are told by their source positions (I3). */
export function planBatch(options: PlanOptions): BatchPlan {
  const { records, base, ended } = options;
  const sources: Record<string, SourcePosition> = { ...base.sources };
  const leaves = new Map<string, LeafRows>();
  const seen = new Set<string>();
  const faults: Fault[] = [];
  // Rows are written straight to where the last one went; only a change of leaf moves a row once more.
  let target = options.takeRows();
  let nextOffset = base.nextOffset;
  let redelivered = 0;
  let replayed = 0;
  let late = 0;

  for (const record of records) {
    if (record.offset < nextOffset) {
      redelivered += 1;
      continue;
    }
    nextOffset = record.offset + 1;
    const start = target.length;
    let facts: EventFacts;
    try {
      facts = transcode(options.normalise(record.value), target);
    } catch (error) {
      if (!(error instanceof MalformedValueError)) throw error;
      faults.push({ offset: record.offset, value: record.value ?? Buffer.alloc(0), detail: error.message });
      continue;
    }
    const { sourceTopicId, sourceOffset, sourceIndex } = facts;
    if (!liesBeyond(sources[sourceTopicId], sourceOffset, sourceIndex)) {
      replayed += 1;
      target.commit(start);
      continue;
    }
    sources[sourceTopicId] = [sourceOffset, sourceIndex];
    if (ended.has(facts.jobId)) {
      late += 1;
      target.commit(start);
      continue;
    }
    const leaf = leafOf(leaves, facts, target, options.takeRows);
    if (leaf.encoded !== target) moveRow(target, start, leaf.encoded);
    target = leaf.encoded;
    const end = target.length;
    const { offset, timestamp: publishedAtMs } = record;
    leaf.rows.push({ facts, offset, publishedAtMs, start: leaf.rows.at(-1)?.end ?? 0, end });
    const sizeBefore = seen.size;
    if (seen.add(facts.eventId).size === sizeBefore) leaf.hasRepeats = true;
  }
  return {
    base,
    next: { nextOffset, sources },
    // Sorted, because the loader locks in this order.
    leaves: [...leaves.values()].toSorted((a, b) => compareText(leafKey(a), leafKey(b))),
    faults,
    redelivered,
    replayed,
    late,
  };
}

function leafOf(
  leaves: Map<string, LeafRows>,
  facts: { readonly namespace: string; readonly platform: string },
  target: CopyRows,
  takeRows: () => CopyRows,
): LeafRows {
  const key = leafKey(facts);
  const known = leaves.get(key);
  if (known) return known;
  const { namespace, platform } = facts;
  const encoded = leaves.size === 0 ? target : takeRows();
  const leaf: LeafRows = { namespace, platform, encoded, rows: [], hasRepeats: false };
  leaves.set(key, leaf);
  return leaf;
}

function moveRow(from: CopyRows, start: number, to: CopyRows): void {
  const bytes = from.slice(start, from.length);
  const at = to.length;
  bytes.copy(to.reserve(bytes.length), at);
  to.commit(at + bytes.length);
  from.commit(start);
}

/** A namespace holds no slash, so the pair has one reading. */
export function leafKey(leaf: { readonly namespace: string; readonly platform: string }): string {
  return `${leaf.namespace}/${leaf.platform}`;
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
