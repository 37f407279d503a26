import type { AnyRecord } from './outgoing-record.ts';

/**
 * The broker's limit holds per batch, that is per partition of a request, and topics take 4 MiB and more. A request is
 * kept smaller than that: while it is encoded, it is in memory several times.
 */
const maxRequestBytes = 2_000_000;
/** Bytes a record takes beside its key, value and headers: varints, timestamps and offsets, generously. */
const recordOverhead = 64;

/**
 * Cuts a send into requests, keeping the order: at most `maxRecords` records, 2 MB in all. A
 * record larger than that goes alone.
 */
export function* splitSend(
  records: readonly AnyRecord[],
  maxRecords = 2_000,
): Generator<readonly AnyRecord[], void, undefined> {
  let start = 0;
  let requestBytes = 0;
  for (const [index, record] of records.entries()) {
    const size = sizeOf(record);
    const full = index - start >= maxRecords || requestBytes + size > maxRequestBytes;
    if (full && index > start) {
      yield records.slice(start, index);
      start = index;
      requestBytes = 0;
    }
    requestBytes += size;
  }
  if (start < records.length) yield records.slice(start);
}

/** Whether records can go in one request as they are. */
export function fitsOneRequest(records: readonly AnyRecord[], maxRecords?: number): boolean {
  const [first] = splitSend(records, maxRecords);
  return first === undefined || first.length === records.length;
}

function sizeOf(record: AnyRecord): number {
  const key = record.key === null ? 0 : Buffer.byteLength(record.key);
  let headers = 0;
  for (const [name, value] of Object.entries(record.headers ?? {}))
    headers += Buffer.byteLength(name) + Buffer.byteLength(value) + 10;
  return recordOverhead + key + (record.value?.length ?? 0) + headers;
}
