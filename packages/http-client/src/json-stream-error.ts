/**
 * - `empty`: no bytes but white space.
 * - `truncated`: the document ends in the middle.
 * - `invalid`: it is not JSON, at least in its structure.
 * - `row-too-large`, `envelope-too-large`: more bytes than the caller allows.
 */
export type JsonStreamErrorCode = 'empty' | 'truncated' | 'invalid' | 'row-too-large' | 'envelope-too-large';

/** A JSON document that cannot be split into rows. The message gives the place, never the content (I7). */
export class JsonStreamError extends Error {
  readonly code: JsonStreamErrorCode;
  /** Bytes of the document before the fault. */
  readonly offset: number;

  constructor(code: JsonStreamErrorCode, detail: string, offset: number) {
    super(`JSON ${code} at byte ${offset}: ${detail}`);
    this.name = 'JsonStreamError';
    this.code = code;
    this.offset = offset;
  }
}
