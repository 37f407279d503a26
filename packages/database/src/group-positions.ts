import type { Queryable } from './database.ts';

/** Where a consumer stands whose position is in Postgres: the loader, the api, each destination. */
export interface GroupPosition {
  readonly group: string;
  readonly topicId: string;
  readonly partition: number;
  readonly nextOffset: number;
}

/** The positions in topics with these ids. Destinations are in it from their first start on, running or not. */
export async function readGroupPositions(
  queryable: Queryable,
  topicIds: readonly string[],
): Promise<readonly GroupPosition[]> {
  const { rows } = await queryable.query<Omit<GroupPosition, 'nextOffset'> & { readonly next: string }>(
    `select 'loader' as group, topic_id as "topicId", partition, next_offset as next
       from event_positions where topic_id = any($1)
     union all select 'api', topic_id, partition, next_offset from dead_letter_positions where topic_id = any($1)
     union all select destination, topic_id, partition, next_offset from destination_positions where topic_id = any($1)`,
    [topicIds],
  );
  return rows.map(({ next, ...position }) => ({ ...position, nextOffset: Number(next) }));
}
