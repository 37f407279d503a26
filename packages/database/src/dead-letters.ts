import type { Client, Queryable } from './database.ts';

/** A dead letter as it is stored; times are ms since 1970. */
export interface NewDeadLetter {
  readonly origin: string;
  readonly stage: string;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
  readonly job_id: string | null;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly origin_topic: string | null;
  readonly origin_partition: number | null;
  readonly origin_offset: number | null;
  readonly origin_index: number | null;
  readonly stream_id: number | null;
  readonly attempt: number;
  readonly record: Buffer;
  readonly record_bytes: number;
  readonly record_sha256: Buffer;
  readonly truncated: boolean;
  readonly failed_at: number;
  /** Position of the raw record that it is about, `topic id:partition:offset`. */
  readonly source?: string | null;
  /** The event that it is about. */
  readonly event_key?: string | null;
}

export interface DeadLetterPosition {
  readonly topicId: string;
  readonly partition: number;
}

/** Makes the position of a topic that was never read, at the start of its log; a known one stays. */
export async function openDeadLetterPosition(
  queryable: Queryable,
  position: DeadLetterPosition,
  logStart: number,
): Promise<void> {
  await queryable.query(
    'insert into dead_letter_positions (topic_id, partition, next_offset) values ($1, $2, $3) on conflict do nothing',
    [position.topicId, position.partition, logStart],
  );
}

/** Locks a position until the transaction ends and returns the next offset to store; null when it was never opened. */
export async function lockDeadLetterPosition(client: Client, position: DeadLetterPosition): Promise<number | null> {
  const { rows } = await client.query<{ next_offset: string }>(
    'select next_offset from dead_letter_positions where topic_id = $1 and partition = $2 for update',
    [position.topicId, position.partition],
  );
  const row = rows[0];
  return row === undefined ? null : Number(row.next_offset);
}

/** Advances a position; in the transaction that stored the letters below it (I1). */
export async function advanceDeadLetterPosition(
  client: Client,
  position: DeadLetterPosition,
  nextOffset: number,
): Promise<void> {
  await client.query('update dead_letter_positions set next_offset = $3 where topic_id = $1 and partition = $2', [
    position.topicId,
    position.partition,
    nextOffset,
  ]);
}

const textColumns = [
  'origin',
  'stage',
  'code',
  'detail',
  'pointer',
  'job_id',
  'namespace',
  'platform',
  'origin_topic',
  'source',
  'event_key',
] as const;
const otherColumns = [
  ['origin_partition', 'integer'],
  ['origin_offset', 'bigint'],
  ['origin_index', 'integer'],
  ['stream_id', 'bigint'],
  ['attempt', 'integer'],
  ['record', 'bytea'],
  ['record_bytes', 'bigint'],
  ['record_sha256', 'bytea'],
  ['truncated', 'boolean'],
] as const;
const unnested = [...textColumns.map(() => 'text'), ...otherColumns.map(([, type]) => type), 'float8'];

/** What a letter that is new is about. */
export type StoredLetter = Pick<NewDeadLetter, 'stage' | 'code'>;

/** Stores letters; one whose origin is there already is the same failure met again (I3). Returns those that were new. */
export async function insertDeadLetters(
  queryable: Queryable,
  letters: readonly NewDeadLetter[],
): Promise<readonly StoredLetter[]> {
  if (letters.length === 0) return [];
  const of = <K extends keyof NewDeadLetter>(field: K): readonly NewDeadLetter[K][] =>
    letters.map((letter) => letter[field]);
  const { rows } = await queryable.query<StoredLetter>(
    `insert into dead_letters (${textColumns.join(', ')}, ${otherColumns.map(([name]) => name).join(', ')}, failed_at)
     select ${textColumns.join(', ')}, ${otherColumns.map(([name]) => name).join(', ')}, to_timestamp(failed_at_ms / 1000)
     from unnest(${unnested.map((type, index) => `$${index + 1}::${type}[]`).join(', ')})
       as letter (${textColumns.join(', ')}, ${otherColumns.map(([name]) => name).join(', ')}, failed_at_ms)
     on conflict (origin) do nothing returning stage, code`,
    [
      ...textColumns.map((name) => of(name).map((text) => storable(text ?? null))),
      ...otherColumns.map(([name]) => of(name)),
      of('failed_at'),
    ],
  );
  return rows;
}

/** Postgres cannot hold U+0000; a detail may quote the record that has one. */
function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '\u{FFFD}');
}
