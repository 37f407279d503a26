import { createHash } from 'node:crypto';
import { JsonStreamError, readJsonRows } from '@full-sync/http-client';
import type { JsonEnvelope } from '@full-sync/http-client';
import type { OutgoingRecord } from '@full-sync/kafka';
import {
  dataPartitions,
  isRecord,
  leadIdentity,
  maxRawRecordBytes,
  parseJson,
  partitionFor,
  readEmail,
  readId,
  readTime,
  stringifyJson,
  stripRecord,
} from '@full-sync/schemas';
import type { Platform, RawRecord } from '@full-sync/schemas';
import { shortHash } from './domain/short-hash.ts';
import type { RowMark } from './domain/walk.ts';
import { textWithoutBodies } from './skip-bodies.ts';

/** A row that cannot be published, to be dead-lettered. */
export interface UnfitRecord {
  readonly code: 'RECORD_TOO_LARGE' | 'RECORD_TOO_DEEP';
  readonly detail: string;
  /** What may be kept of it: never message bodies that are not to be stored. */
  readonly record: Buffer;
  readonly sizeBytes: number;
  readonly sha256: Buffer;
}

export interface ReadRow {
  readonly mark: RowMark;
  /** The campaign that the row itself names, null = none; left out where it cannot be read or is not asked for. */
  readonly campaignId?: string | null;
  readonly content: OutgoingRecord | UnfitRecord;
}

/** Encodes a raw record, for whichever platform's topic. */
export interface RawCodec {
  readonly encode: (value: RawRecord) => Buffer;
}

export interface RowReader {
  readonly platform: Platform;
  readonly codec: RawCodec;
  readonly storeMessageBodies: boolean;
  /** What all raw records of the chunk have in common. */
  readonly common: Omit<RawRecord, 'record' | 'fetched_at'>;
  readonly now: () => number;
  /** Told how many bytes the rows read so far take. */
  readonly onBytes: (bytes: number) => void;
}

/** No row comes near it; one that does is not parsed, so that it cannot take the process with it. */
const maxRowBytes = 33_554_432;

/** True for a row that is published, and not dead-lettered. */
export function isFit(content: OutgoingRecord | UnfitRecord): content is OutgoingRecord {
  return 'partition' in content;
}

/**
 * Reads the rows of a page, stripped and encoded one by one as they come, so that a page of bodies is never held. Throws
 * a JsonStreamError for a body that is no JSON and a BodyError for one that breaks.
 */
export async function readRows(
  body: AsyncIterable<Uint8Array>,
  array: 'top' | { readonly field: string },
  reader: RowReader,
): Promise<{ readonly rows: readonly ReadRow[]; readonly envelope: JsonEnvelope }> {
  const rows: ReadRow[] = [];
  let bytes = 0;
  const source = readJsonRows(body, {
    array,
    maxRowBytes,
    onOversized: ({ head, sizeBytes, sha256 }) => {
      const content: UnfitRecord = {
        code: 'RECORD_TOO_LARGE',
        detail: `the row has ${sizeBytes} bytes`,
        // Not parsed, so not stripped either.
        record: reader.storeMessageBodies ? head : Buffer.alloc(0),
        sizeBytes,
        sha256: Buffer.from(sha256, 'hex'),
      };
      rows.push({ mark: { id: sha256, timeMs: null }, content });
    },
  });
  for await (const bytesOfRow of source) {
    const text = reader.storeMessageBodies ? bytesOfRow.toString('utf8') : textWithoutBodies(bytesOfRow);
    const row = readRow(text, reader);
    rows.push(row);
    bytes += isFit(row.content) ? row.content.value.length : row.content.record.length;
    reader.onBytes(bytes);
  }
  return { rows, envelope: source.envelope };
}

function readRow(text: string, reader: RowReader): ReadRow {
  const { platform, codec, common } = reader;
  const value = parseRow(text);
  if (value instanceof RangeError) return { mark: { id: hashOf(text), timeMs: null }, content: tooDeep(text, reader) };
  const mark = markOf(platform, value, text);
  const stripped = stripOf(value, reader.storeMessageBodies);
  if (stripped instanceof RangeError) return { mark, content: tooDeep(text, reader) };
  const record = stripped === value ? stringifyJson(value) : stringifyJson(stripped);
  const size = Buffer.byteLength(record);
  if (size > maxRawRecordBytes) return { mark, content: tooLarge(record, size) };
  const identity = leadIdentity(platform, value);
  const partition = partitionFor(identity ?? Buffer.from(record), dataPartitions);
  return {
    mark,
    ...(platform === 'lemlist' && isRecord(value) ? { campaignId: readId(value['campaignId']) } : {}),
    content: { partition, key: identity, value: codec.encode({ ...common, fetched_at: reader.now(), record }) },
  };
}

/** A row's value; a RangeError, not thrown, for one too deep to be read. Throws a JsonStreamError for what is no JSON. */
export function parseRow(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof RangeError) return error;
    if (!(error instanceof SyntaxError)) throw error;
    // Without the parser's message: it quotes the row (I7).
    throw new JsonStreamError('invalid', 'a row is no JSON', 0);
  }
}

function stripOf(value: unknown, storeMessageBodies: boolean): unknown {
  try {
    return stripRecord(value, { storeMessageBodies });
  } catch (error) {
    if (error instanceof RangeError) return error;
    throw error;
  }
}

/** The id by which pages are checked against each other, and the time that the source filters by. */
function markOf(platform: Platform, value: unknown, text: string): RowMark {
  if (!isRecord(value)) return { id: hashOf(text), timeMs: null };
  const time = readTime(platform === 'smartlead' ? value['sent_time'] : value['createdAt']);
  const timeMs = typeof time === 'number' ? time : null;
  const id = readId(platform === 'smartlead' ? value['stats_id'] : value['_id']);
  if (id !== null) return { id, timeMs };
  const email = readEmail(value['lead_email']);
  if (platform === 'lemlist' || email === null) return { id: hashOf(text), timeMs };
  return { id: `${email} ${String(value['sequence_number'])} ${String(value['sent_time'])}`, timeMs };
}

function hashOf(text: string): string {
  return shortHash(text).toString(36);
}

function tooLarge(record: string, sizeBytes: number): UnfitRecord {
  const bytes = Buffer.from(record);
  return {
    code: 'RECORD_TOO_LARGE',
    detail: `the record has ${sizeBytes} bytes, at most ${maxRawRecordBytes} are published`,
    record: bytes,
    sizeBytes,
    sha256: createHash('sha256').update(bytes).digest(),
  };
}

function tooDeep(text: string, { storeMessageBodies }: RowReader): UnfitRecord {
  const bytes = Buffer.from(text);
  return {
    code: 'RECORD_TOO_DEEP',
    detail: 'objects and arrays nest too deep to be stripped of message bodies',
    record: storeMessageBodies ? bytes : Buffer.alloc(0),
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest(),
  };
}
