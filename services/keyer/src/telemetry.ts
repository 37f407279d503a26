import type { Codec, Producer } from '@full-sync/kafka';
import type { Clock } from '@full-sync/runtime';
import { keyerGauges, keyerService, telemetryEveryMs, topicNames } from '@full-sync/schemas';
import type { SightingWindow } from './window.ts';

export interface Telemetry {
  /** Publishes the gauges now. */
  readonly publish: () => Promise<void>;
  /** Publishes them every 2 s until `signal` is aborted, and says at the end that this process is gone. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Notes that an order to clear, issued at that instant, was followed. */
  readonly noteCleared: (issuedAtMs: number) => void;
}

/** Makes this process's gauges known on `service.telemetry`; totals come from Postgres. */
export function createTelemetry(options: {
  readonly producer: Producer;
  readonly codec: Codec<'service.telemetry'>;
  readonly window: SightingWindow;
  readonly instance: string;
  readonly clock: Clock;
}): Telemetry {
  const { producer, codec, window, instance, clock } = options;
  const key = `${keyerService}:${instance}`;
  let clearedAtMs = 0;
  let keysPerSecond = 0;
  let measured = { asked: 0, atMs: clock.now() };

  const measure = (): void => {
    const { asked } = window.lookups();
    const atMs = clock.now();
    if (atMs > measured.atMs) keysPerSecond = ((asked - measured.asked) * 1_000) / (atMs - measured.atMs);
    measured = { asked, atMs };
  };
  const publish = async (): Promise<void> => {
    const { asked, remembered } = window.lookups();
    const gauges = {
      [keyerGauges.cacheSize]: window.size(),
      [keyerGauges.cacheLookups]: asked,
      [keyerGauges.cacheHits]: remembered,
      [keyerGauges.keysPerSecond]: keysPerSecond,
      [keyerGauges.clearedAt]: clearedAtMs,
    };
    const value = codec.encode({ service: keyerService, instance, at: clock.now(), gauges });
    await producer.send(topicNames.telemetry, [{ partition: 0, key, value }]);
  };
  return {
    publish,
    run: async (signal) => {
      while (!signal.aborted) {
        measure();
        await publish();
        await clock.sleep(telemetryEveryMs, signal).catch(() => undefined);
      }
      // A process that fails may have no producer left; its gauges are too old to count 30 s later.
      if (!producer.dead()) await producer.send(topicNames.telemetry, [{ partition: 0, key, value: null }]);
    },
    noteCleared: (issuedAtMs) => {
      clearedAtMs = Math.max(clearedAtMs, issuedAtMs);
    },
  };
}
