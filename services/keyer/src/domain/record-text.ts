import { isRecord, maxRawRecordBytes, parseJson, sanitiseValue, stringifyJson, stripRecord } from '@full-sync/schemas';
import type { StripOptions } from '@full-sync/schemas';
import { reject, rejectCodes } from './facts.ts';
import type { Rejection } from './facts.ts';

/** A record as it can be read and stored. */
export interface ReadRecord {
  readonly kind: 'record';
  readonly record: Readonly<Record<string, unknown>>;
  /** The record as JSON text, without secrets and message bodies, and without characters that Postgres refuses. */
  readonly properties: string;
  /** Characters that became U+FFFD. */
  readonly replacements: number;
}

/** Twice the largest raw record, and half of what the events topic takes. */
const maxPropertiesBytes = 2 * maxRawRecordBytes;

/** Escapes of U+0000 and of surrogates; JSON holds U+0000 in no other way. Pairs match too, and are looked at closer. */
const suspectEscape = /\\u(?:0000|d[89a-f])/i;

/** Parses a record's JSON text and makes it storable; a text that is so already is kept as it came. */
export function readRecordText(text: string, options: StripOptions): ReadRecord | Rejection {
  let parsed: unknown;
  let stripped: unknown;
  try {
    parsed = parseJson(text);
    stripped = stripRecord(parsed, options);
  } catch (error) {
    if (error instanceof SyntaxError) return reject(rejectCodes.notJson, 'the record is not JSON', '');
    if (error instanceof RangeError) return reject(rejectCodes.tooDeep, 'the record nests too deeply', '');
    throw error;
  }
  const clean =
    suspectEscape.test(text) || !text.isWellFormed() ? sanitiseValue(stripped) : { value: stripped, replacements: 0 };
  const record = clean.value;
  if (!isRecord(record)) return reject(rejectCodes.notObject, 'the record is not an object', '');
  const properties = record === parsed ? text : stringifyJson(record);
  if (Buffer.byteLength(properties) > maxPropertiesBytes) {
    return reject(rejectCodes.tooLarge, `the record is larger than ${maxPropertiesBytes} bytes`, '');
  }
  return {
    kind: 'record',
    record,
    properties,
    replacements: clean.replacements,
  };
}
