import { apiMetrics, createInstruments, lagMetrics } from '@full-sync/metrics';
import type { Instruments, MetricRegistry } from '@full-sync/metrics';
import { createEtaErrors } from './domain/eta-errors.ts';
import type { EtaErrors } from './domain/eta-errors.ts';

/** What the api shows of jobs, requests and its own work. */
export interface ApiMetrics extends Instruments<typeof apiMetrics> {
  readonly etaErrors: EtaErrors;
}

export function createApiMetrics(registry: MetricRegistry): ApiMetrics {
  return { ...createInstruments(registry, apiMetrics), etaErrors: createEtaErrors() };
}

export function createLagInstruments(registry: MetricRegistry): Instruments<typeof lagMetrics> {
  return createInstruments(registry, lagMetrics);
}
