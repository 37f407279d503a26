import { AvroCursor, MalformedValueError } from './avro-cursor.ts';
import type { CopyRows } from './copy-rows.ts';

/** The columns of a row, in the order in which `transcode` writes them. */
export const copyColumns = [
  'event_id',
  'event_key',
  'namespace',
  'platform',
  'event_type',
  'source_type',
  'campaign_id',
  'campaign_name',
  'source_id',
  'lead_email',
  'lead_id',
  'occurred_at',
  'occurred_at_approximate',
  'properties',
  'fingerprint',
  'job_id',
] as const;

/** What the loader must know of an event beside its row. */
export interface EventFacts {
  readonly eventId: string;
  readonly namespace: string;
  readonly platform: string;
  /** Email, else lead id, else null. */
  readonly lead: string | null;
  readonly jobId: string;
  /** ms since 1970: when it happened by the source, and when its record was fetched. */
  readonly occurredAtMs: number;
  readonly fetchedAtMs: number;
  readonly sourceTopicId: string;
  readonly sourceOffset: number;
  readonly sourceIndex: number;
}

const hashDigits = 32;
const microsecondsTo2000 = 946_684_800_000_000n;
const wireHeaderBytes = 5;
/** Length prefixes, the event id and fixed-size fields of a row, beside the bytes it shares with the Avro value. */
const rowOverhead = 160;

/**
 * Copies one event (registry wire format, this release's schema) into `rows` as one binary COPY row, field by field:
 * Avro and COPY both prefix lengths, so each byte is moved once. Nothing is kept when it throws.
 *
 * @throws MalformedValueError for a value that does not fit the schema or whose key has no hash.
 */
export function transcode(value: Buffer, rows: CopyRows): EventFacts {
  const before = rows.length;
  const writer = new RowWriter(value, rows.reserve(value.length + rowOverhead), before);
  const cursor = writer.cursor;
  cursor.reset(value, wireHeaderBytes);
  writer.count(copyColumns.length);

  cursor.text();
  const eventId = writer.keyAndId();
  const namespace = writer.ascii();
  const platform = writer.ascii();
  writer.text();
  writer.text();
  writer.optional();
  writer.optional();
  writer.optional();
  const email = writer.optional() ? value.toString('utf8', cursor.start, cursor.end) : null;
  const leadId = writer.optional() ? value.toString('utf8', cursor.start, cursor.end) : null;
  const occurredAtMs = cursor.long();
  writer.timestamp(occurredAtMs);
  writer.boolean(cursor.boolean());
  writer.jsonb();
  cursor.fixed(8);
  writer.span();
  const jobId = writer.ascii();
  // These are used in statements before Postgres sees the row.
  if (`${namespace}${platform}${jobId}`.includes('\0')) throw new MalformedValueError('U+0000 in a name');

  cursor.text();
  const sourceTopicId = value.toString('latin1', cursor.start, cursor.end);
  const sourceOffset = cursor.long();
  const sourceIndex = cursor.long();
  cursor.long();
  const fetchedAtMs = cursor.long();
  cursor.finish();
  rows.commit(writer.at);
  return {
    eventId,
    namespace,
    platform,
    lead: email ?? leadId,
    jobId,
    occurredAtMs,
    fetchedAtMs,
    sourceTopicId,
    sourceOffset,
    sourceIndex,
  };
}

class RowWriter {
  readonly cursor = new AvroCursor();
  readonly #value: Buffer;
  readonly #out: Buffer;
  at: number;

  constructor(value: Buffer, out: Buffer, at: number) {
    this.#value = value;
    this.#out = out;
    this.at = at;
  }

  count(columns: number): void {
    this.at = this.#out.writeInt16BE(columns, this.at);
  }

  /** The id (the key's hash as 16 bytes), then the key; returns the hash in hex. */
  keyAndId(): string {
    const { start, end } = this.cursor;
    const hash = this.#value.toString('latin1', Math.max(start, end - hashDigits), end);
    this.at = this.#out.writeInt32BE(16, this.at);
    if (this.#out.write(hash, this.at, 16, 'hex') !== 16) throw new MalformedValueError('the key has no hash');
    this.at += 16;
    this.span();
    return hash;
  }

  text(): void {
    this.cursor.text();
    this.span();
  }

  ascii(): string {
    this.text();
    return this.#value.toString('latin1', this.cursor.start, this.cursor.end);
  }

  optional(): boolean {
    const present = this.cursor.optionalText();
    if (present) this.span();
    else this.at = this.#out.writeInt32BE(-1, this.at);
    return present;
  }

  /** The bytes between the cursor's bounds as one field. */
  span(): void {
    const { start, end } = this.cursor;
    this.at = this.#out.writeInt32BE(end - start, this.at);
    this.at += this.#value.copy(this.#out, this.at, start, end);
  }

  /** jsonb takes its text behind a version byte. */
  jsonb(): void {
    this.cursor.text();
    const { start, end } = this.cursor;
    this.at = this.#out.writeInt32BE(end - start + 1, this.at);
    this.at = this.#out.writeInt8(1, this.at);
    this.at += this.#value.copy(this.#out, this.at, start, end);
  }

  timestamp(ms: number): void {
    if (!Number.isSafeInteger(ms)) throw new MalformedValueError('a time out of range');
    this.at = this.#out.writeInt32BE(8, this.at);
    this.at = this.#out.writeBigInt64BE(BigInt(ms) * 1000n - microsecondsTo2000, this.at);
  }

  boolean(value: number): void {
    this.at = this.#out.writeInt32BE(1, this.at);
    this.at = this.#out.writeInt8(value === 1 ? 1 : 0, this.at);
  }
}
