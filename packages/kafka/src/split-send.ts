import type { AnyRecord } from './producer.ts';

/** The broker's limit holds per batch, that is per partition of a request; topics take 4 MiB and more. */
const maxPartitionBytes = 2_000_000;
const maxRequestBytes = 8_000_000;
/** Bytes a record takes beside its key, value and headers: varints, timestamps and offsets, generously. */
const recordOverhead = 64;

/**
 * Cuts a send into requests, keeping the order: at most `maxRecords` records, 2 MB per partition and 8 MB in all. A
 * record larger than that goes alone.
 */
export function* splitSend(
  records: readonly AnyRecord[],
  maxRecords = 2_000,
): Generator<readonly AnyRecord[], void, undefined> {
  let start = 0;
  let requestBytes = 0;
  let partitionBytes = new Map<number, number>();
  for (const [index, record] of records.entries()) {
    const size = sizeOf(record);
    const inPartition = partitionBytes.get(record.partition) ?? 0;
    const full =
      index - start >= maxRecords || inPartition + size > maxPartitionBytes || requestBytes + size > maxRequestBytes;
    if (full && index > start) {
      yield records.slice(start, index);
      start = index;
      requestBytes = 0;
      partitionBytes = new Map();
    }
    requestBytes += size;
    partitionBytes.set(record.partition, (partitionBytes.get(record.partition) ?? 0) + size);
  }
  if (start < records.length) yield records.slice(start);
}

function sizeOf(record: AnyRecord): number {
  const key = record.key === null ? 0 : Buffer.byteLength(record.key);
  let headers = 0;
  for (const [name, value] of Object.entries(record.headers ?? {}))
    headers += Buffer.byteLength(name) + Buffer.byteLength(value) + 10;
  return recordOverhead + key + (record.value?.length ?? 0) + headers;
}
