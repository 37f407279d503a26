import { createHash, type Hash } from 'node:crypto';
import { Envelope, isSpace } from './envelope.ts';
import { JsonStreamError, type JsonStreamErrorCode } from './json-stream-error.ts';

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const closeBracket = 0x5d;

/** What a byte means outside of strings, within a row that is an object or an array. */
const structure = new Uint8Array(256);
const opens = 1;
const closes = 2;
const quotes = 3;
structure[0x5b] = structure[0x7b] = opens;
structure[0x5d] = structure[0x7d] = closes;
structure[quote] = quotes;

/** Bytes that end a number, `true`, `false` or `null`. */
const endsScalar = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0d, comma, closeBracket, 0x7d, 0x3a, quote, 0x5b, 0x7b]) endsScalar[byte] = 1;

/** Shorter strings are read byte by byte: a call into memchr costs more than they do. */
const memchrFrom = 64;
const headBytes = 64 * 1024;

/** A row over the limit: enough of it to say in a dead letter what it was. */
export interface OversizedRow {
  /** The first 64 KiB. */
  readonly head: Buffer;
  readonly sizeBytes: number;
  /** Of the whole row, in hexadecimal. */
  readonly sha256: string;
}

export interface RowSplitterOptions {
  /** Where the rows are: the document itself, or the value of one of its top-level keys. */
  readonly array: 'top' | { readonly field: string };
  readonly maxRowBytes: number;
  /** Most bytes outside of the array, 1 MiB when left out. */
  readonly maxEnvelopeBytes?: number;
  /** Told of each row over `maxRowBytes`, which is then left out; without it such a row is a JsonStreamError. */
  readonly onOversized?: (row: OversizedRow) => void;
}

type State = 'envelope' | 'value' | 'container' | 'string' | 'scalar' | 'after';

/**
 * Splits a JSON document, given in chunks cut anywhere, into the elements of one array, without parsing them: it
 * follows strings and depth only, so a row may still be no JSON inside, which JSON.parse of the row then tells.
 */
export class RowSplitter {
  readonly #options: RowSplitterOptions;
  readonly #envelope: Envelope;
  #state: State = 'envelope';
  /** Bytes before the current chunk. */
  #offset = 0;
  #entered = false;
  #first = true;
  #depth = 0;
  /** Inside a string of an open object or array. */
  #inString = false;
  /** The first byte of the next chunk is escaped by a backslash at the end of this one. */
  #escaped = false;
  /** Parts of the open row in earlier chunks. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #oversized: { readonly head: Buffer; readonly hash: Hash } | undefined;

  constructor(options: RowSplitterOptions) {
    this.#options = options;
    const field = options.array === 'top' ? null : options.array.field;
    this.#envelope = new Envelope(field, options.maxEnvelopeBytes ?? 1024 * 1024);
  }

  /**
   * Adds to `rows` each row that ends in `chunk`: a view of the chunk where the row lies in it, so a row that is kept
   * keeps its chunk. Throws a JsonStreamError.
   */
  push(chunk: Buffer, rows: Buffer[]): void {
    let at = 0;
    /** Where the open row begins in this chunk. */
    let start = 0;
    const end = chunk.length;
    while (at < end) {
      switch (this.#state) {
        case 'envelope':
          at = this.#envelope.take(chunk, at, this.#offset);
          if (this.#envelope.found && !this.#entered) {
            this.#entered = true;
            this.#state = 'value';
          }
          break;
        case 'value': {
          const byte = chunk[at] ?? 0;
          if (isSpace(byte)) {
            at += 1;
            break;
          }
          start = at;
          at += 1;
          this.#begin(byte, start);
          break;
        }
        case 'container':
          at = this.#scanContainer(chunk, at);
          if (this.#depth === 0) this.#finishRow(chunk, start, at, rows);
          break;
        case 'string':
          at = this.#scanString(chunk, at);
          if (at < 0) at = end;
          else this.#finishRow(chunk, start, at, rows);
          break;
        case 'scalar':
          while (at < end && endsScalar[chunk[at] ?? 0] === 0) at += 1;
          if (at < end) this.#finishRow(chunk, start, at, rows);
          break;
        case 'after':
          at = this.#next(chunk[at] ?? 0, at);
          break;
      }
    }
    if (this.#state === 'container' || this.#state === 'string' || this.#state === 'scalar') {
      this.#keep(chunk.subarray(start));
    }
    this.#offset += end;
  }

  /** The envelope with the array empty. Throws a JsonStreamError when the document is not complete or no JSON. */
  finish(): { readonly found: boolean; readonly value: unknown } {
    if (this.#state !== 'envelope') throw this.#error('truncated', 'the document ends within the rows');
    return this.#envelope.finish(this.#offset);
  }

  #begin(byte: number, at: number): void {
    const kind = structure[byte];
    if (byte === closeBracket && this.#first) {
      this.#state = 'envelope';
    } else if (kind === opens) {
      this.#state = 'container';
      this.#depth = 1;
    } else if (kind === quotes) {
      this.#state = 'string';
    } else if (endsScalar[byte] === 1) {
      throw this.#error('invalid', 'a row was expected', at);
    } else {
      this.#state = 'scalar';
    }
    this.#first = false;
  }

  #next(byte: number, at: number): number {
    if (byte === comma) this.#state = 'value';
    else if (byte === closeBracket) this.#state = 'envelope';
    else if (!isSpace(byte)) throw this.#error('invalid', 'a comma or ] was expected after a row', at);
    return at + 1;
  }

  /** Follows an object or array to the index after its end, or to the chunk's. */
  #scanContainer(chunk: Buffer, from: number): number {
    const end = chunk.length;
    let at = from;
    let depth = this.#depth;
    if (this.#inString) {
      at = this.#scanString(chunk, at);
      if (at < 0) return end;
      this.#inString = false;
    }
    while (at < end) {
      const kind = structure[chunk[at] ?? 0];
      at += 1;
      if (kind === 0) continue;
      if (kind === quotes) {
        at = this.#scanString(chunk, at);
        if (at < 0) {
          this.#inString = true;
          at = end;
        }
      } else if (kind === opens) {
        depth += 1;
      } else {
        depth -= 1;
        if (depth === 0) break;
      }
    }
    this.#depth = depth;
    return at;
  }

  /** From inside a string to the index after its closing quote; -1 when that is not in this chunk. */
  #scanString(chunk: Buffer, from: number): number {
    const end = chunk.length;
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      at += 1;
    }
    const near = Math.min(end, at + memchrFrom);
    while (at < near) {
      const byte = chunk[at];
      if (byte === quote) return at + 1;
      at += byte === backslash ? 2 : 1;
    }
    // `at` may be one past the end: a backslash was the last byte.
    const floor = at;
    while (at < end) {
      const found = chunk.indexOf(quote, at);
      const stop = found < 0 ? end : found;
      let run = stop;
      while (run > floor && chunk[run - 1] === backslash) run -= 1;
      const odd = ((stop - run) & 1) === 1;
      if (found < 0) {
        this.#escaped = odd;
        return -1;
      }
      if (!odd) return found + 1;
      at = found + 1;
    }
    this.#escaped = at > end;
    return -1;
  }

  #finishRow(chunk: Buffer, start: number, end: number, rows: Buffer[]): void {
    const row = chunk.subarray(start, end);
    this.#state = 'after';
    if (this.#partBytes + row.length > this.#options.maxRowBytes) {
      this.#keep(row);
      this.#finishOversized();
    } else if (this.#partBytes === 0) {
      rows.push(row);
    } else {
      this.#parts.push(row);
      rows.push(Buffer.concat(this.#parts, this.#partBytes + row.length));
    }
    this.#parts = [];
    this.#partBytes = 0;
  }

  /** Keeps a part of a row that goes on; of a row over the limit only its head, size and hash. */
  #keep(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#oversized !== undefined) {
      this.#oversized.hash.update(part);
      return;
    }
    this.#parts.push(part);
    if (this.#partBytes <= this.#options.maxRowBytes) return;
    if (this.#options.onOversized === undefined) {
      throw this.#error('row-too-large', `a row has more than ${this.#options.maxRowBytes} bytes`);
    }
    const hash = createHash('sha256');
    for (const kept of this.#parts) hash.update(kept);
    this.#oversized = { head: Buffer.from(Buffer.concat(this.#parts).subarray(0, headBytes)), hash };
    this.#parts = [];
  }

  #finishOversized(): void {
    if (this.#oversized === undefined) return;
    const { head, hash } = this.#oversized;
    this.#oversized = undefined;
    this.#options.onOversized?.({ head, sizeBytes: this.#partBytes, sha256: hash.digest('hex') });
  }

  #error(code: JsonStreamErrorCode, detail: string, at = 0): JsonStreamError {
    return new JsonStreamError(code, detail, this.#offset + at);
  }
}
