import type { Queryable } from './database.ts';

export type LetterStatus = 'open' | 'replaying' | 'replayed' | 'superseded';

/** A stored dead letter, without its record. */
export interface Letter {
  readonly id: number;
  readonly status: LetterStatus;
  readonly stage: string;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
  readonly jobId: string | null;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly eventKey: string | null;
  readonly originTopic: string | null;
  readonly originPartition: number | null;
  readonly originOffset: number | null;
  readonly originIndex: number | null;
  readonly streamId: number | null;
  readonly attempt: number;
  readonly recordBytes: number;
  readonly recordSha256: Buffer;
  readonly truncated: boolean;
  readonly failedAt: Date;
  readonly storedAt: Date;
  readonly replayJobId: string | null;
  readonly supersededBy: number | null;
}

export interface LetterFilter {
  readonly stage?: string | undefined;
  readonly code?: string | undefined;
  readonly jobId?: string | undefined;
  readonly platform?: string | undefined;
  readonly namespace?: string | undefined;
}

const columns = `dead_letter_id, status, stage, code, detail, pointer, job_id, namespace, platform, event_key, origin_topic,
  origin_partition, origin_offset, origin_index, stream_id, attempt, record_bytes, record_sha256, truncated, failed_at,
  stored_at, replay_job_id, superseded_by`;

interface LetterRow {
  readonly dead_letter_id: string;
  readonly status: LetterStatus;
  readonly stage: string;
  readonly code: string;
  readonly detail: string;
  readonly pointer: string | null;
  readonly job_id: string | null;
  readonly namespace: string | null;
  readonly platform: string | null;
  readonly event_key: string | null;
  readonly origin_topic: string | null;
  readonly origin_partition: number | null;
  readonly origin_offset: string | null;
  readonly origin_index: number | null;
  readonly stream_id: string | null;
  readonly attempt: number;
  readonly record_bytes: string;
  readonly record_sha256: Buffer;
  readonly truncated: boolean;
  readonly failed_at: Date;
  readonly stored_at: Date;
  readonly replay_job_id: string | null;
  readonly superseded_by: string | null;
}

/** The condition of a filter, with its values from parameter `first` on. */
export function letterCondition(
  filter: LetterFilter,
  first: number,
): { readonly sql: string; readonly values: readonly string[] } {
  const wanted = [
    ['stage', filter.stage],
    ['code', filter.code],
    ['job_id', filter.jobId],
    ['platform', filter.platform],
    ['namespace', filter.namespace],
  ].flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
  return {
    sql: wanted.map(({ column }, index) => `l.${column} = $${first + index}`).join(' and ') || 'true',
    values: wanted.map(({ value }) => value),
  };
}

/** The newest letters first, `limit` of them below the id `before`, and the id to go on below (null at the end). */
export async function listLetters(
  queryable: Queryable,
  page: {
    readonly limit: number;
    readonly before: number | null;
    readonly status?: LetterStatus | undefined;
    readonly filter: LetterFilter;
  },
): Promise<{ readonly letters: readonly Letter[]; readonly next: number | null }> {
  const { limit, before, status, filter } = page;
  const { sql, values } = letterCondition(filter, 4);
  const { rows } = await queryable.query<LetterRow>(
    `select ${columns} from dead_letters l
     where ($2::bigint is null or dead_letter_id < $2) and ($3::text is null or status = $3) and ${sql}
     order by dead_letter_id desc limit $1`,
    [limit + 1, before, status ?? null, ...values],
  );
  const letters = rows.slice(0, limit).map(toLetter);
  return { letters, next: rows.length > limit ? (letters.at(-1)?.id ?? null) : null };
}

/** One letter with its record (or the beginning of it), and the campaign of the walk that it came of; null = none. */
export async function readLetter(
  queryable: Queryable,
  id: number,
): Promise<{ readonly letter: Letter; readonly record: Buffer } | null> {
  const { rows } = await queryable.query<LetterRow & { readonly record: Buffer }>(
    `select ${columns}, record from dead_letters where dead_letter_id = $1`,
    [id],
  );
  const row = rows[0];
  return row === undefined ? null : { letter: toLetter(row), record: row.record };
}

function toLetter(row: LetterRow): Letter {
  return {
    id: Number(row.dead_letter_id),
    status: row.status,
    stage: row.stage,
    code: row.code,
    detail: row.detail,
    pointer: row.pointer,
    jobId: row.job_id,
    namespace: row.namespace,
    platform: row.platform,
    eventKey: row.event_key,
    originTopic: row.origin_topic,
    originPartition: row.origin_partition,
    originOffset: row.origin_offset === null ? null : Number(row.origin_offset),
    originIndex: row.origin_index,
    streamId: row.stream_id === null ? null : Number(row.stream_id),
    attempt: row.attempt,
    recordBytes: Number(row.record_bytes),
    recordSha256: row.record_sha256,
    truncated: row.truncated,
    failedAt: row.failed_at,
    storedAt: row.stored_at,
    replayJobId: row.replay_job_id,
    supersededBy: row.superseded_by === null ? null : Number(row.superseded_by),
  };
}
