export { letterCodeLabel, statusLabel } from './labels.ts';
export type { DataTopic, HttpStatus, LetterCode } from './labels.ts';
export { allowsValue, isOpenLabel } from './model.ts';
export type {
  CounterMetric,
  GaugeMetric,
  HistogramMetric,
  LabelRule,
  LabelRules,
  LabelsOf,
  Metric,
  MetricUnit,
  OpenLabel,
  ServiceKind,
} from './model.ts';
export { metricSections, metricsOf, metricTable } from './table.ts';
export type { MetricSection } from './table.ts';
export { apiMetrics } from './table/api.ts';
export { destinationMetrics } from './table/destination.ts';
export { extractorMetrics, upstreamOutcome } from './table/extractor.ts';
export { consumerMetrics, producerMetrics } from './table/kafka.ts';
export { keyerMetrics } from './table/keyer.ts';
export { lagMetrics } from './table/lag.ts';
export { loaderMetrics } from './table/loader.ts';
export { databaseMetrics, processMetrics } from './table/process.ts';
export { createInstruments } from './instruments.ts';
export type {
  CounterInstrument,
  GaugeInstrument,
  HistogramInstrument,
  Instruments,
  LabelDomains,
} from './instruments.ts';
export type { Series } from './histogram.ts';
export { MetricRegistry } from './registry.ts';
export { showProcess } from './process-instruments.ts';
export type { ProcessFacts } from './process-instruments.ts';
