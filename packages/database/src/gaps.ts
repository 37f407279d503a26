import type { Queryable } from './database.ts';

interface AcceptedPosition {
  readonly topicId: string;
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
}

/** Where loading stands in an events partition; 0 before the first batch. */
export async function readEventPosition(queryable: Queryable, topicId: string, partition: number): Promise<number> {
  const { rows } = await queryable.query<{ next_offset: string }>(
    'select next_offset from event_positions where topic_id = $1 and partition = $2',
    [topicId, partition],
  );
  return Number(rows[0]?.next_offset ?? 0);
}

/** The same for the dead letters that the api stores. */
export async function readDeadLetterPosition(
  queryable: Queryable,
  topicId: string,
  partition: number,
): Promise<number> {
  const { rows } = await queryable.query<{ next_offset: string }>(
    'select next_offset from dead_letter_positions where topic_id = $1 and partition = $2',
    [topicId, partition],
  );
  return Number(rows[0]?.next_offset ?? 0);
}

/** Lets loading go on at `nextOffset`, on the word of an operator; a position that is further already stays. */
export async function acceptEventGap(queryable: Queryable, position: AcceptedPosition): Promise<void> {
  await queryable.query(
    `insert into event_positions as known (topic_id, partition, topic, next_offset) values ($1, $2, $3, $4)
     on conflict (topic_id, partition)
     do update set next_offset = greatest(known.next_offset, excluded.next_offset), updated_at = now()`,
    [position.topicId, position.partition, position.topic, position.nextOffset],
  );
}

/** The same for the dead letters that the api stores. */
export async function acceptDeadLetterGap(
  queryable: Queryable,
  position: Omit<AcceptedPosition, 'topic'>,
): Promise<void> {
  await queryable.query(
    `insert into dead_letter_positions as known (topic_id, partition, next_offset) values ($1, $2, $3)
     on conflict (topic_id, partition) do update set next_offset = greatest(known.next_offset, excluded.next_offset)`,
    [position.topicId, position.partition, position.nextOffset],
  );
}

/** The same for a destination; it has a position already, or it would have met no gap. */
export async function acceptDestinationGap(
  queryable: Queryable,
  position: AcceptedPosition & { readonly destination: string },
): Promise<void> {
  await queryable.query(
    `update destination_positions set next_offset = greatest(next_offset, $4), updated_at = now()
     where destination = $1 and topic_id = $2 and partition = $3`,
    [position.destination, position.topicId, position.partition, position.nextOffset],
  );
}
