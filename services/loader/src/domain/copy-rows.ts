/** What opens and closes a binary COPY (PostgreSQL documentation, COPY, binary format). */
export const copyHeader = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
export const copyTrailer = Buffer.from([0xff, 0xff]);

/** Rows in binary COPY format, written one after the other into one buffer that is used again for the next batch. */
export class CopyRows {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for `bytes` more and returns the buffer to write into, at `length`. */
  reserve(bytes: number): Buffer {
    if (this.#length + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return this.#buffer;
  }

  /** Keeps what was written up to `length`; a smaller one than before takes rows back. */
  commit(length: number): void {
    this.#length = length;
  }

  slice(start: number, end: number): Buffer {
    return this.#buffer.subarray(start, end);
  }

  clear(): void {
    this.#length = 0;
  }
}
