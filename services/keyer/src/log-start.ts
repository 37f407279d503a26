import { nextOffsetOf } from '@full-sync/kafka';
import type { KafkaClient } from '@full-sync/kafka';
import type { Clock } from '@full-sync/runtime';
import { keyerGroup, rawTopics } from './raw-topics.ts';

/**
 * Makes sure that no raw record was deleted before it was keyed. A batch that begins too late is found when it comes; this
 * finds the partition whose missing records were its last ones.
 *
 * @throws OffsetGapError when a log starts above the group's offset.
 */
export async function checkLogStarts(client: Pick<KafkaClient, 'offsets'>): Promise<void> {
  for (const topic of rawTopics) {
    for (const [partition, start] of await client.offsets.start(topic)) {
      // A log that still starts at 0 has lost nothing.
      if (start > 0) await nextOffsetOf({ client, group: keyerGroup, topic, partition });
    }
  }
}

const checkEveryMs = 30_000;

/** Repeats the check until `signal` is aborted. */
export async function watchLogStarts(
  client: Pick<KafkaClient, 'offsets'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(checkEveryMs, signal);
    await checkLogStarts(client);
  }
}
