const INITIAL_BYTES = 256 * 1024;
const POOLED = 4;
const POOLED_BYTES = 32 * 1024 * 1024;

const pool: Buffer[] = [];

/**
 * Assembles a JSON answer straight into bytes: short texts are written, long prepared ones are copied. A page of a
 * thousand 10 KB rows must cost the simulator little, for it shares its processors with what is being measured.
 */
export class JsonBuffer {
  private buffer: Buffer = pool.pop() ?? Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private used = 0;

  text(text: string): this {
    // Three bytes per UTF-16 unit is the most UTF-8 can need.
    this.reserve(text.length * 3);
    this.used += this.buffer.write(text, this.used, 'utf8');
    return this;
  }

  bytes(bytes: Buffer): this {
    this.reserve(bytes.length);
    bytes.copy(this.buffer, this.used);
    this.used += bytes.length;
    return this;
  }

  /** What was written so far; valid until `release`. */
  content(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  /** Gives the memory back for the next answer; the content must not be used any more. */
  release(): void {
    if (pool.length < POOLED && this.buffer.length <= POOLED_BYTES && !pool.includes(this.buffer))
      pool.push(this.buffer);
    this.buffer = Buffer.alloc(0);
    this.used = 0;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.used + bytes));
    this.buffer.copy(grown, 0, 0, this.used);
    this.buffer = grown;
  }
}
