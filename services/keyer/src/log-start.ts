import { OffsetGapError } from '@full-sync/kafka';
import type { KafkaClient } from '@full-sync/kafka';
import type { Clock } from '@full-sync/runtime';
import { keyerGroup, rawTopics } from './raw-topics.ts';

/**
 * Makes sure that no raw record was deleted before it was keyed. A batch that begins too late is found when it comes; this
 * finds the partition whose missing records were its last ones.
 *
 * @throws OffsetGapError when a log starts above the group's offset.
 */
export async function checkLogStarts({ offsets }: Pick<KafkaClient, 'offsets'>): Promise<void> {
  for (const topic of rawTopics) {
    // In this order: both only grow, so a log start read first cannot pass an offset that was committed in time.
    const starts = await offsets.start(topic);
    const committed = await offsets.group(keyerGroup, topic);
    for (const [partition, start] of starts) {
      const from = committed.get(partition) ?? 0;
      if (start > from) throw new OffsetGapError({ group: keyerGroup, topic, partition, from, to: start - 1 });
    }
  }
}

const checkEveryMs = 30_000;

/** Repeats the check until `signal` is aborted. */
export async function watchLogStarts(client: Pick<KafkaClient, 'offsets'>, clock: Clock, signal: AbortSignal) {
  for (;;) {
    await clock.sleep(checkEveryMs, signal);
    await checkLogStarts(client);
  }
}
