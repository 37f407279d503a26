/** A value that ends before its fields do, or holds more than them. */
export class MalformedValueError extends Error {}

/** Walks the fields of one Avro value without making objects of them. */
export class AvroCursor {
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bounds of the string read last. */
  start = 0;
  end = 0;

  reset(buffer: Buffer, at: number): void {
    this.#buffer = buffer;
    this.#at = at;
  }

  /** A zigzag varint; exact up to 2^53, which offsets and milliseconds never reach. */
  long(): number {
    let byte = this.#next();
    let value = byte & 127;
    let scale = 128;
    while (byte > 127) {
      byte = this.#next();
      value += (byte & 127) * scale;
      scale *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Sets `start` and `end` to the bounds of a string. */
  text(): void {
    const length = this.long();
    this.#take(length);
  }

  /** Like `text` for a union of null and string; false for null. */
  optionalText(): boolean {
    if (this.long() === 0) return false;
    this.text();
    return true;
  }

  boolean(): number {
    return this.#next();
  }

  fixed(length: number): void {
    this.#take(length);
  }

  finish(): void {
    if (this.#at !== this.#buffer.length) throw new MalformedValueError('bytes after the last field');
  }

  #take(length: number): void {
    this.start = this.#at;
    this.end = this.start + length;
    if (length < 0 || this.end > this.#buffer.length) throw new MalformedValueError('ends inside a field');
    this.#at = this.end;
  }

  #next(): number {
    const byte = this.#buffer[this.#at];
    if (byte === undefined) throw new MalformedValueError('ends inside a number');
    this.#at += 1;
    return byte;
  }
}
