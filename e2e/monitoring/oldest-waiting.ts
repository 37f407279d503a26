import { topicNames } from '@full-sync/schemas';
import { randomSuffix, waitFor } from '@full-sync/testing';
import type { Stage } from './stage.ts';
import { withKafka } from './with-kafka.ts';

const TOPIC = topicNames.events;

/**
 * When the oldest event was published that the loader has not committed, ms since 1970: the records themselves are read, from
 * its positions in Postgres on, and not what the product measures. The loader must stand still, and something must wait.
 */
export async function oldestWaiting(stage: Stage): Promise<number> {
  const { rows } = await stage.system.pool.query<{ partition: number; next: number }>(
    'select partition, next_offset::float8 as next from event_positions where topic = $1',
    [TOPIC],
  );
  const positions = new Map(rows.map(({ partition, next }) => [partition, next]));
  const times = await withKafka(stage, async ({ kafka, offsets }) => {
    const ends = await offsets.end(TOPIC);
    const from = new Map(
      [...ends]
        .map(([partition, end]) => ({ partition, end, position: positions.get(partition) ?? 0 }))
        .filter(({ end, position }) => end > position)
        .map(({ partition, position }) => [partition, position]),
    );
    const found = new Map<number, number>();
    const consumer = kafka.consumer({ groupId: `monitoring-${randomSuffix()}` });
    await consumer.connect();
    try {
      await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          const isFirst = Number(message.offset) === from.get(partition);
          if (isFirst) found.set(partition, Number(message.timestamp));
        },
      });
      for (const [partition, offset] of from) consumer.seek({ topic: TOPIC, partition, offset: String(offset) });
      await waitFor(() => found.size === from.size, { what: 'the waiting events to be read', deadlineMs: 60_000 });
    } finally {
      await consumer.disconnect();
    }
    return [...found.values()];
  });
  if (times.length === 0) throw new Error('the loader stands still, and nothing waits for it');
  return Math.min(...times);
}
