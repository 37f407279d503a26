import type { Letter } from '@full-sync/database';
import { parseJson } from '@full-sync/schemas';
import type { LetterReader } from './letter-reader.ts';

/** A letter as the API lists it. */
export function showLetter(letter: Letter) {
  return {
    id: letter.id,
    status: letter.status,
    stage: letter.stage,
    code: letter.code,
    detail: letter.detail,
    pointer: letter.pointer,
    jobId: letter.jobId,
    namespace: letter.namespace,
    platform: letter.platform,
    event_key: letter.eventKey,
    origin:
      letter.originTopic === null
        ? null
        : { topic: letter.originTopic, partition: letter.originPartition, offset: letter.originOffset },
    attempt: letter.attempt,
    record_bytes: letter.recordBytes,
    record_sha256: letter.recordSha256.toString('hex'),
    truncated: letter.truncated,
    failed_at: letter.failedAt.toISOString(),
    stored_at: letter.storedAt.toISOString(),
    replayJobId: letter.replayJobId,
    superseded_by: letter.supersededBy,
  };
}

export const encodings = ['json', 'avro', 'base64'] as const;

/** A record so that people can read it: JSON as it is, a topic's value decoded, and anything else in base64. */
export interface ShownRecord {
  readonly record_encoding: (typeof encodings)[number];
  readonly record: unknown;
}

export async function showRecord(
  letter: Pick<Letter, 'stage' | 'truncated'>,
  bytes: Buffer,
  reader: LetterReader,
): Promise<ShownRecord> {
  const json = letter.truncated ? undefined : jsonOf(bytes);
  if (json !== undefined) return { record_encoding: 'json', record: json };
  await reader.prepare([bytes]);
  const raw = reader.raw(bytes);
  if (raw !== null) return { record_encoding: 'avro', record: { ...raw, record: textOrJson(raw.record) } };
  const event = reader.event(bytes);
  if (event !== null) {
    const { properties, fingerprint } = event;
    const record = { ...event, properties: textOrJson(properties), fingerprint: fingerprint.toString('hex') };
    return { record_encoding: 'avro', record };
  }
  return { record_encoding: 'base64', record: bytes.toString('base64') };
}

function jsonOf(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  // An empty record, or one that is no text, is no JSON either.
  return Buffer.byteLength(text) === bytes.length ? parsed(text) : undefined;
}

function textOrJson(text: string): unknown {
  const value = parsed(text);
  return value === undefined ? text : value;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
