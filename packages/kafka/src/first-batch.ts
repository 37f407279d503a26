/** What a batch of the log says of itself, and of the record that was looked for. */
export interface FirstBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** When the record at the offset was published, ms since 1970. */
  readonly timestampMs: number;
  /** True when that is the time of all its records. */
  readonly ofAll: boolean;
}

/** Where things stand in a batch (Kafka documentation, record batch, magic 2). */
const at = { length: 8, magic: 16, attributes: 21, lastDelta: 23, baseTime: 27, maxTime: 35, records: 61 } as const;
const compressionBits = 7;
const appendTimeBit = 8;
/** Records of a batch that were made within this time count as made together, ms. */
const together = 250;

/**
 * Reads the first batch of `bytes` as far as it tells when the record at `offset` was published; null when it does not
 * hold that record. Of a compressed batch that was filled for long it is the time of its first record: never too young.
 */
export function readFirstBatch(bytes: Buffer, offset: number): FirstBatch | null {
  if (bytes.length < at.records || bytes.readInt8(at.magic) !== 2) return null;
  const firstOffset = Number(bytes.readBigInt64BE(0));
  const lastOffset = firstOffset + bytes.readInt32BE(at.lastDelta);
  if (offset < firstOffset || offset > lastOffset) return null;
  const attributes = bytes.readInt16BE(at.attributes);
  const baseTime = Number(bytes.readBigInt64BE(at.baseTime));
  const maxTime = Number(bytes.readBigInt64BE(at.maxTime));
  const found = (timestampMs: number, ofAll = true): FirstBatch => ({ firstOffset, lastOffset, timestampMs, ofAll });
  if ((attributes & appendTimeBit) !== 0) return found(maxTime);
  if (maxTime - baseTime <= together || (attributes & compressionBits) !== 0) return found(baseTime);
  const end = Math.min(bytes.length, at.length + 4 + bytes.readInt32BE(at.length));
  return found(baseTime + timeDeltaOf(bytes.subarray(at.records, end), offset - firstOffset), false);
}

/** The time of the record with this delta of offset, against the batch's; 0 when it is not there. */
function timeDeltaOf(records: Buffer, offsetDelta: number): number {
  let position = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = records.readUInt8(position);
      position += 1;
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  while (position < records.length) {
    const length = varint();
    const next = position + length;
    position += 1;
    const timeDelta = varint();
    if (varint() >= offsetDelta) return timeDelta;
    position = next;
  }
  return 0;
}
