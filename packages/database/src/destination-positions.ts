import type { Logger } from '@full-sync/runtime';
import type { Client, Database, Queryable } from './database.ts';
import { waitForLock } from './wait-for-lock.ts';

/** A partition of the events topic as one destination reads it. */
export interface DestinationPartition {
  readonly destination: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Where a destination stands: the next offset, and per raw topic id the last source position seen. */
export interface DestinationPosition {
  readonly nextOffset: number;
  readonly sources: Readonly<Record<string, readonly [offset: number, index: number]>>;
}

interface PositionRow {
  readonly next_offset: string;
  readonly sources: Record<string, readonly [number, number]>;
}

const selectSql = `select next_offset, sources from destination_positions
  where destination = $1 and topic_id = $2 and partition = $3`;

/** The position, without a lock; null when the destination has never read this partition of this topic (id). */
export async function readDestinationPosition(
  queryable: Queryable,
  at: DestinationPartition,
): Promise<DestinationPosition | null> {
  const { rows } = await queryable.query<PositionRow>({
    name: 'read-destination-position',
    text: selectSql,
    values: [at.destination, at.topicId, at.partition],
  });
  return rows[0] === undefined ? null : toPosition(rows[0]);
}

/** Begins at `nextOffset` where there is no position yet; somebody else's stays as it is. */
export async function openDestinationPosition(
  queryable: Queryable,
  at: DestinationPartition,
  nextOffset: number,
): Promise<void> {
  await queryable.query(
    `insert into destination_positions (destination, topic_id, partition, topic, next_offset) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [at.destination, at.topicId, at.partition, at.topic, nextOffset],
  );
}

/**
 * Locks the position for the transaction: the fence against a consumer that lost the partition, which waits here and
 * then finds that the position has moved.
 */
export async function lockDestinationPosition(options: {
  readonly db: Database;
  readonly client: Client;
  readonly at: DestinationPartition;
  readonly logger: Logger;
}): Promise<DestinationPosition> {
  const { at, client } = options;
  const { rows } = await waitForLock({
    ...options,
    lock: () =>
      client.query<PositionRow>({
        name: 'lock-destination-position',
        text: `${selectSql} for update`,
        values: [at.destination, at.topicId, at.partition],
      }),
  });
  if (rows[0] === undefined) throw new Error('the position row is gone');
  return toPosition(rows[0]);
}

/** Moves the position, in the transaction that locked it. */
export async function storeDestinationPosition(
  client: Client,
  at: DestinationPartition,
  position: DestinationPosition,
): Promise<void> {
  await client.query({
    name: 'store-destination-position',
    text: `update destination_positions set next_offset = $4, sources = $5, updated_at = clock_timestamp()
      where destination = $1 and topic_id = $2 and partition = $3`,
    values: [at.destination, at.topicId, at.partition, position.nextOffset, JSON.stringify(position.sources)],
  });
}

function toPosition(row: PositionRow): DestinationPosition {
  return { nextOffset: Number(row.next_offset), sources: row.sources };
}
