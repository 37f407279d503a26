import { apiMetrics, createInstruments, lagMetrics } from '@full-sync/metrics';
import type { Instruments, MetricRegistry } from '@full-sync/metrics';
import { destinationNames } from '@full-sync/schemas';
import { createEtaErrors } from './domain/eta-errors.ts';
import type { EtaErrors } from './domain/eta-errors.ts';

/** What the api shows of jobs, requests and its own work. */
export interface ApiMetrics extends Instruments<typeof apiMetrics> {
  readonly etaErrors: EtaErrors;
}

/** Who gives records up: their letters are there at zero from the start, or the first would not be seen to rise. */
const stage = ['extractor', 'keyer', 'loader', ...destinationNames] as const;

export function createApiMetrics(registry: MetricRegistry): ApiMetrics {
  return { ...createInstruments(registry, apiMetrics, { stage }), etaErrors: createEtaErrors() };
}

export function createLagInstruments(registry: MetricRegistry): Instruments<typeof lagMetrics> {
  return createInstruments(registry, lagMetrics);
}
