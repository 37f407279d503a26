import { keyerGauges, keyerService, telemetryStaleMs } from '@full-sync/schemas';
import type { ServiceTelemetry } from '@full-sync/schemas';

/** What the keyers that run now say of themselves, added up. */
export interface LiveKeyers {
  readonly copies: number;
  readonly cacheSize: number;
  /** Share of the keys looked up that were remembered, 0 to 1; 0 before the first. */
  readonly cacheHitRate: number;
  readonly keysPerSecond: number;
}

/** The keyers among `gauges` that have been heard of within 30 s of `nowMs`. */
export function liveKeyers(gauges: Iterable<ServiceTelemetry>, nowMs: number): readonly ServiceTelemetry[] {
  return [...gauges].filter(({ service, at }) => service === keyerService && nowMs - at <= telemetryStaleMs);
}

export function addUpKeyers(live: readonly ServiceTelemetry[]): LiveKeyers {
  const sum = (name: string): number => live.reduce((total, { gauges }) => total + (gauges[name] ?? 0), 0);
  return {
    copies: live.length,
    cacheSize: sum(keyerGauges.cacheSize),
    cacheHitRate: shareOf(sum(keyerGauges.cacheHits), sum(keyerGauges.cacheLookups)),
    keysPerSecond: sum(keyerGauges.keysPerSecond),
  };
}

/** `part` of `whole` from 0 to 1; 0 before there is a whole. */
export function shareOf(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
