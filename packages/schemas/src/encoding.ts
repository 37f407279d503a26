/** The most bytes that one UTF-16 unit takes in UTF-8. */
const maxBytesPerUnit = 3;
const lengthBytes = 4;

/** Reused by every call: the key function runs once or more per event, and nothing keeps what it wrote here. */
let scratch = Buffer.allocUnsafeSlow(4_096);

/**
 * Each value as UTF-8, preceded by its length in bytes as a 4-byte big-endian integer; no two different lists of
 * well-formed texts give the same bytes. The answer is a view that the next call overwrites.
 */
export function encodeTuple(values: readonly string[]): Buffer {
  let room = 0;
  for (const value of values) room += lengthBytes + value.length * maxBytesPerUnit;
  if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(room * 2);
  let end = 0;
  for (const value of values) {
    const written = scratch.write(value, end + lengthBytes);
    scratch.writeUInt32BE(written, end);
    end += lengthBytes + written;
  }
  return scratch.subarray(0, end);
}
