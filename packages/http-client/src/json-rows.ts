import { RowSplitter, type RowSplitterOptions } from './row-splitter.ts';

/** The document around the rows. */
export interface JsonEnvelope {
  /** Whether the array of rows is there; when not, `value` is the whole document. */
  readonly found: boolean;
  /** The parsed document with the array of rows empty. */
  readonly value: unknown;
}

/**
 * The rows of a JSON document, each as the exact bytes of its element, read once and in order. Iterating throws a
 * JsonStreamError for a document that is cut off or no JSON, and whatever the body throws.
 */
export class JsonRows implements AsyncIterable<Buffer> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #splitter: RowSplitter;
  #envelope: JsonEnvelope | undefined;

  constructor(body: AsyncIterable<Uint8Array>, options: RowSplitterOptions) {
    this.#body = body;
    this.#splitter = new RowSplitter(options);
  }

  /** What stands around the rows; known once they have all been read, before that an Error is thrown. */
  get envelope(): JsonEnvelope {
    if (this.#envelope === undefined) throw new Error('the envelope is known only after the last row');
    return this.#envelope;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    let rows: Buffer[] = [];
    for await (const chunk of this.#body) {
      this.#splitter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), rows);
      if (rows.length === 0) continue;
      for (const row of rows) yield row;
      rows = [];
    }
    this.#envelope = this.#splitter.finish();
  }
}

/**
 * Reads the rows of `body` one by one, never holding more than one row and one chunk, so that a page of thousands of
 * rows with their message bodies costs no more memory than one of them.
 *
 * `array: 'top'` takes the elements of a document that is an array, `{ field }` those of the array under that top-level
 * key. When it is not there, no row comes and `envelope` has `found: false` and the document.
 */
export function readJsonRows(body: AsyncIterable<Uint8Array>, options: RowSplitterOptions): JsonRows {
  return new JsonRows(body, options);
}
