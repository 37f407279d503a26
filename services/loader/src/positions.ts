import { waitForLock } from '@full-sync/database';
import type { Client, Database } from '@full-sync/database';
import type { Position, SourcePosition } from '@full-sync/delivery';
import type { Logger } from '@full-sync/runtime';

export interface PartitionOfTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

interface PositionRow {
  readonly next_offset: string;
  readonly sources: Record<string, SourcePosition>;
}

/** The position of a partition, without a lock; a partition of a topic (id) not met before starts at 0. */
export async function readPosition(db: Database, at: PartitionOfTopic): Promise<Position> {
  await db.pool.query(
    `insert into event_positions (topic_id, partition, topic, next_offset) values ($1, $2, $3, 0) on conflict do nothing`,
    [at.topicId, at.partition, at.topic],
  );
  const { rows } = await db.pool.query<PositionRow>(
    'select next_offset, sources from event_positions where topic_id = $1 and partition = $2',
    [at.topicId, at.partition],
  );
  return toPosition(rows[0]);
}

/**
 * Locks the partition's position row for the transaction: the fence against a zombie loader, which waits here and then
 * finds nothing to do. A holder that does not give way within 10 s is ended: a client frozen inside COPY heeds no
 * timeout of the server.
 */
export async function lockPosition(options: {
  readonly db: Database;
  readonly client: Client;
  readonly at: PartitionOfTopic;
  readonly logger: Logger;
}): Promise<Position> {
  const { db, client, at, logger } = options;
  const { rows } = await waitForLock({
    db,
    client,
    logger,
    at,
    lock: () =>
      client.query<PositionRow>(
        'select next_offset, sources from event_positions where topic_id = $1 and partition = $2 for update',
        [at.topicId, at.partition],
      ),
  });
  return toPosition(rows[0]);
}

/** What it took to load one batch; added up in the row that is written anyway, for those who ask how loading does. */
export interface BatchEffort {
  /** 0 for a batch of repeats alone. */
  readonly batches: 0 | 1;
  readonly attempts: number;
  readonly events: number;
  readonly rowsWritten: number;
  /** From the batch's arrival to just before its commit, and the part of it in which rows were written, ms. */
  readonly busyMs: number;
  readonly writeMs: number;
}

export async function storePosition(
  client: Client,
  at: PartitionOfTopic,
  position: Position,
  effort: BatchEffort,
): Promise<void> {
  const { batches, attempts, events, rowsWritten, busyMs, writeMs } = effort;
  await client.query(
    `update event_positions set next_offset = $3, sources = $4, updated_at = clock_timestamp(), batches = batches + $5,
       attempts = attempts + $6, events = events + $7, rows_written = rows_written + $8, busy_ms = busy_ms + $9,
       write_ms = write_ms + $10
     where topic_id = $1 and partition = $2`,
    [
      at.topicId,
      at.partition,
      position.nextOffset,
      JSON.stringify(position.sources),
      batches,
      attempts,
      events,
      rowsWritten,
      busyMs,
      writeMs,
    ],
  );
}

function toPosition(row: PositionRow | undefined): Position {
  if (row === undefined) throw new Error('the position row is gone');
  return { nextOffset: Number(row.next_offset), sources: row.sources };
}
