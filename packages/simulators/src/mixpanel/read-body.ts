import { isUtf8 } from 'node:buffer';
import { gunzipSync } from 'node:zlib';

/** A request that is refused as a whole, with the status and the `error` of its answer. */
export class WholeRefusal extends Error {
  readonly status: number;
  readonly failedRecords: readonly string[] | null;

  constructor(status: number, message: string, failedRecords: readonly string[] | null = null) {
    super(message);
    this.status = status;
    this.failedRecords = failedRecords;
  }
}

export interface Records {
  readonly records: readonly unknown[];
  /** Uncompressed. */
  readonly bytes: number;
  /** Texts stand as Latin-1, so that a record whose UTF-8 is broken can be told from the others. */
  readonly isLatin1: boolean;
}

/**
 * Unpacks a body and reads its records: a JSON array, or one object per line.
 * @throws WholeRefusal for other encodings, too many bytes or records, and what cannot be parsed.
 */
export function readRecords(
  body: Buffer,
  headers: { readonly encoding: string | undefined; readonly type: string | undefined },
  limits: { readonly bytes: number; readonly records: number },
): Records {
  const plain = unpacked(body, headers.encoding);
  if (plain.length > limits.bytes) throw new WholeRefusal(413, `request exceeds max limit of ${limits.bytes} bytes`);
  const isLatin1 = !isUtf8(plain);
  const text = plain.toString(isLatin1 ? 'latin1' : 'utf8');
  const records = parsed(text, headers.type?.startsWith('application/x-ndjson') ?? false);
  if (records.length > limits.records) {
    throw new WholeRefusal(413, `request exceeds max limit of ${limits.records} records`);
  }
  return { records, bytes: plain.length, isLatin1 };
}

function unpacked(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === undefined || encoding === 'identity') return body;
  if (encoding !== 'gzip') throw new WholeRefusal(400, `content encoding ${encoding} is not supported`);
  try {
    return gunzipSync(body);
  } catch {
    // What was wrong with the bytes is of no use to the sender.
    throw new WholeRefusal(400, 'request body is not valid gzip');
  }
}

function parsed(text: string, isLines: boolean): readonly unknown[] {
  try {
    if (isLines) {
      return text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line): unknown => JSON.parse(line));
    }
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Answered below, as a wrong top level is.
  }
  throw new WholeRefusal(400, 'request body must be a JSON array of objects, or one object per line');
}
