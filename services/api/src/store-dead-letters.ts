import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  advanceDeadLetterPosition,
  insertDeadLetters,
  lockDeadLetterPosition,
  openDeadLetterPosition,
} from '@full-sync/database';
import type { Client, Database, NewDeadLetter, StoredLetter } from '@full-sync/database';
import { OffsetGapError, UndecodableError, consumeBatches, gapInside, originOf } from '@full-sync/kafka';
import type { Codec, ConsumedBatch, ConsumedRecord, KafkaClient } from '@full-sync/kafka';
import { letterCodeLabel } from '@full-sync/metrics';
import type { Health } from '@full-sync/runtime';
import { deadLetterExcerptBytes, topicNames } from '@full-sync/schemas';
import type { DeadLetter } from '@full-sync/schemas';
import type { LetterReader } from './letter-reader.ts';
import type { ApiMetrics } from './metrics.ts';

const apiGroup = 'api';

type LetterCodec = Codec<'outreach.dead-letters'>;

/** Bytes of records in one insert: they are sent as text, so a statement takes several times that in memory. */
const maxInsertBytes = 2_097_152;

export interface DeadLetterDeps {
  readonly client: KafkaClient;
  readonly db: Database;
  readonly codec: LetterCodec;
  readonly letters: LetterReader;
  readonly metrics: ApiMetrics;
  readonly health: Health;
  readonly onFailure: (error: Error) => void;
}

/**
 * Stores the dead letters of all stages in Postgres until `signal` is aborted: letters and position in one transaction
 * (I1), one row per origin (I3). The position in Postgres rules; the group's offsets are a hint for lag tools.
 */
export async function storeDeadLetters(deps: DeadLetterDeps, signal: AbortSignal): Promise<void> {
  const { client, health } = deps;
  const stopped = once(signal, 'abort');
  // Joining the group waits for the session of a killed predecessor, which the API need not.
  const consumer = await consumeBatches({
    client,
    group: apiGroup,
    topics: [topicNames.deadLetters],
    concurrency: 1,
    maxBytesPerPartition: 1_048_576,
    maxBytes: 2_097_152,
    gapPolicy: 'handler',
    onBatch: (batch) => storeBatch(deps, batch),
    onBeat: () => {
      health.beat('dead letters');
    },
    onFailure: deps.onFailure,
  });
  if (!signal.aborted) await stopped;
  await consumer[Symbol.asyncDispose]();
}

/**
 * Makes the positions of a topic that was never read from here: it may begin anywhere, but from now on nothing of it may
 * go missing. To be called before `storeDeadLetters`.
 */
export async function openDeadLetterPositions({ client, db }: Pick<DeadLetterDeps, 'client' | 'db'>): Promise<void> {
  const ids = await client.offsets.topicIds([topicNames.deadLetters]);
  const topicId = ids.get(topicNames.deadLetters);
  if (topicId === undefined) throw new Error('the dead letter topic vanished at start');
  for (const [partition, start] of await client.offsets.start(topicNames.deadLetters))
    await openDeadLetterPosition(db.pool, { topicId, partition }, start);
}

/** Stores one batch and returns the next offset to read. */
async function storeBatch(deps: DeadLetterDeps, batch: ConsumedBatch): Promise<number> {
  const { client, db, codec } = deps;
  await codec.prepare(batch.records.map((record) => record.value));
  const read = await readBatch(deps, batch);
  const logStart = (await client.offsets.start(batch.topic)).get(batch.partition) ?? 0;
  const { nextOffset, stored } = await db.transaction(async (tx) => {
    const position = { topicId: batch.topicId, partition: batch.partition };
    const next = (await lockDeadLetterPosition(tx, position)) ?? 0;
    const { firstOffset, lastOffset } = batch;
    if (firstOffset > next) {
      if (logStart <= next) return { nextOffset: next, stored: [] };
      throw new OffsetGapError({
        group: apiGroup,
        topic: batch.topic,
        partition: batch.partition,
        from: next,
        to: logStart - 1,
      });
    }
    if (lastOffset < next) return { nextOffset: next, stored: [] };
    const fresh = read.filter(({ offset }) => offset >= next);
    const gap = gapInside(fresh);
    if (gap !== null)
      throw new OffsetGapError({ group: apiGroup, topic: batch.topic, partition: batch.partition, ...gap });
    const inserted = await insertAll(
      tx,
      fresh.map(({ letter }) => letter),
    );
    await advanceDeadLetterPosition(tx, position, lastOffset + 1);
    return { nextOffset: lastOffset + 1, stored: inserted };
  });
  // Once they are committed (I9).
  for (const { stage, code } of stored) deps.metrics.lettersStored.inc({ stage, code: letterCodeLabel(code, stage) });
  return nextOffset;
}

/** The letters of a batch, each with what it is about. */
async function readBatch(
  { codec, letters }: DeadLetterDeps,
  batch: ConsumedBatch,
): Promise<readonly { readonly offset: number; readonly letter: NewDeadLetter }[]> {
  const read = batch.records.map((record) => ({ offset: record.offset, letter: readLetter(codec, batch, record) }));
  await letters.prepare(read.flatMap(({ letter }) => (isAboutEvent(letter) ? [letter.record] : [])));
  return read.map(({ offset, letter }) => ({ offset, letter: { ...letter, ...subjectOf(letter, letters) } }));
}

/** Stages behind the keyer reject events, whole unless they are larger than any of ours. */
function isAboutEvent({ stage, truncated }: DeadLetter): boolean {
  return !['extractor', 'keyer', apiGroup].includes(stage) && !truncated;
}

/** Which raw record, and which event of it, a letter is about: a replay that comes back is known by that. */
function subjectOf(letter: DeadLetter, letters: LetterReader): Pick<NewDeadLetter, 'source' | 'event_key'> {
  if (letter.stage === 'keyer') {
    return { source: /^[0-9a-f-]{36}:\d+:\d+(?=:)/.exec(letter.origin)?.[0] ?? null };
  }
  const event = isAboutEvent(letter) ? letters.event(letter.record) : null;
  if (event === null || letter.origin_partition === null) return {};
  // Events keep the partition of their raw record.
  const source = `${event.source_topic_id}:${letter.origin_partition}:${event.source_offset}`;
  return { source, event_key: event.event_key };
}

async function insertAll(tx: Client, letters: readonly NewDeadLetter[]): Promise<readonly StoredLetter[]> {
  const stored: StoredLetter[] = [];
  let part: NewDeadLetter[] = [];
  let bytes = 0;
  for (const letter of letters) {
    if (bytes > 0 && bytes + letter.record.length > maxInsertBytes) {
      stored.push(...(await insertDeadLetters(tx, part)));
      part = [];
      bytes = 0;
    }
    part.push(letter);
    bytes += letter.record.length;
  }
  return [...stored, ...(await insertDeadLetters(tx, part))];
}

/** A letter that cannot be read is stored as a letter about itself: nothing on this topic may stop the ones behind it. */
function readLetter(codec: LetterCodec, batch: ConsumedBatch, record: ConsumedRecord): DeadLetter {
  try {
    return codec.decode(record.value);
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    const bytes = record.value ?? Buffer.alloc(0);
    return {
      stage: apiGroup,
      code: error.code,
      detail: error.message,
      pointer: null,
      origin: originOf({ ...batch, offset: record.offset, index: 0, stage: apiGroup }),
      origin_topic: batch.topic,
      origin_partition: batch.partition,
      origin_offset: record.offset,
      origin_index: 0,
      stream_id: null,
      job_id: null,
      namespace: null,
      platform: null,
      attempt: 1,
      failed_at: record.timestamp,
      record: bytes.subarray(0, deadLetterExcerptBytes),
      record_bytes: bytes.length,
      record_sha256: createHash('sha256').update(bytes).digest(),
      truncated: bytes.length > deadLetterExcerptBytes,
    };
  }
}
