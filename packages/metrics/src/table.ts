import type { Metric, ServiceKind } from './model.ts';
import { apiMetrics } from './table/api.ts';
import { destinationMetrics } from './table/destination.ts';
import { extractorMetrics } from './table/extractor.ts';
import { consumerMetrics, producerMetrics } from './table/kafka.ts';
import { keyerMetrics } from './table/keyer.ts';
import { lagMetrics } from './table/lag.ts';
import { loaderMetrics } from './table/loader.ts';
import { databaseMetrics, processMetrics } from './table/process.ts';

export interface MetricSection {
  readonly title: string;
  readonly about: string;
  readonly metrics: readonly Metric[];
}

/** The table by what it is about, in the order of docs/metrics.md. */
export const metricSections: readonly MetricSection[] = [
  {
    title: 'Lag and throughput',
    about: 'Measured by the api from offsets, the log and positions in Postgres, at each scrape, and every 5 seconds.',
    metrics: Object.values(lagMetrics),
  },
  {
    title: 'Jobs, budgets, dead letters',
    about: 'By the api; what is in Postgres is read at each scrape.',
    metrics: Object.values(apiMetrics),
  },
  { title: 'Extractor and upstreams', about: 'By the extractor.', metrics: Object.values(extractorMetrics) },
  { title: 'Keyer', about: 'By the keyer.', metrics: Object.values(keyerMetrics) },
  {
    title: 'Loader',
    about: 'By the loader, once the transaction has committed.',
    metrics: Object.values(loaderMetrics),
  },
  {
    title: 'Destinations',
    about: 'By each service that delivers events elsewhere.',
    metrics: Object.values(destinationMetrics),
  },
  { title: 'Consumers', about: 'By every member of a consumer group.', metrics: Object.values(consumerMetrics) },
  { title: 'Producers', about: 'By every process.', metrics: Object.values(producerMetrics) },
  {
    title: 'Postgres connections',
    about: 'By every process that is connected to Postgres.',
    metrics: Object.values(databaseMetrics),
  },
  { title: 'Processes', about: 'By every process.', metrics: Object.values(processMetrics) },
];

/** Every metric that any process shows, by name; a closed list. Each also has the label `service`. */
export const metricTable: ReadonlyMap<string, Metric> = new Map(
  metricSections.flatMap(({ metrics }) => metrics.map((metric) => [metric.name, metric] as const)),
);

/** Services that are no destinations. */
const kinds: ReadonlySet<string> = new Set<ServiceKind>(['api', 'extractor', 'keyer', 'loader']);

/** The metrics that a service shows. */
export function metricsOf(service: string): readonly Metric[] {
  const kind = kinds.has(service) ? service : 'destination';
  return [...metricTable.values()].filter(
    ({ services }) => services === 'every' || services.some((name) => name === kind),
  );
}
