import { once } from 'node:events';
import { UndecodableError, createProducer, followTopic } from '@full-sync/kafka';
import type { Codec, FollowedRecord, KafkaClient } from '@full-sync/kafka';
import type { Clock } from '@full-sync/runtime';
import { controlSubjects, keyerGauges, topicNames } from '@full-sync/schemas';
import type { ServiceTelemetry } from '@full-sync/schemas';
import { addUpKeyers, liveKeyers } from './domain/live-gauges.ts';
import type { LiveKeyers } from './domain/live-gauges.ts';

export interface ClearedCaches {
  /** Keys remembered by all keyers before. */
  readonly previousSize: number;
  readonly copies: number;
  /** Those of them that had said so in time that their window is empty; the others do it when they read the order. */
  readonly confirmed: number;
}

/** The keyers that run now, as they make themselves known through topics; services never call each other. */
export interface Keyers {
  /** Follows `service.telemetry` until `signal` is aborted. */
  readonly follow: (signal: AbortSignal) => Promise<void>;
  readonly live: () => LiveKeyers;
  /** Tells every keyer to forget the keys it remembers. @throws when the broker does not take the order. */
  readonly clearCaches: () => Promise<ClearedCaches>;
}

/** How long an order waits to be confirmed by all copies. */
const patienceMs = 3_000;
const lookEveryMs = 50;

export function createKeyers(options: {
  readonly client: KafkaClient;
  readonly telemetry: Codec<'service.telemetry'>;
  readonly control: Codec<'sync.control'>;
  readonly clock: Clock;
  readonly onFailure: (error: Error) => void;
}): Keyers {
  const { client, telemetry, control, clock } = options;
  const gauges = new Map<string, ServiceTelemetry>();
  const liveNow = (): readonly ServiceTelemetry[] => liveKeyers(gauges.values(), clock.now());
  const take = ({ key, value }: FollowedRecord): void => {
    if (key === null) return;
    if (value === null) gauges.delete(key);
    else gauges.set(key, telemetry.decode(value));
  };
  const takeAll = async (records: readonly FollowedRecord[]): Promise<void> => {
    await telemetry.prepare(records.map(({ value }) => value));
    for (const record of records) {
      try {
        take(record);
      } catch (error) {
        // Gauges that a later release writes in a form of its own are not counted; nothing depends on them.
        if (!(error instanceof UndecodableError)) throw error;
      }
    }
  };
  return {
    follow: async (signal) => {
      const stopped = once(signal, 'abort');
      const follower = await followTopic({
        client,
        purpose: 'api-telemetry',
        topic: topicNames.telemetry,
        onRecords: takeAll,
        onFailure: options.onFailure,
      });
      if (!signal.aborted) await stopped;
      await follower[Symbol.asyncDispose]();
    },
    live: () => addUpKeyers(liveNow()),
    clearCaches: async () => {
      const before = liveNow();
      const subject = controlSubjects.clearKeyCache;
      const issuedAtMs = clock.now();
      const value = control.encode({ subject, issued_at: issuedAtMs, issued_by: 'api' });
      await using producer = await createProducer(client);
      await producer.send(topicNames.control, [{ partition: 0, key: subject, value }]);
      const confirmed = (): number =>
        liveNow().filter((keyer) => (keyer.gauges[keyerGauges.clearedAt] ?? 0) >= issuedAtMs).length;
      for (const endMs = clock.now() + patienceMs; clock.now() < endMs; await clock.sleep(lookEveryMs))
        if (confirmed() >= before.length) break;
      return { previousSize: addUpKeyers(before).cacheSize, copies: before.length, confirmed: confirmed() };
    },
  };
}
