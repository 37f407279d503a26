import { createInstruments, keyerMetrics } from '@full-sync/metrics';
import type { Instruments, MetricRegistry } from '@full-sync/metrics';

export type KeyerMetrics = Omit<Instruments<typeof keyerMetrics>, 'windowKeys'>;

/** What the keyer shows of itself. `windowKeys` is read at each scrape. */
export function createKeyerMetrics(registry: MetricRegistry, windowKeys: () => number): KeyerMetrics {
  const shown = createInstruments(registry, keyerMetrics);
  registry.onScrape(() => {
    shown.windowKeys.set({}, windowKeys());
  });
  return shown;
}
