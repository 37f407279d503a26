import type { Queryable } from './database.ts';

export interface AcceptedPosition {
  readonly topicId: string;
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
}

/**
 * Lets loading go on at `nextOffset` of an events partition, on the word of an operator who understands the loss; a
 * position that is further already stays. Returns the position before, null when there was none.
 */
export async function acceptEventGap(queryable: Queryable, position: AcceptedPosition): Promise<number | null> {
  const { rows } = await queryable.query<{ next_offset: string | null }>(
    `with before as (select next_offset from event_positions where topic_id = $1 and partition = $2),
       moved as (
         insert into event_positions as known (topic_id, partition, topic, next_offset) values ($1, $2, $3, $4)
         on conflict (topic_id, partition)
         do update set next_offset = greatest(known.next_offset, excluded.next_offset), updated_at = now())
     select (select next_offset from before)`,
    [position.topicId, position.partition, position.topic, position.nextOffset],
  );
  const before = rows[0]?.next_offset ?? null;
  return before === null ? null : Number(before);
}

/** The same for the dead letters that the api stores. */
export async function acceptDeadLetterGap(
  queryable: Queryable,
  position: Omit<AcceptedPosition, 'topic'>,
): Promise<number | null> {
  const { rows } = await queryable.query<{ next_offset: string | null }>(
    `with before as (select next_offset from dead_letter_positions where topic_id = $1 and partition = $2),
       moved as (
         insert into dead_letter_positions as known (topic_id, partition, next_offset) values ($1, $2, $3)
         on conflict (topic_id, partition) do update set next_offset = greatest(known.next_offset, excluded.next_offset))
     select (select next_offset from before)`,
    [position.topicId, position.partition, position.nextOffset],
  );
  const before = rows[0]?.next_offset ?? null;
  return before === null ? null : Number(before);
}
