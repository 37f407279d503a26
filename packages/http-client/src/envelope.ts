import { JsonStreamError } from './json-stream-error.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

export const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * What stands around the rows: keeps every byte outside of the array, and finds where the array begins. Its own
 * validity is left to JSON.parse at the end; here only strings, depth and the keys of the top level are followed.
 */
export class Envelope {
  readonly #field: string | null;
  readonly #maxBytes: number;
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #awaitsKey = false;
  #awaitsValue = false;
  #stringStart = 0;
  #key: string | undefined;
  #found = false;

  /** `field` is the top-level key of the array, or null when the document itself is the array. */
  constructor(field: string | null, maxBytes: number) {
    this.#field = field;
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes bytes of `chunk` from `from` on, and returns the index after the `[` of the array once it is found, else the
   * chunk's length. `offset` is the place of the chunk in the document.
   */
  take(chunk: Uint8Array, from: number, offset: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#length === 0 && isSpace(byte)) continue;
      if (this.#length >= this.#maxBytes) {
        throw new JsonStreamError(
          'envelope-too-large',
          `more than ${this.#maxBytes} bytes around the rows`,
          offset + at,
        );
      }
      if (!this.#inString && byte === openBracket && this.#beginsArray(offset + at)) {
        this.#append(openBracket);
        this.#append(closeBracket);
        return at + 1;
      }
      this.#append(byte);
      if (this.#inString) this.#followString(byte);
      else this.#followStructure(byte);
    }
    return chunk.length;
  }

  /** Whether the array has begun. */
  get found(): boolean {
    return this.#found;
  }

  /** The parsed envelope, the array in it empty, and whether there was one. Throws a JsonStreamError if it is no JSON. */
  finish(offset: number): { readonly found: boolean; readonly value: unknown } {
    if (this.#length === 0) throw new JsonStreamError('empty', 'the document has no content', offset);
    const text = this.#bytes.toString('utf8', 0, this.#length);
    try {
      return { found: this.#found, value: JSON.parse(text) as unknown };
    } catch {
      // JSON.parse quotes the text in its message, and the text may hold anything.
      const open = this.#inString || this.#depth > 0;
      throw new JsonStreamError(open ? 'truncated' : 'invalid', 'what stands around the rows is no JSON', offset);
    }
  }

  #beginsArray(offset: number): boolean {
    if (this.#field === null) {
      if (this.#length > 0) return false;
    } else if (!this.#awaitsValue || this.#depth !== 1 || this.#key !== this.#field) {
      return false;
    }
    if (this.#found) throw new JsonStreamError('invalid', 'the array of rows is there twice', offset);
    this.#awaitsValue = false;
    this.#found = true;
    return true;
  }

  #followString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) {
      this.#inString = false;
      if (this.#awaitsKey && this.#depth === 1) this.#key = this.#readKey();
    }
  }

  #followStructure(byte: number): void {
    if (isSpace(byte)) return;
    this.#awaitsValue = false;
    switch (byte) {
      case quote:
        this.#inString = true;
        this.#stringStart = this.#length - 1;
        break;
      case openBrace:
      case openBracket:
        this.#depth += 1;
        if (this.#depth === 1) this.#awaitsKey = byte === openBrace;
        break;
      case closeBrace:
      case closeBracket:
        this.#depth -= 1;
        break;
      case comma:
        if (this.#depth === 1) this.#awaitsKey = true;
        break;
      case colon:
        if (this.#depth === 1) {
          this.#awaitsKey = false;
          this.#awaitsValue = true;
        }
        break;
      default:
    }
  }

  #readKey(): string | undefined {
    try {
      return String(JSON.parse(this.#bytes.toString('utf8', this.#stringStart, this.#length)));
    } catch {
      // A key that is no JSON string makes the envelope no JSON, which `finish` reports.
      return undefined;
    }
  }

  #append(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = Buffer.allocUnsafe(this.#length * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }
}
